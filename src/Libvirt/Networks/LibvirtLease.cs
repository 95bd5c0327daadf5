namespace Hypervisor.Sdk.Libvirt;

/// <summary>An address that a network's DHCP server has handed out.</summary>
public sealed class LibvirtLease
{
    /// <summary>Whose; null where the server does not say.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The address with the network's prefix length.</summary>
    public required Cidr Address { get; init; }

    /// <summary>What the guest calls itself; null where it did not say.</summary>
    public string? HostName { get; init; }

    /// <summary>Until when; null for ever.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }
}
