namespace Hypervisor.Sdk.DiskImages;

/// <summary>What the file system says of an entry of a directory.</summary>
public sealed class FileFacts
{
    /// <summary>A regular file; not a directory, link, device, pipe or socket.</summary>
    public required bool IsRegularFile { get; init; }

    /// <summary>A directory.</summary>
    public required bool IsDirectory { get; init; }

    /// <summary>A symbolic link, which is looked at and not followed.</summary>
    public bool IsLink { get; init; }

    /// <summary>A block device.</summary>
    public bool IsBlockDevice { get; init; }

    /// <summary>Who may do what.</summary>
    public UnixFileMode Mode { get; init; }

    /// <summary>The length, in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>What it takes on the disk, in bytes: less than the length where there are holes.</summary>
    public required long AllocatedBytes { get; init; }

    /// <summary>The number of the file within its file system: the same under every name, another one for every file that exists at the same time.</summary>
    public required ulong Inode { get; init; }

    /// <summary>How many names it has.</summary>
    public int LinkCount { get; init; }

    /// <summary>When it was made; null where the file system does not remember.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>When it was last written.</summary>
    public required DateTimeOffset ModifiedAt { get; init; }
}
