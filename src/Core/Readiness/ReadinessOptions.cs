namespace Hypervisor.Sdk;

/// <summary>What to wait for, and for how long.</summary>
public sealed class ReadinessOptions
{
    /// <summary>What must be so, all of it at the same time. Default: the instance runs.</summary>
    public IReadOnlyList<ReadinessCondition> Conditions { get; init; } = [new ReadinessCondition.InState(PowerState.Running)];

    /// <summary>How long to wait, more than zero. Default 5 minutes.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How long to wait between two looks, more than zero. Default half a second.</summary>
    public TimeSpan PollInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How much of the end of the console's log is searched at each look. Default 256 KiB.</summary>
    public ByteSize ConsoleTail { get; init; } = ByteSize.FromKiB(256);

    /// <summary>Told after each look. Default: nobody.</summary>
    public IProgress<ReadinessProgress>? Progress { get; init; }

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Deadline, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(PollInterval, TimeSpan.Zero);
    }
}
