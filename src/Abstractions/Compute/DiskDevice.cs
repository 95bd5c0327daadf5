namespace Hypervisor.Sdk;

/// <summary>A disk of an instance.</summary>
public sealed class DiskDevice
{
    /// <summary>Addresses it within the instance.</summary>
    public required DeviceId Id { get; init; }

    /// <summary>The volume behind it, where the backend knows it as one.</summary>
    public VolumeId? Volume { get; init; }

    /// <summary>What the guest sees.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>What it takes on the storage.</summary>
    public ByteSize? Allocated { get; init; }

    /// <summary>How the guest sees it: <c>virtio</c>, <c>scsi</c>, <c>sata</c>, <c>ide</c>.</summary>
    public string? Bus { get; init; }

    /// <summary>The serial number that the guest sees.</summary>
    public string? Serial { get; init; }

    /// <summary>Whether the guest cannot write to it.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>What becomes of its content when the instance is deleted.</summary>
    public DiskDisposal Disposal { get; init; }

    /// <summary>Whether it is a CD drive.</summary>
    public bool IsCd { get; init; }

    /// <summary>The image in a CD drive; null when it is empty, and for a disk.</summary>
    public string? Image { get; init; }

    /// <summary>How fast the guest may use it; null where nothing limits it, or the backend does not say.</summary>
    public DiskLimits? Limits { get; init; }

    /// <summary>Whether what is kept of it is encrypted, and opened by a secret.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>Whether what the guest gives back is given back to the storage; null for a CD drive, or where the backend does not say.</summary>
    public bool? Discard { get; init; }

    /// <summary>What is done with zeros that the guest writes; null for a CD drive, or where the backend does not say.</summary>
    public ZeroDetection? DetectZeroes { get; init; }
}
