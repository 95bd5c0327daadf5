namespace Hypervisor.Sdk;

/// <summary>A disk that a create or a change adds.</summary>
public sealed class DiskSpec
{
    /// <summary>What it should be called; the backend decides. Default: the backend's.</summary>
    public DeviceId? Id { get; set; }

    /// <summary>Where its content comes from.</summary>
    public required DiskContent Content { get; set; }

    /// <summary>How the guest sees it: <c>virtio</c>, <c>scsi</c>, <c>sata</c>, <c>ide</c>. Default: the backend's best.</summary>
    public string? Bus { get; set; }

    /// <summary>The serial number that the guest sees. Default: none.</summary>
    public string? Serial { get; set; }

    /// <summary>Whether the guest cannot write to it. Default false.</summary>
    public bool ReadOnly { get; set; }

    /// <summary>What becomes of its content when the instance is deleted. Default: deleted when this create made it, kept otherwise.</summary>
    public DiskDisposal? Disposal { get; set; }

    /// <summary>
    /// What opens its content, which is encrypted by LUKS: of what is made (<see cref="DiskContent.Blank"/>, <see cref="DiskContent.FromImage"/>) it becomes the passphrase, of what is there it is. It is asked for each time that the
    /// disk is opened, and must stay what it was: a secret's newer version opens nothing that an older one closed. Default: not encrypted.
    /// </summary>
    public SecretReference? Passphrase { get; set; }

    /// <summary>How fast the guest may use it. Default: as fast as it goes. A CD drive has no limits.</summary>
    public DiskLimits? Limits { get; set; }

    /// <summary>Whether what the guest gives back (TRIM, UNMAP) is given back to the storage. Default true.</summary>
    public bool Discard { get; set; } = true;

    /// <summary>What is done with zeros that the guest writes. Default: they are written as everything else is.</summary>
    public ZeroDetection DetectZeroes { get; set; }
}
