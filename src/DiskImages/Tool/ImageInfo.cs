namespace Hypervisor.Sdk.DiskImages;

/// <summary>What qemu-img says of an image.</summary>
public sealed class ImageInfo
{
    /// <summary>The format, as it was stated.</summary>
    public required string Format { get; init; }

    /// <summary>What a guest sees.</summary>
    public required ByteSize VirtualSize { get; init; }

    /// <summary>What the file takes on the disk.</summary>
    public required ByteSize ActualSize { get; init; }

    /// <summary>The size of a cluster, in bytes; null for raw.</summary>
    public int? ClusterBytes { get; init; }

    /// <summary>The image below, as the header names it; null when there is none.</summary>
    public string? BackingFile { get; init; }

    /// <summary>Its format, as the header states it; null when it does not.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>It was not closed properly.</summary>
    public bool IsDirty { get; init; }

    /// <summary>It is damaged.</summary>
    public bool IsCorrupt { get; init; }

    /// <summary>It is encrypted.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>The snapshots within, the oldest first.</summary>
    public IReadOnlyList<ImageSnapshot> Snapshots { get; init; } = [];

    /// <summary>The names of the dirty bitmaps kept within: what has been written since each of them was made.</summary>
    public IReadOnlyList<string> Bitmaps { get; init; } = [];
}
