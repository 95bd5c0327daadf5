namespace Hypervisor.Sdk;

/// <summary>How to move a disk.</summary>
public sealed class DiskMoveOptions
{
    /// <summary>How much of it may be copied a second while the instance runs. What the guest writes meanwhile is not held up by it. Default: no limit.</summary>
    public ByteSize? MaxBandwidthPerSecond { get; init; }

    /// <summary>
    /// What opens the target, which is encrypted by LUKS; for the instance's own place, what it is encrypted with there. Default: the target is not encrypted, and in the instance's own place the disk is as it was. A disk that is
    /// encrypted does not move to a target that is not.
    /// </summary>
    public SecretReference? Passphrase { get; init; }
}
