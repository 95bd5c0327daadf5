namespace Hypervisor.Sdk.Qemu.Observation;

/// <summary>What the driver itself locks: one change a machine at a time; a source that is being cloned may be cloned again beside it, and changed by nobody.</summary>
internal sealed class QemuLaneHints : ILaneHints
{
    public ValueTask<IReadOnlyList<LaneClaim>> GetClaimsAsync(LaneQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        var claims = new List<LaneClaim>();
        if (query.Instance is { } instance)
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"instance:{instance}"), Mode = LaneMode.Exclusive });
        if (query.Source is { } source)
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"instance:{source}"), Mode = LaneMode.Shared });
        return new(claims);
    }
}
