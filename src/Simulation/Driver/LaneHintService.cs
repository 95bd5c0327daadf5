using Hypervisor.Sdk.Simulation.Calls;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>What the personality locks: one change of an instance at a time, and the source of a clone as long as it is made. Who claims these lanes is never refused for a lock.</summary>
internal sealed class LaneHintService(SimulationClient client) : ILaneHints
{
    public ValueTask<IReadOnlyList<LaneClaim>> GetClaimsAsync(LaneQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        cancellationToken.ThrowIfCancellationRequested();
        var claims = new List<LaneClaim>();
        if (query.Instance is { } instance)
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"instance:{instance}"), Mode = LaneMode.Exclusive });
        // Where a change waits for another, clones of one source may as well wait within the backend.
        if (query.Source is { } source && source != query.Instance)
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"instance:{source}"), Mode = client.World.Personality.Locking == SimulatedLocking.Waits ? LaneMode.Shared : LaneMode.Exclusive });
        return new(claims);
    }
}
