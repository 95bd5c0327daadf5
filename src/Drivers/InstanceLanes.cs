namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// The lanes of a backend that lets one at a time change an instance: <c>instance:ID</c> alone for what is changed, and for what is cloned as the backend holds it. So nobody changes the source of a clone while it is
/// copied. What is only being created has no id yet and needs no lane.
/// </summary>
/// <param name="sources">How the source of a clone is held: beside other clones of it (<see cref="LaneMode.Shared"/>), or for one clone alone.</param>
public sealed class InstanceLanes(LaneMode sources) : ILaneHints
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
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"instance:{source}"), Mode = sources });
        return new(claims);
    }
}
