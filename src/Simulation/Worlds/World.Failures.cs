namespace Hypervisor.Sdk.Simulation.Worlds;

/// <content>What breaks and comes back.</content>
internal sealed partial class World
{
    /// <summary>A node loses its power: what runs on it ends, and so does the work that needs it.</summary>
    public void Crash(SimNode node)
    {
        if (!node.IsUp)
            return;
        node.IsUp = false;
        foreach (var work in Works.AllRunning().Where(work => work.Instance?.Node == node || work.OtherNode == node).ToList())
            work.Interrupt(Error(ErrorCode.Unavailable, RequestOutcome.FailedMidway, $"The node '{node.Text}' does not answer any more.", work.InstanceId?.ToString(), about: node.Text));
        foreach (var instance in InstancesOn(node))
        {
            if (!instance.IsUp)
                continue;
            instance.Guest?.PowerOff();
            SetState(instance, PowerState.Unknown, $"The node '{node.Text}' does not answer.");
        }
    }

    /// <summary>A node is there again: what ran on it does not run any more.</summary>
    public void Return(SimNode node)
    {
        if (node.IsUp)
            return;
        node.IsUp = true;
        foreach (var instance in InstancesOn(node))
        {
            if (instance.State != PowerState.Unknown)
                continue;
            instance.HasPendingChanges = false;
            SetState(instance, PowerState.Stopped, $"The node '{node.Text}' crashed.");
        }
    }

    /// <summary>Nobody outside reaches a node, or everybody again; what runs on it runs on.</summary>
    public void SetConnected(SimNode node, bool isConnected)
    {
        if (node.IsConnected == isConnected)
            return;
        node.IsConnected = isConnected;
        if (isConnected)
            Events.GapIfMissed($"The node '{node.Text}' could not be heard for a while. List again.");
    }

    /// <summary>The guest's kernel gives up.</summary>
    public void Panic(SimInstance instance)
    {
        if (instance.State != PowerState.Running)
            return;
        instance.Guest?.Panic();
        SetState(instance, PowerState.Crashed, "The guest panicked.");
    }

    /// <summary>What runs an instance ends unasked.</summary>
    public void Kill(SimInstance instance)
    {
        if (!instance.IsUp || instance.State == PowerState.Unknown)
            return;
        instance.Guest?.PowerOff();
        SetState(instance, PowerState.Crashed, "What ran it ended unasked.", hasEnded: true);
        if (instance.Holder is { AwaitsShutdown: true } stopping)
            stopping.Wake();
    }

    private List<SimInstance> InstancesOn(SimNode node) => [.. _inOrder.Where(instance => instance.Node == node)];
}
