namespace Hypervisor.Sdk;

/// <summary>How to move.</summary>
public sealed class MigrationOptions
{
    /// <summary>Whether the guest runs meanwhile. Default true.</summary>
    public bool Live { get; init; } = true;

    /// <summary>For how long the guest may stand still at the end. Default 300 ms.</summary>
    public TimeSpan MaxDowntime { get; init; } = TimeSpan.FromMilliseconds(300);

    /// <summary>How much may be sent a second. Default: no limit.</summary>
    public ByteSize? MaxBandwidthPerSecond { get; init; }

    /// <summary>Whether the disks move too. Default false.</summary>
    public bool WithStorage { get; init; }
}
