namespace Hypervisor.Sdk.Libvirt;

/// <summary>A virtual network of a daemon at one moment.</summary>
public sealed class LibvirtNetwork
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its id at the daemon.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>How it reaches the others, in libvirt's words: <c>nat</c>, <c>route</c>, <c>open</c>, <c>bridge</c>, <c>hostdev</c>, …; null when it does not.</summary>
    public string? Forward { get; init; }

    /// <summary>The bridge on the host; null where it has none.</summary>
    public string? Bridge { get; init; }

    /// <summary>The host's addresses in it.</summary>
    public IReadOnlyList<Cidr> Addresses { get; init; } = [];

    /// <summary>The hardware addresses that always get the same IP address.</summary>
    public IReadOnlyList<LibvirtStaticHost> Hosts { get; init; } = [];

    /// <summary>Whether it is up.</summary>
    public bool IsActive { get; init; }

    /// <summary>Whether the daemon keeps it when it is down.</summary>
    public bool IsPersistent { get; init; }

    /// <summary>Whether it comes up with the daemon.</summary>
    public bool IsAutostarted { get; init; }
}
