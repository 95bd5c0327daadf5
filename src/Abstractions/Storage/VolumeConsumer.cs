namespace Hypervisor.Sdk;

/// <summary>Who wants to reach a volume, and how it could.</summary>
public sealed class VolumeConsumer
{
    /// <summary>The node.</summary>
    public required NodeName Node { get; init; }

    /// <summary>The kinds of <see cref="VolumeAttachment"/> that it can use, the preferred one first.</summary>
    public required IReadOnlyList<string> AcceptedKinds { get; init; }

    /// <summary>The name by which it logs in to iSCSI targets.</summary>
    public string? IscsiInitiator { get; init; }

    /// <summary>The instance that it is for: recorded with the lease.</summary>
    public InstanceRef? Instance { get; init; }
}
