namespace Hypervisor.Sdk;

/// <summary>A volume as its backend described it at one moment.</summary>
public sealed class Volume
{
    /// <summary>Addresses it.</summary>
    public required VolumeId Id { get; init; }

    /// <summary>The pool that it is in.</summary>
    public required PoolName Pool { get; init; }

    /// <summary>Its name as the server says it.</summary>
    public required string Name { get; init; }

    /// <summary>What a guest sees.</summary>
    public required ByteSize Size { get; init; }

    /// <summary>What it takes in the pool.</summary>
    public ByteSize? Allocated { get; init; }

    /// <summary>Its format: <c>raw</c>, <c>qcow2</c>.</summary>
    public required string Format { get; init; }

    /// <summary>The volume that it shares its unchanged content with; null when it stands alone.</summary>
    public VolumeId? ClonedFrom { get; init; }

    /// <summary>The version of its configuration: its size, its source.</summary>
    public required Revision Revision { get; init; }

    /// <summary>When it was made, where the backend remembers.</summary>
    public DateTimeOffset? CreatedAt { get; init; }
}
