using Hypervisor.Sdk.Simulation.Faults;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation;

/// <summary>
/// Breaks things, on a schedule or by chance: <c>dc.Faults.Crash("pve1").For(TimeSpan.FromMinutes(5)).At(TimeSpan.FromHours(1))</c>, <c>dc.Faults.LoseReplies().On("create").WithChance(0.1)</c>. Whatever happens
/// leaves its lines in the trace.
/// </summary>
public sealed class SimulationFaults
{
    private readonly World _world;

    internal SimulationFaults(World world) => _world = world;

    /// <summary>A node loses its power: what runs on it ends. Ends when the node returns.</summary>
    /// <exception cref="ArgumentException">There is no such node.</exception>
    public ScheduledFault Crash(string node) => Schedule(FaultKind.Crash, NodeOf(node).Text);

    /// <summary>Nobody reaches a node, and its events are missed; what runs on it runs on.</summary>
    /// <exception cref="ArgumentException">There is no such node.</exception>
    public ScheduledFault Partition(string node) => Schedule(FaultKind.Partition, NodeOf(node).Text);

    /// <summary>Every connection is reset: watches have a gap. Calls of that moment are not affected; see <see cref="ResetConnections"/>.</summary>
    public ScheduledFault Disconnect() => Schedule(FaultKind.Disconnect, "");

    /// <summary>A pool has no room left.</summary>
    /// <exception cref="ArgumentException">There is no such pool.</exception>
    public ScheduledFault FillPool(string pool) => Schedule(FaultKind.FullPool, PoolOf(pool).Text);

    /// <summary>A pool is slower than usual.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="times">How many times; 1 or more.</param>
    /// <exception cref="ArgumentException">There is no such pool, or <paramref name="times"/> is less than 1.</exception>
    public ScheduledFault SlowPool(string pool, double times)
    {
        if (!(times >= 1) || double.IsInfinity(times))
            throw new ArgumentOutOfRangeException(nameof(times), times, "A slow pool is 1 or more times slower.");
        return Schedule(FaultKind.SlowPool, PoolOf(pool).Text, times);
    }

    /// <summary>A pool promises no more than this in volumes together.</summary>
    /// <exception cref="ArgumentException">There is no such pool.</exception>
    public ScheduledFault LimitPool(string pool, ByteSize quota) => Schedule(FaultKind.Quota, PoolOf(pool).Text, quota.Bytes);

    /// <summary>The clock jumps, forward or back. Time that passes is not affected.</summary>
    public ScheduledFault StepClock(TimeSpan by) => Schedule(FaultKind.ClockStep, "", by.Ticks);

    /// <summary>A guest's kernel gives up, if it runs then.</summary>
    /// <exception cref="ArgumentException">There is no such instance.</exception>
    public ScheduledFault Panic(InstanceId instance) => Schedule(FaultKind.Panic, Existing(instance));

    /// <summary>What runs an instance ends unasked, as a process does that is killed: the instance has crashed and takes nothing of its node any more. Nothing happens to one that is off.</summary>
    /// <exception cref="ArgumentException">There is no such instance.</exception>
    public ScheduledFault Kill(InstanceId instance) => Schedule(FaultKind.Kill, Existing(instance));

    /// <summary>A guest's agent does not answer.</summary>
    /// <exception cref="ArgumentException">There is no such instance.</exception>
    public ScheduledFault SilenceAgent(InstanceId instance) => Schedule(FaultKind.SilentAgent, Existing(instance));

    /// <summary>A guest does not hear the power button.</summary>
    /// <exception cref="ArgumentException">There is no such instance.</exception>
    public ScheduledFault Deafen(InstanceId instance) => Schedule(FaultKind.DeafGuest, Existing(instance));

    /// <summary>The backend holds a lock on an instance, as it does for a backup: what else is asked for waits or is refused, as the personality does.</summary>
    /// <exception cref="ArgumentException">There is no such instance.</exception>
    public ScheduledFault Lock(InstanceId instance) => Schedule(FaultKind.Lock, Existing(instance));

    /// <summary>Somebody else changes the configuration of an instance: plans that were made before are stale.</summary>
    /// <exception cref="ArgumentException">There is no such instance.</exception>
    public ScheduledFault ChangeBehind(InstanceId instance) => Schedule(FaultKind.StaleRevision, Existing(instance));

    /// <summary>The next instance that is created gets an id that another one had.</summary>
    /// <param name="instance">The id; nothing happens while an instance has it.</param>
    public ScheduledFault ReuseId(InstanceId instance) => Schedule(FaultKind.ReusedId, Checked(instance));

    /// <summary>Calls take longer.</summary>
    public CallFault Delay(SimulatedDuration by) => Add(new CallFault(_world, FaultKind.Latency, by));

    /// <summary>Requests are lost: the backend does nothing, and the caller cannot know (<see cref="RequestOutcome.Unknown"/>).</summary>
    public CallFault LoseRequests() => Add(new CallFault(_world, FaultKind.LostRequest, default));

    /// <summary>Replies are lost: the backend has done it, or has begun, and the caller cannot know (<see cref="RequestOutcome.Unknown"/>).</summary>
    public CallFault LoseReplies() => Add(new CallFault(_world, FaultKind.LostReply, default));

    /// <summary>The connection is reset before anything is sent (<see cref="RequestOutcome.NotSent"/>); watches have a gap.</summary>
    public CallFault ResetConnections() => Add(new CallFault(_world, FaultKind.Reset, default));

    /// <summary>The backend cannot get a lock of its own: "can't lock file" (<see cref="ErrorCode.Locked"/>).</summary>
    public CallFault RefuseLocks() => Add(new CallFault(_world, FaultKind.LockRefused, default));

    internal ScheduledFault Schedule(string kind, string subject, double amount = 0) => new(_world, kind, subject, amount);

    internal CallFault Add(CallFault fault)
    {
        _world.Loop.Post(() => _world.Calls.AddFault(fault));
        return fault;
    }

    private SimNode NodeOf(string name) => _world.Nodes.GetValueOrDefault(name) ?? throw new ArgumentException($"There is no node '{name}': {string.Join(", ", _world.Nodes.Keys)}.", nameof(name));

    private SimPool PoolOf(string name) => _world.Pools.GetValueOrDefault(name) ?? throw new ArgumentException($"There is no pool '{name}': {string.Join(", ", _world.Pools.Keys)}.", nameof(name));

    private string Existing(InstanceId id) => _world.Exists(id) ? id.ToString() : throw new ArgumentException($"There is no instance '{Checked(id)}'.", nameof(id));

    private static string Checked(InstanceId id) => id.IsDefault ? throw new ArgumentException("An instance id is needed.", nameof(id)) : id.ToString();
}
