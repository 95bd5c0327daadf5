namespace Hypervisor.Sdk.DiskImages;

/// <summary>Which qemu-img is used, and how.</summary>
public sealed class QemuImgOptions
{
    /// <summary>The program: a path, or a name that is looked up in PATH. Default: <c>qemu-img</c>.</summary>
    public string Program { get; set; } = "qemu-img";

    /// <summary>The most that it may print, in bytes, before it is stopped: maps of large images print much. Default: 64 MiB.</summary>
    public int MaxOutputBytes { get; set; } = 64 << 20;
}
