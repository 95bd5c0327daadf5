using System.Net;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>A hardware address that always gets the same IP address.</summary>
public sealed class LibvirtStaticHost
{
    /// <summary>The hardware address.</summary>
    public required MacAddress Mac { get; init; }

    /// <summary>Its IP address.</summary>
    public required IPAddress Address { get; init; }

    /// <summary>Its name in the network's DNS; null for none.</summary>
    public string? Name { get; init; }
}
