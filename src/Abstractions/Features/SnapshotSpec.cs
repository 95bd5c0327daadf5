namespace Hypervisor.Sdk;

/// <summary>What to keep.</summary>
public sealed class SnapshotSpec
{
    /// <summary>The name, unique within the instance.</summary>
    public required SnapshotName Name { get; set; }

    /// <summary>Whether the memory of a running instance is kept too. Default false.</summary>
    public bool IncludeMemory { get; set; }

    /// <summary>Whether the guest is asked to bring its file systems to rest meanwhile; fails where it cannot be asked. Default false.</summary>
    public bool Quiesce { get; set; }

    /// <summary>When the backend may delete it. Default: never.</summary>
    public DateTimeOffset? ExpiresAt { get; set; }

    /// <summary>What it is for, in words.</summary>
    public string? Description { get; set; }
}
