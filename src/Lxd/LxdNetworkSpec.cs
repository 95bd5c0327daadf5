namespace Hypervisor.Sdk.Lxd;

/// <summary>What a network is made of: a bridge on the server's host.</summary>
public sealed class LxdNetworkSpec
{
    /// <summary>The name, which the bridge has on the host too: a letter, then letters, digits, '-' and '_', 2 to 15 characters in all.</summary>
    public required string Name { get; set; }

    /// <summary>What it is for, in words.</summary>
    public string? Description { get; set; }

    /// <summary>The host's IPv4 address in it, with the prefix length. Default: none.</summary>
    public Cidr? Ipv4 { get; set; }

    /// <summary>The host's IPv6 address in it, with the prefix length. Default: none.</summary>
    public Cidr? Ipv6 { get; set; }

    /// <summary>Whether what goes out has the host's own address there. Default true.</summary>
    public bool Nat { get; set; } = true;

    /// <summary>Whether addresses are handed out. Default true.</summary>
    public bool Dhcp { get; set; } = true;

    /// <summary>The domain of the names in it. Default: the server's.</summary>
    public string? Domain { get; set; }

    /// <summary>The zone that has the names of its instances. Default: none.</summary>
    public string? Zone { get; set; }

    /// <summary>Further keys of a network's configuration, as the servers know them: <c>ipv4.dhcp.ranges</c>, <c>bridge.mtu</c>, <c>user.*</c>. Default: none.</summary>
    public IDictionary<string, string> Settings { get; } = new Dictionary<string, string>(StringComparer.Ordinal);
}
