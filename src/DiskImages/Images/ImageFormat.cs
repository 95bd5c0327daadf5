namespace Hypervisor.Sdk.DiskImages;

/// <summary>The formats of images that are written and read here.</summary>
public static class ImageFormat
{
    /// <summary>The bytes of the disk as they are.</summary>
    public const string Raw = "raw";

    /// <summary>QEMU's format: grows as it is written, may have an image below and snapshots within.</summary>
    public const string Qcow2 = "qcow2";

    /// <summary>Whether a word is one of them.</summary>
    public static bool IsKnown(string? format) => format is Raw or Qcow2;
}
