namespace Hypervisor.Sdk;

/// <summary>How to move a disk.</summary>
public sealed class DiskMoveOptions
{
    /// <summary>How much of it may be copied a second while the instance runs. What the guest writes meanwhile is not held up by it. Default: no limit.</summary>
    public ByteSize? MaxBandwidthPerSecond { get; init; }
}
