namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// The lanes of a backend that lets one at a time change an instance, and several copy it: <c>instance:ID</c> alone for what is changed, beside others for what is cloned. So nobody changes the source of a clone while it is
/// copied, and clones of one source are made beside each other. What is only being created has no id yet and needs no lane.
/// </summary>
public sealed class InstanceLanes : ILaneHints
{
    /// <inheritdoc />
    /// <exception cref="ArgumentNullException"><paramref name="query"/> is null.</exception>
    public ValueTask<IReadOnlyList<LaneClaim>> GetClaimsAsync(LaneQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        cancellationToken.ThrowIfCancellationRequested();
        var claims = new List<LaneClaim>();
        if (query.Instance is { } instance)
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"instance:{instance}"), Mode = LaneMode.Exclusive });
        if (query.Source is { } source && source != query.Instance)
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"instance:{source}"), Mode = LaneMode.Shared });
        return new(claims);
    }
}
