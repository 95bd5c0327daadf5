namespace Hypervisor.Sdk;

/// <summary>A pool of storage.</summary>
public sealed class StoragePool
{
    /// <summary>Its name.</summary>
    public required PoolName Name { get; init; }

    /// <summary>What it is made of: <c>directory</c>, <c>zfs</c>, <c>lvm-thin</c>, <c>rbd</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What it can hold.</summary>
    public ByteSize? Capacity { get; init; }

    /// <summary>What is taken.</summary>
    public ByteSize? Used { get; init; }

    /// <summary>What can still be written: may be less than the difference.</summary>
    public ByteSize? Available { get; init; }

    /// <summary>The node that it is on; null where that has no meaning.</summary>
    public NodeName? Node { get; init; }

    /// <summary>Whether several nodes reach the same volumes.</summary>
    public bool IsShared { get; init; }
}
