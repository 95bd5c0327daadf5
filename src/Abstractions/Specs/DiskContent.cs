namespace Hypervisor.Sdk;

/// <summary>Where a disk's content comes from: <see cref="Blank"/>, <see cref="FromImage"/>, <see cref="Existing"/>, <see cref="Attached"/>, or an image in a drive: <see cref="Cd"/>.</summary>
public abstract record DiskContent
{
    private DiskContent()
    {
    }

    /// <summary>Zeros.</summary>
    /// <param name="Size">What the guest sees.</param>
    /// <param name="Pool">Where it is made. Default: the backend decides.</param>
    public sealed record Blank(ByteSize Size, PoolName? Pool = null) : DiskContent;

    /// <summary>A copy of an image.</summary>
    /// <param name="Image">The image, in the backend's words.</param>
    /// <param name="Size">What the guest sees: at least the image's. Default: the image's.</param>
    /// <param name="Pool">Where it is made. Default: the backend decides.</param>
    public sealed record FromImage(string Image, ByteSize? Size = null, PoolName? Pool = null) : DiskContent;

    /// <summary>A volume that the backend has, or finds where it may: the instance takes it over as it is, and it is kept when the instance is deleted.</summary>
    /// <param name="Volume">The volume.</param>
    public sealed record Existing(VolumeId Volume) : DiskContent;

    /// <summary>A CD drive, which needs no image in it; <see cref="InstanceChange.ChangeMedia"/> puts another in.</summary>
    /// <param name="Image">The image in it, in the backend's words; null when it is empty.</param>
    public sealed record Cd(string? Image = null) : DiskContent;

    /// <summary>A volume of a storage backend, attached by whoever orchestrates and kept when the instance is deleted.</summary>
    /// <param name="Attachment">What <see cref="IStorageBackend.AttachAsync"/> said.</param>
    public sealed record Attached(VolumeAttachment Attachment) : DiskContent;
}
