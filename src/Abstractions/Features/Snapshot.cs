namespace Hypervisor.Sdk;

/// <summary>A kept state of an instance.</summary>
public sealed class Snapshot
{
    /// <summary>Its name as the server says it.</summary>
    public required string Name { get; init; }

    /// <summary>The snapshot before it; null for the first.</summary>
    public string? Parent { get; init; }

    /// <summary>Whether the instance's state descends from this one directly.</summary>
    public bool IsCurrent { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Whether the memory is in it.</summary>
    public bool IncludesMemory { get; init; }

    /// <summary>What it takes on the storage, where the backend says.</summary>
    public ByteSize? Size { get; init; }

    /// <summary>When the backend may delete it.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What it is for, in words.</summary>
    public string? Description { get; init; }
}
