namespace Hypervisor.Sdk;

/// <summary>An image that instances can be made from.</summary>
public sealed class Image
{
    /// <summary>What <see cref="DiskContent.FromImage"/>, <see cref="BootSource.Iso"/> or <see cref="ContainerSpec.Image"/> calls it.</summary>
    public required string Id { get; init; }

    /// <summary>Its name as the server says it.</summary>
    public required string Name { get; init; }

    /// <summary>What it holds, in the backend's words: <c>disk</c>, <c>iso</c>, <c>kernel</c>, <c>container</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Its format: <c>qcow2</c>, <c>raw</c>.</summary>
    public string? Format { get; init; }

    /// <summary>What it takes on the storage.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>What the guest would see of a disk.</summary>
    public ByteSize? VirtualSize { get; init; }

    /// <summary>The architecture that it is for, where the backend knows.</summary>
    public Architecture? Architecture { get; init; }
}
