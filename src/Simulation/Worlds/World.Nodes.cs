using Hypervisor.Sdk.Simulation.Works;

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

    /// <summary>Whether a clone of an instance is made beside other clones of it.</summary>
    public bool SharesAsSource(SimInstance source) => Personality.ClonesShareSource && !source.IsUp;

    /// <summary>Refuses what a node cannot make beside what it is making, where the personality refuses at once.</summary>
    public void RequirePlace(SimNode node)
    {
        if (Personality.Locking == SimulatedLocking.Refuses && !node.HasPlace)
            throw NoPlace(node);
    }

    /// <summary>Takes a place among what a node makes at once: waits for one, or fails, as the personality does with locks. Within the work.</summary>
    public async Task TakePlaceAsync(SimNode node, Work work)
    {
        while (!node.HasPlace)
        {
            if (Personality.Locking != SimulatedLocking.Waits)
                throw NoPlace(node);
            node.Queue.Add(work);
            try
            {
                // Until it is woken: its deadline is earlier.
                await work.Take(TimeSpan.FromDays(3650), "waiting for other work on the node");
            }
            catch (HypervisorException)
            {
                node.Queue.Remove(work);
                CallNext(node);
                throw;
            }
        }

        node.Making++;
    }

    /// <summary>Gives it back.</summary>
    public static void GivePlace(SimNode node)
    {
        node.Making--;
        CallNext(node);
    }

    private static void CallNext(SimNode node)
    {
        if (!node.HasPlace || node.Queue.Count == 0)
            return;
        var next = node.Queue[0];
        node.Queue.RemoveAt(0);
        next.Wake();
    }

    private HypervisorException NoPlace(SimNode node) =>
        new($"The node '{node.Text}' makes {node.Making} instances, which is as many as it makes at once. Try again when one is there.", ErrorCode.Locked, RequestOutcome.Rejected) { Backend = Name, Resource = $"node {node.Text}" };

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
