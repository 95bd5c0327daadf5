using System.Net;
using System.Security.Cryptography;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Devices that a spec or a change asks for. Read and checked at once; what they are to be at the server is found out by asking it.</summary>
internal sealed class DeviceWishes
{
    private const string DefaultProfile = "default";
    private const int LongestName = 63;

    // What Linux itself takes for connections out begins at 32768 and ends at 60999.
    private const int FirstChosenPort = 20_000;
    private const int LastChosenPort = 32_000;

    private readonly List<Wish> _networks = [];
    private readonly List<IDictionary<string, string>> _mounts = [];
    private readonly List<PortSpec> _ports = [];

    public bool IsEmpty => _networks.Count == 0 && _mounts.Count == 0 && _ports.Count == 0;

    /// <exception cref="HypervisorException">Something is not acceptable.</exception>
    public static DeviceWishes Of(IEnumerable<NetworkSpec> networks, IEnumerable<MountSpec>? mounts = null, IEnumerable<PortSpec>? ports = null)
    {
        var wishes = new DeviceWishes();
        foreach (var network in networks)
            wishes.Add(network);
        foreach (var mount in mounts ?? [])
            wishes._mounts.Add(MountOf(mount));
        foreach (var port in ports ?? [])
            wishes._ports.Add(Copied(port));
        return wishes;
    }

    /// <summary>A port as it was asked for, which the caller may change afterwards.</summary>
    /// <exception cref="HypervisorException">It is not acceptable.</exception>
    public static PortSpec Copied(PortSpec port)
    {
        ArgumentNullException.ThrowIfNull(port);
        if (port.Guest is < 1 or > 65_535)
            throw Refusal.Invalid("ports.guest", $"{port.Guest} is no port: 1 to 65535.");
        if (port.Host is < 1 or > 65_535)
            throw Refusal.Invalid("ports.host", $"{port.Host} is no port: 1 to 65535.");
        if (port.Protocol is not ("tcp" or "udp"))
            throw Refusal.Invalid("ports.protocol", $"'{port.Protocol}' is neither tcp nor udp.");
        return new PortSpec { Guest = port.Guest, Host = port.Host, Address = port.Address ?? IPAddress.Loopback, Protocol = port.Protocol };
    }

    /// <summary>The devices for a container that is to be made.</summary>
    public async Task<Dictionary<string, IDictionary<string, string>>> ForNewAsync(LxdClient client, ContainerLook containers, CancellationToken cancellationToken)
    {
        var devices = new Dictionary<string, IDictionary<string, string>>(StringComparer.Ordinal);
        if (IsEmpty)
            return devices;
        var taken = (await client.ProfileGetAsync(DefaultProfile, cancellationToken: cancellationToken).ConfigureAwait(false)).Value.Devices?.Keys.ToHashSet(StringComparer.Ordinal) ?? [];
        await AddNetworksAsync(client, devices, taken, cancellationToken).ConfigureAwait(false);
        foreach (var mount in _mounts)
            devices[Free("mount", null, devices, taken)] = mount;
        if (_ports.Count == 0)
            return devices;
        var all = await containers.ListAsync(cancellationToken).ConfigureAwait(false);
        foreach (var port in _ports)
            devices[Free("port", null, devices, taken)] = PortOf(port, all.Select(facts => facts.Own).Append(new LxdInstance { Devices = devices }));
        return devices;
    }

    /// <summary>The network devices and mounts for a container that there is.</summary>
    public async Task<Dictionary<string, IDictionary<string, string>>> ForExistingAsync(LxdClient client, LxdInstance own, CancellationToken cancellationToken)
    {
        var devices = new Dictionary<string, IDictionary<string, string>>(StringComparer.Ordinal);
        var taken = (own.Devices?.Keys ?? []).Concat(own.ExpandedDevices?.Keys ?? []).ToHashSet(StringComparer.Ordinal);
        await AddNetworksAsync(client, devices, taken, cancellationToken).ConfigureAwait(false);
        foreach (var mount in _mounts)
            devices[Free("mount", null, devices, taken)] = mount;
        return devices;
    }

