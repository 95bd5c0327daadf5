using Hypervisor.Sdk.Simulation.Events;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Calls;

/// <summary>One connection to the data centre.</summary>
internal sealed class SimulationClient(World world)
{
    public World World { get; } = world;

    public bool IsClosed { get; private set; }

    /// <summary>From now on it is one of the connections.</summary>
    public void Open()
    {
        lock (World.Clients)
            World.Clients.Add(this);
    }

    /// <summary>Whether the last call that was made got through.</summary>
    public bool IsConnected { get; private set; } = true;

    /// <summary>Is told when that changes, with the reason.</summary>
    public Action<bool, HypervisorException?>? ConnectionChanged { get; set; }

    private List<SimulatedSubscription>? Subscriptions { get; set; }

    /// <summary>Keeps a subscription, which ends with the client.</summary>
    public Subscription Keep(SimulatedSubscription subscription)
    {
        (Subscriptions ??= []).Add(subscription);
        return subscription;
    }

    /// <summary>Ends what belongs to it. Within the loop.</summary>
    public void EndSubscriptions()
    {
        foreach (var subscription in Subscriptions ?? [])
            subscription.End();
        Subscriptions = null;
    }

    public void Close()
    {
        IsClosed = true;
        lock (World.Clients)
            World.Clients.Remove(this);
        World.Loop.Post(EndSubscriptions);
    }

    /// <summary>A call got through, or did not.</summary>
    public void SetConnected(bool isConnected, HypervisorException? reason = null)
    {
        if (IsConnected == isConnected || IsClosed)
            return;
        IsConnected = isConnected;
        ConnectionChanged?.Invoke(isConnected, reason);
    }

    public void ThrowIfClosed() => ObjectDisposedException.ThrowIf(IsClosed, typeof(SimulatedBackend));
}
