using System.Net;
using System.Net.Sockets;

namespace Hypervisor.Sdk.CloudInit;

/// <summary>A network device of a guest, and what it is told about its network.</summary>
public sealed class CloudInterface
{
    /// <summary>The device's name in the guest: <c>eth0</c>, <c>ens3</c>. With <see cref="Mac"/> it is the name that the device is given; without, the one that it has.</summary>
    public required string Name { get; init; }

    /// <summary>Finds the device by its hardware address, whatever the guest calls it. Default: it is found by its name.</summary>
    public MacAddress? Mac { get; set; }

    /// <summary>Whether IPv4 comes by DHCP. Default: when there are no <see cref="Addresses"/>.</summary>
    public bool? Dhcp4 { get; set; }

    /// <summary>Whether IPv6 comes by DHCP. Default: no.</summary>
    public bool Dhcp6 { get; set; }

    /// <summary>Its own addresses.</summary>
    public IList<Cidr> Addresses { get; } = [];

    /// <summary>The way out of the network, one for each of IPv4 and IPv6 at most.</summary>
    public IList<IPAddress> Gateways { get; } = [];

    /// <summary>Who answers for names.</summary>
    public IList<IPAddress> NameServers { get; } = [];

    /// <summary>Domains in which names without one are looked for.</summary>
    public IList<string> SearchDomains { get; } = [];

    /// <summary>The largest packet in bytes: 68 to 65,535. Default: the device's own.</summary>
    public int? Mtu { get; set; }

    /// <summary>Whether the boot goes on without waiting for it. Default: no.</summary>
    public bool IsOptional { get; set; }

    internal Yaml Write(string field)
    {
        var device = new Yaml.Mapping();
        if (Mac is { } mac)
        {
            if (mac.IsDefault || mac.IsMulticast)
                throw Rules.Invalid($"{field}.mac", mac.ToString(), "the address of a device");
            device.Add("match", new Yaml.Mapping().Add("macaddress", mac.ToString())).Add("set-name", Name);
        }

        device.Add("dhcp4", Dhcp4 ?? Addresses.Count == 0);
        if (Dhcp6)
            device.Add("dhcp6", true);
        device.Add("addresses", Yaml.List(Rules.Each(Addresses, $"{field}.addresses").Select(address => address.Item.IsDefault ? throw Rules.Invalid(address.Field, "", "an address and the length of its prefix") : address.Item.ToString())));
        foreach (var family in Gateways.GroupBy(gateway => gateway.AddressFamily))
        {
            if (family.Count() > 1)
                throw Rules.Invalid($"{field}.gateways", string.Join(", ", family), "one for each of IPv4 and IPv6");
        }

        device.Add("routes", Yaml.List(Gateways.Select(gateway => (Yaml)new Yaml.Mapping()
            .Add("to", gateway.AddressFamily == AddressFamily.InterNetwork ? "0.0.0.0/0" : "::/0")
            .Add("via", Plain(gateway, $"{field}.gateways")))));
        device.Add("nameservers", new Yaml.Mapping()
            .Add("addresses", Yaml.List(Rules.Each(NameServers, $"{field}.nameServers").Select(server => Plain(server.Item, server.Field))))
            .Add("search", Yaml.List(Rules.Each(SearchDomains, $"{field}.searchDomains").Select(domain => Rules.HostName(domain.Item, domain.Field)))));
        if (Mtu is { } mtu)
            device.Add("mtu", mtu is >= 68 and <= 65535 ? mtu : throw Rules.Invalid($"{field}.mtu", mtu.ToString(System.Globalization.CultureInfo.InvariantCulture), "68 to 65535"));
        if (IsOptional)
            device.Add("optional", true);
        return device;
    }

    private static string Plain(IPAddress address, string field) =>
        address.AddressFamily == AddressFamily.InterNetwork || address is { AddressFamily: AddressFamily.InterNetworkV6, ScopeId: 0 } ? address.ToString() : throw Rules.Invalid(field, address.ToString(), "an address without a zone");
}
