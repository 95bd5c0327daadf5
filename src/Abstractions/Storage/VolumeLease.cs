namespace Hypervisor.Sdk;

/// <summary>A volume that a consumer can reach until the lease is ended by <see cref="IStorageBackend.DetachAsync"/>.</summary>
public sealed class VolumeLease
{
    /// <summary>Ends it.</summary>
    public required string Id { get; init; }

    /// <summary>The volume.</summary>
    public required VolumeId Volume { get; init; }

    /// <summary>How to reach it.</summary>
    public required VolumeAttachment Attachment { get; init; }
}
