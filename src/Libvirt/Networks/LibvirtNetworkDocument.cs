using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Xml.Linq;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Networks;

/// <summary>A network's document (network.rng).</summary>
internal static class LibvirtNetworkDocument
{
    private const int MaxBridgeLength = 15;
    private const int MaxNameLength = 50;

    public static string Write(LibvirtNetworkSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Refuse(spec);
        bool isTheHosts = spec.Forwarding == LibvirtForwarding.Bridge;
        var dhcp = new XElement("dhcp");
        if (spec is { FirstLease: { } first, LastLease: { } last })
            dhcp.Add(new XElement("range", new XAttribute("start", first), new XAttribute("end", last)));
        dhcp.Add(spec.Hosts.Select(HostOf));
        return BoundedXml.Write(new XElement(
            "network",
            new XElement("name", spec.Name),
            spec.Forwarding switch
            {
                LibvirtForwarding.Nat => new XElement("forward", new XAttribute("mode", "nat")),
                LibvirtForwarding.Routed => new XElement("forward", new XAttribute("mode", "route")),
                LibvirtForwarding.Bridge => new XElement("forward", new XAttribute("mode", "bridge")),
                _ => null,
            },
            spec.Bridge is null && isTheHosts ? null : new XElement("bridge", spec.Bridge is { } bridge ? new XAttribute("name", bridge) : null),
            spec.Domain is { } domain ? new XElement("domain", new XAttribute("name", domain)) : null,
            spec.Address is { } address
                ? new XElement(
                    "ip", address.Address.AddressFamily == AddressFamily.InterNetworkV6 ? new XAttribute("family", "ipv6") : null, new XAttribute("address", address.Address),
                    new XAttribute("prefix", address.PrefixLength.ToString(CultureInfo.InvariantCulture)), dhcp.HasElements ? dhcp : null)
                : null));
    }

    public static XElement HostOf(LibvirtStaticHost host) => new(
        "host", new XAttribute("mac", host.Mac.ToString()), host.Name is { } name ? new XAttribute("name", name) : null, new XAttribute("ip", host.Address));

    public static IReadOnlyList<LibvirtStaticHost> HostsOf(XElement network) =>
    [
        .. network.Elements("ip").Elements("dhcp").Elements("host").Select(host =>
            MacAddress.TryParse(host.Attribute("mac")?.Value, null, out var mac) && IPAddress.TryParse(host.Attribute("ip")?.Value, out var address)
                ? new LibvirtStaticHost { Mac = mac, Address = address, Name = host.Attribute("name")?.Value } : null).OfType<LibvirtStaticHost>(),
    ];

    /// <summary>The host's address in a network.</summary>
    public static Cidr? AddressOf(XElement ip)
    {
        if (!IPAddress.TryParse(ip.Attribute("address")?.Value, out var address))
            return null;
        string? prefix = ip.Attribute("prefix")?.Value;
        if (prefix is null && IPAddress.TryParse(ip.Attribute("netmask")?.Value, out var mask))
            prefix = mask.GetAddressBytes().Sum(part => int.PopCount(part)).ToString(CultureInfo.InvariantCulture);
        return Cidr.TryParse($"{address}/{prefix}", null, out var cidr) ? cidr : null;
    }

    private static void Refuse(LibvirtNetworkSpec spec)
    {
        if (string.IsNullOrWhiteSpace(spec.Name) || spec.Name.Length > MaxNameLength || spec.Name.Any(c => c == '/' || char.IsControl(c)) || !BoundedXml.CanHold(spec.Name))
            throw Refusal.Invalid("name", $"a network's name has 1 to {MaxNameLength} characters, and no slash or control character.");
        if (spec.Bridge is { } bridge && (bridge.Length is 0 or > MaxBridgeLength || bridge.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))))
            throw Refusal.Invalid("bridge", $"a bridge's name has 1 to {MaxBridgeLength} letters, digits, '-', '_' and '.'.");
        bool isTheHosts = spec.Forwarding == LibvirtForwarding.Bridge;
        if (isTheHosts && (spec.Bridge is null || spec.Address is not null || spec.FirstLease is not null || spec.Hosts.Count > 0))
            throw Refusal.Invalid("bridge", "a bridge of the host's is named, and has no address or leases of libvirt's.");
        if (spec.Address is null && spec.Forwarding is LibvirtForwarding.Nat or LibvirtForwarding.Routed)
            throw Refusal.Invalid("address", "the host has an address in a network that it forwards.");
        if (spec.FirstLease is null != spec.LastLease is null || ((spec.FirstLease is not null || spec.Hosts.Count > 0) && spec.Address is null))
            throw Refusal.Invalid("firstLease", "leases have a first and a last address, in a network in which the host has one.");
        if (spec.Domain is { } domain && Uri.CheckHostName(domain) != UriHostNameType.Dns)
            throw Refusal.Invalid("domain", $"'{domain}' is not a domain's name.");
    }
}
