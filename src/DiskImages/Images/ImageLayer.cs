using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>A file of an <see cref="ImageChain"/>.</summary>
public sealed class ImageLayer
{
    /// <summary>Its path beneath the directory of the chain.</summary>
    public required string Path { get; init; }

    /// <summary>Its format, as it was stated: by the caller for the first, by the header above for the others.</summary>
    public required string Format { get; init; }

    /// <summary>The header; null for raw.</summary>
    public Qcow2Header? Header { get; init; }

    /// <summary>What a guest sees.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>The open file. The chain owns it.</summary>
    public required SafeFileHandle File { get; init; }
}
