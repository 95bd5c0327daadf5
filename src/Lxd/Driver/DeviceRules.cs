using System.Globalization;
using System.Net;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>How devices stand in the configuration of a container, and what is acceptable there. Those of its profiles count as its own.</summary>
internal static class DeviceRules
{
    public const string Nic = "nic";
    public const string Disk = "disk";
    public const string Proxy = "proxy";

    /// <summary>What takes the place of a profile's device that a container is not to have.</summary>
    public const string None = "none";

    public const string HardwareAddress = "hwaddr";

    private const string Root = "/";

    public static IReadOnlyList<NetworkDevice> NetworksOf(LxdInstance own) => [.. Of(own, Nic).Select(entry => new NetworkDevice
    {
        Id = DeviceId.Parse(entry.Key), Network = entry.Value.Get("network") ?? entry.Value.Get("parent"),
        Mac = MacAddress.TryParse(entry.Value.Get(HardwareAddress) ?? own.Config?.Get($"volatile.{entry.Key}.hwaddr"), null, out var address) ? address : null,
    })];

    public static IReadOnlyList<DiskDevice> DisksOf(LxdInstance own) => [.. Of(own, Disk).Select(entry => new DiskDevice
    {
        Id = DeviceId.Parse(entry.Key), ReadOnly = entry.Value.Get("readonly") == "true", Disposal = IsRoot(entry.Value) ? DiskDisposal.DeletedWithInstance : DiskDisposal.Kept,
        Volume = !IsRoot(entry.Value) && entry.Value.TryGetValue("pool", out string? pool) && entry.Value.TryGetValue("source", out string? source) && VolumeId.TryParse($"{pool}/{source}", null, out var volume) ? volume : null,
        Size = ContainerRules.BytesOf(entry.Value.Get("size")),
    })];

    /// <summary>Ports of the host that lead into a container; those the other way round, and ranges of them, are none.</summary>
    public static IEnumerable<PortForward> PortsOf(LxdInstance own)
    {
        foreach (var (name, device) in Of(own, Proxy))
        {
            if (ListenOf(device) is { } listen && listen.First == listen.Last && EndOf(device.Get("connect")) is { } connect)
                yield return new PortForward { Id = DeviceId.Parse(name), Host = new IPEndPoint(listen.Address, listen.First), GuestPort = connect.First, Protocol = listen.Protocol };
        }
    }

    /// <summary>Whether a port of the host leads into a container already.</summary>
    public static bool IsTaken(LxdInstance own, IPAddress address, int port, string protocol) => Of(own, Proxy).Select(entry => ListenOf(entry.Value)).OfType<PortRange>()
        .Any(range => range.Protocol == protocol && range.First <= port && port <= range.Last && (range.Address.Equals(address) || IsAny(range.Address) || IsAny(address)));

    public static Dictionary<string, string> PortOf(PortSpec spec, IPAddress address, int port)
    {
        string host = address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? $"[{address}]" : address.ToString();
        return new Dictionary<string, string>
        {
            ["type"] = Proxy, ["listen"] = string.Create(CultureInfo.InvariantCulture, $"{spec.Protocol}:{host}:{port}"), ["connect"] = string.Create(CultureInfo.InvariantCulture, $"{spec.Protocol}:127.0.0.1:{spec.Guest}"),
        };
    }

    /// <summary>All devices, but those in the place of a profile's.</summary>
    public static IEnumerable<KeyValuePair<string, IDictionary<string, string>>> All(LxdInstance own) =>
        (own.ExpandedDevices ?? own.Devices ?? new Dictionary<string, IDictionary<string, string>>()).Where(entry => DeviceId.TryParse(entry.Key, null, out _) && entry.Value.Get("type") is not (null or None)).OrderBy(entry => entry.Key, StringComparer.Ordinal);

    public static bool IsRoot(IDictionary<string, string> device) => device.Get("type") == Disk && device.Get("path") == Root;

    private static IEnumerable<KeyValuePair<string, IDictionary<string, string>>> Of(LxdInstance own, string type) => All(own).Where(entry => entry.Value.Get("type") == type);

    private static string? Get(this IDictionary<string, string> device, string key) => device.TryGetValue(key, out string? value) ? value : null;

    private static bool IsAny(IPAddress address) => address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any);

    private static PortRange? ListenOf(IDictionary<string, string> device) => device.Get("bind") is null or "host" ? EndOf(device.Get("listen")) : null;

    /// <summary>An end as the servers write it: <c>tcp:127.0.0.1:80</c>, <c>udp:[::1]:53-60</c>. Null for another form.</summary>
    private static PortRange? EndOf(string? text)
    {
        int first = text?.IndexOf(':', StringComparison.Ordinal) ?? -1;
        int last = text?.LastIndexOf(':') ?? -1;
        if (first < 0 || last <= first || text![..first] is not ("tcp" or "udp") || !IPAddress.TryParse(text.AsSpan(first + 1, last - first - 1).Trim("[]"), out var address))
            return null;
        string[] ends = text[(last + 1)..].Split('-');
        return ends.Length <= 2 && ushort.TryParse(ends[0], NumberStyles.None, CultureInfo.InvariantCulture, out ushort from) && ushort.TryParse(ends[^1], NumberStyles.None, CultureInfo.InvariantCulture, out ushort to)
            ? new PortRange(text[..first], address, from, to) : null;
    }

    private sealed record PortRange(string Protocol, IPAddress Address, int First, int Last);
}
