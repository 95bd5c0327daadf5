using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Faults;

/// <summary>What faults do to the world, and how it is undone.</summary>
internal static class FaultEffects
{
    /// <summary>Begins a fault.</summary>
    /// <returns>Ends it; null for what cannot end.</returns>
    public static Action? Begin(World world, string kind, string subject, double amount)
    {
        switch (kind)
        {
            case FaultKind.Crash:
                var crashed = world.Nodes[subject];
                world.Crash(crashed);
                return () => world.Return(crashed);
            case FaultKind.Partition:
                var apart = world.Nodes[subject];
                world.SetConnected(apart, false);
                return () => world.SetConnected(apart, true);
            case FaultKind.Disconnect:
                world.Disconnect();
                return null;
            case FaultKind.ClockStep:
                world.Clock.Step(new TimeSpan((long)amount));
                return () => world.Clock.Step(new TimeSpan(-(long)amount));
            case FaultKind.ReusedId:
                world.NextId = InstanceId.Parse(subject);
                return null;
            default:
                return BeginOnPool(world, kind, subject, amount) ?? BeginOnInstance(world, kind, subject);
        }
    }

    private static Action? BeginOnPool(World world, string kind, string subject, double amount)
    {
        if (!world.Pools.TryGetValue(subject, out var pool))
            return null;
        switch (kind)
        {
            case FaultKind.FullPool:
                pool.IsFull = true;
                return () => pool.IsFull = false;
            case FaultKind.SlowPool:
                pool.Slowness *= amount;
                return () => pool.Slowness /= amount;
            case FaultKind.Quota:
                var before = pool.QuotaBytes;
                pool.QuotaBytes = (long)amount;
                return () => pool.QuotaBytes = before;
            default:
                return null;
        }
    }

    private static Action? BeginOnInstance(World world, string kind, string subject)
    {
        if (world.Find(InstanceId.Parse(subject)) is not { } instance)
            return null;
        var guest = world.GuestOf(instance);
        switch (kind)
        {
            case FaultKind.Panic:
                world.Panic(instance);
                return null;
            case FaultKind.Kill:
                world.Kill(instance);
                return null;
            case FaultKind.SilentAgent:
                guest.IsAgentSilent = true;
                return () => guest.IsAgentSilent = false;
            case FaultKind.DeafGuest:
                guest.IsDeaf = true;
                return () => guest.IsDeaf = false;
            case FaultKind.StaleRevision:
                world.Save(instance, instance.Config);
                return null;
            case FaultKind.Lock when instance is { Holder: null, Sharers: 0 }:
                instance.Holder = new Work(world, 0, default, "backup");
                return () => world.Works.Release(instance);
            default:
                return null;
        }
    }
}
