namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>Who has a volume.</summary>
internal sealed record LeaseRecord
{
    public required Guid Id { get; init; }

    /// <summary>The file of the volume, in the pool.</summary>
    public required string File { get; init; }

    public required string Node { get; init; }

    public string? Instance { get; init; }

    public required VolumeAccess Access { get; init; }

    public required DateTimeOffset Since { get; init; }
}