    /// <summary>A port of the host, chosen where none was named.</summary>
    /// <exception cref="HypervisorException">The one that was named is taken.</exception>
    public static Dictionary<string, string> PortOf(PortSpec spec, IEnumerable<LxdInstance> all)
    {
        var instances = all.ToList();
        var address = spec.Address!;
        if (spec.Host is { } named)
        {
            if (instances.Find(own => DeviceRules.IsTaken(own, address, named, spec.Protocol)) is { } holder)
                throw new HypervisorException($"The port {named}/{spec.Protocol} of {address} leads into '{holder.Name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"port {named}/{spec.Protocol}" };
            return DeviceRules.PortOf(spec, address, named);
        }

        while (true)
        {
            int port = RandomNumberGenerator.GetInt32(FirstChosenPort, LastChosenPort);
            if (!instances.Exists(own => DeviceRules.IsTaken(own, address, port, spec.Protocol)))
                return DeviceRules.PortOf(spec, address, port);
        }
    }

    private static Dictionary<string, string> MountOf(MountSpec mount)
    {
        ArgumentNullException.ThrowIfNull(mount);
        string target = mount.Target ?? "";
        if (!target.StartsWith('/') || target.TrimEnd('/').Length == 0 || target.Any(char.IsControl) || target.Split('/').Any(part => part is "." or ".."))
            throw Refusal.Invalid("mounts.target", $"'{target}' is no absolute path in the container beneath its root.");
        if (mount.Source is not DiskContent.Existing { Volume: { IsDefault: false } volume })
            throw Refusal.Unsupported("mounts.source", "The servers mount what is there: DiskContent.Existing of a volume, POOL/NAME, or of a directory of theirs, an absolute path.");
        var device = new Dictionary<string, string> { ["type"] = DeviceRules.Disk, ["path"] = target };
        string source = volume.ToString();
        if (source.StartsWith('/'))
            device["source"] = source;
        else if (source.Split('/') is [{ Length: > 0 } pool, { Length: > 0 } name])
            (device["pool"], device["source"]) = (pool, name);
        else
            throw Refusal.Invalid("mounts.source", $"'{source}' is neither POOL/NAME nor an absolute path.");
        if (mount.ReadOnly)
            device["readonly"] = "true";
        return device;
    }

    private void Add(NetworkSpec network)
    {
        ArgumentNullException.ThrowIfNull(network);
        if (string.IsNullOrWhiteSpace(network.Network) || !network.Network.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_' or '.'))
            throw Refusal.Invalid("networks.network", $"'{network.Network}' is no name of a network.");
        if (network.Id is { } id && (id.IsDefault || id.ToString() is var text && (text.Length > LongestName || !text.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_'))))
            throw Refusal.Invalid("networks.id", $"'{network.Id}' is none of 1 to {LongestName} letters, digits, '-' and '_'.");
        if (network.Addresses.GroupBy(address => address.Address.AddressFamily).Any(family => family.Count() > 1))
            throw Refusal.Unsupported("networks.addresses", "The servers hand out one address of each family.");
        var device = new Dictionary<string, string> { ["type"] = DeviceRules.Nic };
        if (network.Mac is { IsDefault: false } mac)
            device[DeviceRules.HardwareAddress] = mac.ToString();
        foreach (var address in network.Addresses)
            device[address.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 ? "ipv6.address" : "ipv4.address"] = address.Address.ToString();
        _networks.Add(new Wish(network.Id?.ToString(), network.Network, device));
    }

    private async Task AddNetworksAsync(LxdClient client, Dictionary<string, IDictionary<string, string>> devices, HashSet<string> taken, CancellationToken cancellationToken)
    {
        foreach (var wish in _networks)
        {
            var device = new Dictionary<string, string>(wish.Device);
            var network = await FindAsync(client, wish.Network, cancellationToken).ConfigureAwait(false) ?? throw Refusal.Invalid("networks.network", $"The server has no network '{wish.Network}'.");
            if (network.Managed is true)
                device["network"] = wish.Network;
            else if (network.Type == "bridge")
                (device["nictype"], device["parent"]) = ("bridged", wish.Network);
            else
                throw Refusal.Unsupported("networks.network", $"'{wish.Network}' is a '{network.Type}' of the host's that the server does not manage: no container joins it here.");
            devices[Free("eth", wish.Name, devices, taken)] = device;
        }
    }

    private static async Task<LxdNetwork?> FindAsync(LxdClient client, string name, CancellationToken cancellationToken)
    {
        try
        {
            return (await client.NetworkGetAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>A name that no device has: the one that was asked for, or the next.</summary>
    private static string Free(string prefix, string? wanted, Dictionary<string, IDictionary<string, string>> devices, HashSet<string> taken)
    {
        if (wanted is not null && !devices.ContainsKey(wanted) && !taken.Contains(wanted))
            return wanted;
        for (int number = 0; ; number++)
        {
            string name = FormattableString.Invariant($"{prefix}{number}");
            if (!devices.ContainsKey(name) && !taken.Contains(name))
                return name;
        }
    }

    private sealed record Wish(string? Name, string Network, Dictionary<string, string> Device);
}
