namespace Hypervisor.Sdk;

/// <summary>One of the images that a disk is made of.</summary>
public sealed class DiskLayer
{
    /// <summary>What the backend calls it.</summary>
    public required string Name { get; init; }

    /// <summary>Its format: <c>qcow2</c>, <c>raw</c>.</summary>
    public required string Format { get; init; }

    /// <summary>What it takes on the storage; null where that is not known.</summary>
    public ByteSize? Allocated { get; init; }

    /// <summary>Whether it belongs to the instance alone. Others are an image or a template's, which other instances may lie upon.</summary>
    public bool IsOwn { get; init; }
}
