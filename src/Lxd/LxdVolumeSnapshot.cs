namespace Hypervisor.Sdk.Lxd;

/// <summary>A snapshot of a custom volume as its server described it at one moment.</summary>
public sealed class LxdVolumeSnapshot
{
    /// <summary>Its name, within the volume.</summary>
    public required string Name { get; init; }

    /// <summary>What somebody has written about it; null for nothing.</summary>
    public string? Description { get; init; }

    /// <summary>When it was taken, where the server says so.</summary>
    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>When the server deletes it by itself; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
