using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>The file of which a volume is made.</summary>
public sealed class VolumeImport
{
    private VolumeImport(string path, string format, bool isInPool)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!ImageFormat.IsKnown(format))
            throw new ArgumentException($"'{format}' is not a format of volumes here: '{ImageFormat.Raw}' or '{ImageFormat.Qcow2}'.", nameof(format));
        Path = path;
        Format = format;
        IsInPool = isInPool;
    }

    /// <summary>The name of the file in the pool, or its absolute path.</summary>
    public string Path { get; }

    /// <summary>Its format, stated: it is never guessed.</summary>
    public string Format { get; }

    /// <summary>Whether the file is in the pool and becomes the volume, or is elsewhere and is copied.</summary>
    public bool IsInPool { get; }

    /// <summary>A file directly in the directory of the pool: it is renamed and becomes the volume. It may be upon another file in the pool whose format its header states.</summary>
    /// <param name="name">Its name there.</param>
    /// <param name="format"><c>raw</c> or <c>qcow2</c>.</param>
    public static VolumeImport FileInPool(string name, string format) => new(name, format, isInPool: true);

    /// <summary>A file anywhere on this machine: it is copied and stays as it is. It must stand alone.</summary>
    /// <param name="path">Its absolute path, links followed: never one that a stranger chose.</param>
    /// <param name="format"><c>raw</c> or <c>qcow2</c>.</param>
    public static VolumeImport LocalFile(string path, string format) => System.IO.Path.IsPathFullyQualified(path)
        ? new(path, format, isInPool: false)
        : throw new ArgumentException($"'{path}' is not an absolute path.", nameof(path));
}
