namespace Hypervisor.Sdk.Simulation.Faults;

/// <summary>The kinds of faults, in the words of the trace.</summary>
internal static class FaultKind
{
    public const string Crash = "crash";
    public const string Partition = "partition";
    public const string Disconnect = "disconnect";
    public const string FullPool = "full-pool";
    public const string SlowPool = "slow-pool";
    public const string Quota = "quota";
    public const string ClockStep = "clock-step";
    public const string Panic = "panic";
    public const string Kill = "kill";
    public const string SilentAgent = "silent-agent";
    public const string DeafGuest = "deaf-guest";
    public const string Lock = "lock";
    public const string StaleRevision = "stale-revision";
    public const string ReusedId = "reused-id";
    public const string Latency = "latency";
    public const string LostRequest = "lost-request";
    public const string LostReply = "lost-reply";
    public const string Reset = "reset";
    public const string LockRefused = "lock-refused";

    /// <summary>Those that befall calls.</summary>
    public static IReadOnlySet<string> OfCalls { get; } = new HashSet<string>(StringComparer.Ordinal) { Latency, LostRequest, LostReply, Reset, LockRefused };

    /// <summary>Those that befall a node that there is.</summary>
    public static IReadOnlySet<string> OfNodes { get; } = new HashSet<string>(StringComparer.Ordinal) { Crash, Partition };

    /// <summary>Those that befall a pool that there is.</summary>
    public static IReadOnlySet<string> OfPools { get; } = new HashSet<string>(StringComparer.Ordinal) { FullPool, SlowPool, Quota };

    /// <summary>Those that befall an instance that there is.</summary>
    public static IReadOnlySet<string> OfInstances { get; } = new HashSet<string>(StringComparer.Ordinal) { Panic, Kill, SilentAgent, DeafGuest, Lock, StaleRevision };
}
