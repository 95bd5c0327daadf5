namespace Hypervisor.Sdk.DiskImages;

/// <summary>How an image is made.</summary>
public sealed class ImageCreateOptions
{
    /// <summary>
    /// The name of the image below, as it will stand in the header: absolute, or relative to the new image. It is not opened and not compared. A relative name with a colon is written as <c>./name</c>,
    /// which no program takes for a protocol. qcow2 only. Default: none.
    /// </summary>
    public string? BackingFile { get; init; }

    /// <summary>The format of the image below; required with <see cref="BackingFile"/>, so that nobody ever guesses it.</summary>
    public string? BackingFormat { get; init; }

    /// <summary>How much of its space is taken at once. Default: <see cref="ImagePreallocation.Off"/>.</summary>
    public ImagePreallocation Preallocation { get; init; }

    /// <summary>The size of a cluster, in bytes: a power of two from 512 to 2 MiB. qcow2 only. Default: QEMU's own, 64 KiB.</summary>
    public int? ClusterBytes { get; init; }

    /// <summary>How long it takes, on this machine, to make a key of the passphrase, each time that an encrypted image is opened: what slows down one who guesses. At least 1 ms. Default: QEMU's own, 2 seconds.</summary>
    public TimeSpan? KeyDerivationTime { get; init; }

    /// <summary>Reference counts are written late: quicker, and repaired after a crash. qcow2 only. Default false.</summary>
    public bool LazyRefcounts { get; init; }
}
