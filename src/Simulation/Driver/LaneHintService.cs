using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>
/// What the personality locks: one change of an instance at a time, the source of a clone as long as it is made, beside other clones where the personality shares it, and the places of a node that makes only so many instances at once. Who
/// claims these lanes is never refused for a lock. What is done to a template, and to what a template was, meets in the lane of the instance; that of the template is held beside it, in the same mode.
/// </summary>
internal sealed class LaneHintService(SimulationClient client) : ILaneHints
{
    private World World => client.World;

    public ValueTask<IReadOnlyList<LaneClaim>> GetClaimsAsync(LaneQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        cancellationToken.ThrowIfCancellationRequested();
        return new(World.Loop.EnterAsync(() => Task.FromResult<IReadOnlyList<LaneClaim>>(Claims(query))));
    }

    private List<LaneClaim> Claims(LaneQuery query)
    {
        var claims = new List<LaneClaim>();
        if (query.Instance is { } instance)
            Add(claims, instance, LaneMode.Exclusive);
        if (query.Source is { } source && source != query.Instance)
            Add(claims, source, World.Find(source) is not { } origin || World.SharesAsSource(origin) ? LaneMode.Shared : LaneMode.Exclusive);
        if (query.Action is "create" or "clone" && NodeOf(query) is { MaxMaking: { } most } node)
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"node:{node.Text}"), Mode = LaneMode.Shared, Capacity = most });
        return claims;
    }

    private void Add(List<LaneClaim> claims, InstanceId id, LaneMode mode)
    {
        claims.Add(new LaneClaim { Key = LaneKey.Parse($"instance:{id}"), Mode = mode });
        if (World.Find(id) is { IsTemplate: true })
            claims.Add(new LaneClaim { Key = LaneKey.Parse($"template:{id}"), Mode = mode });
    }

    /// <summary>Where it is made. What names no node is placed when it is made: nobody can say where before, unless there is one node.</summary>
    private SimNode? NodeOf(LaneQuery query)
    {
        if (query.Node is { } wanted)
            return World.Nodes.GetValueOrDefault(wanted.ToString());
        if (query.Source is { } source && World.Find(source) is { } origin)
            return origin.Node;
        return World.Nodes.Count == 1 ? World.Nodes.Values.First() : null;
    }
}
