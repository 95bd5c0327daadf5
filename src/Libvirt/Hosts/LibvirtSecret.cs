using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>A secret of a daemon, without what it is.</summary>
public sealed class LibvirtSecret
{
    /// <summary>Its id.</summary>
    public required Guid Id { get; init; }

    /// <summary>What it is for.</summary>
    public required VirSecretUsageType Usage { get; init; }

    /// <summary>Which one of those.</summary>
    public required string UsageId { get; init; }
}
