namespace Hypervisor.Sdk.Simulation.Worlds;

/// <content>Nodes.</content>
internal sealed partial class World
{
    /// <summary>The node that a request names, or the one with the most memory that nobody has yet.</summary>
    public SimNode Place(Placement placement, Architecture? architecture)
    {
        if (!Personality.HasNodes && (placement.Node is not null || placement.Scope is not null))
            throw Unsupported("placement", "this backend is one node without scopes");
        if (placement.Scope is not null)
            throw Unsupported("placement.scope", "there are no scopes here");
        if (placement.Node is { } wanted)
        {
            if (!Nodes.TryGetValue(wanted.ToString(), out var named))
                throw Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no node '{wanted}'", null, "placement.node");
            RequireReachable(named, null);
            return architecture is not { } asked || named.Runs(asked) ? named : throw Unsupported("architecture", $"the node '{wanted}' does not run '{asked}'");
        }

        SimNode? best = null;
        foreach (var node in Nodes.Values)
        {
            if (node.IsReachable && (architecture is not { } needed || node.Runs(needed)) && (best is null || node.MemoryBytes - node.AssignedMemoryBytes > best.MemoryBytes - best.AssignedMemoryBytes))
                best = node;
        }

        if (best is not null)
            return best;
        return Nodes.Values.Any(static node => node.IsReachable)
            ? throw Unsupported("architecture", $"no node runs '{architecture}'")
            : throw Error(ErrorCode.Unavailable, RequestOutcome.Rejected, "No node answers.", null);
    }

    /// <summary>Refuses to run what the node has no memory for.</summary>
    public void RequireMemory(SimInstance instance)
    {
        var node = instance.Node;
        long free = node.MemoryBytes - node.UsedMemoryBytes;
        if (instance.Config.FootprintBytes > free)
        {
            throw Error(
                ErrorCode.Exhausted, RequestOutcome.Rejected,
                $"'{instance.Name}' needs {new ByteSize(instance.Config.FootprintBytes)} of memory; the node '{node.Text}' has {new ByteSize(Math.Max(0, free))} left.", instance.Text, about: node.Text);
        }
    }
}
