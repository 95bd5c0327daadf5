using System.Net;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>What a network is made of.</summary>
public sealed class LibvirtNetworkSpec
{
    /// <summary>Its name: no slash or control character, at most 50 characters.</summary>
    public required string Name { get; set; }

    /// <summary>How it reaches the others. Default: NAT.</summary>
    public LibvirtForwarding Forwarding { get; set; } = LibvirtForwarding.Nat;

    /// <summary>The bridge on the host, at most 15 characters: the one that is there for <see cref="LibvirtForwarding.Bridge"/>, else the one that is made. Default: libvirt makes a name up.</summary>
    public string? Bridge { get; set; }

    /// <summary>The host's address in it. Not for a bridge of the host's; needed for NAT and routes.</summary>
    public Cidr? Address { get; set; }

    /// <summary>The first address that is handed out by DHCP; null for none.</summary>
    public IPAddress? FirstLease { get; set; }

    /// <summary>The last one.</summary>
    public IPAddress? LastLease { get; set; }

    /// <summary>The hardware addresses that always get the same IP address.</summary>
    public IList<LibvirtStaticHost> Hosts { get; } = [];

    /// <summary>The domain of its DNS; null for none.</summary>
    public string? Domain { get; set; }

    /// <summary>Whether it comes up with the daemon. Default true.</summary>
    public bool IsAutostarted { get; set; } = true;
}
