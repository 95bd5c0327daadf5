using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Storage;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <content>Making and keeping networks, and what belongs to them. The servers compare all of it once more.</content>
internal sealed partial class LxdNetworks : ILxdNetworks
{
    private const string Bridge = "bridge";
    private const string Acls = "security.acls";
    private const string DefaultTarget = "target_address";
    private const int LongestBridge = 15;
    private const int LongestDomain = 253;

    public Task<LxdNetwork?> FindAsync(string name, CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        RefuseName(name);
        return FindManagedAsync(name, cancellationToken);
    }

    public async Task<LxdNetwork> CreateAsync(LxdNetworkSpec spec, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Begin(cancellationToken);
        var post = PostOf(spec);
        if (await ServerCalls.AnyAsync(() => parts.Client.NetworkGetAsync(post.Name!, cancellationToken: cancellationToken)).ConfigureAwait(false) is not null)
            throw Taken("network", post.Name!);
        await parts.Client.NetworksPostAsync(post, cancellationToken: cancellationToken).ConfigureAwait(false);
        return (await parts.Client.NetworkGetAsync(post.Name!, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
    }

    public async Task<LxdNetwork> ChangeAsync(string name, IReadOnlyDictionary<string, string?> settings, string? description = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(settings);
        Begin(cancellationToken);
        RefuseName(name);
        foreach (var (key, value) in settings)
            ServerCalls.RefuseSetting(key, value ?? "");
        await ServerCalls.UntilUnchangedAsync(
            async () =>
            {
                var there = await ServerCalls.AnyAsync(() => parts.Client.NetworkGetAsync(name, cancellationToken: cancellationToken)).ConfigureAwait(false) is { Value.Managed: true } found ? found : throw Missing("network", name);
                await parts.Client.NetworkPutAsync(name, new LxdNetworkPut { Config = ServerCalls.Changed(there.Value.Config, settings), Description = description ?? there.Value.Description }, new LxdCall { IfMatch = there.Revision }, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return (await parts.Client.NetworkGetAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
    }

    public async Task DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        var network = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        RefuseUsed("network", name, network.UsedBy);
        await parts.Client.NetworkDeleteAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<LxdLease>> ListLeasesAsync(string name, CancellationToken cancellationToken = default)
    {
        await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        var leases = new List<LxdLease>();
        foreach (var lease in (await parts.Client.NetworksLeasesGetAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? [])
        {
            if (IPAddress.TryParse(lease.Address, out var address))
                leases.Add(new LxdLease { Address = address, Mac = MacAddress.TryParse(lease.Hwaddr, null, out var mac) ? mac : null, HostName = lease.Hostname is { Length: > 0 } host ? host : null, Kind = lease.Type?.ToLowerInvariant() ?? "" });
        }

        return leases;
    }

    public async Task<IReadOnlyList<LxdNetworkForward>> ListForwardsAsync(string network, CancellationToken cancellationToken = default)
    {
        await RequireAsync(network, cancellationToken).ConfigureAwait(false);
        return [.. (await parts.Client.NetworkForwardGetRecursion1Async(network, cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? []];
    }

    public async Task<LxdNetworkForward> AddForwardAsync(string network, IPAddress listen, IReadOnlyList<LxdForwardedPorts> ports, IPAddress? others = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(listen);
        ArgumentNullException.ThrowIfNull(ports);
        var wanted = new LxdNetworkForwardsPost { ListenAddress = listen.ToString(), Ports = [.. ports.Select((port, index) => PortOf(port, listen, index))], Config = others is null ? null : new Dictionary<string, string> { [DefaultTarget] = others.ToString() } };
        if ((await ListForwardsAsync(network, cancellationToken).ConfigureAwait(false)).Any(forward => forward.ListenAddress == wanted.ListenAddress))
            throw Taken("forward", wanted.ListenAddress);
        await parts.Client.NetworkForwardsPostAsync(network, wanted, cancellationToken: cancellationToken).ConfigureAwait(false);
        return (await parts.Client.NetworkForwardGetAsync(network, wanted.ListenAddress, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
    }

    public async Task RemoveForwardAsync(string network, IPAddress listen, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(listen);
        await RequireAsync(network, cancellationToken).ConfigureAwait(false);
        await parts.Client.NetworkForwardDeleteAsync(network, listen.ToString(), cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<LxdNetworkAcl>> ListAclsAsync(CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        return [.. (await parts.Client.NetworkAclsGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? []];
    }

    public async Task<LxdNetworkAcl> SetAclAsync(string name, IReadOnlyList<LxdNetworkAclRule> ingress, IReadOnlyList<LxdNetworkAclRule> egress, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ingress);
        ArgumentNullException.ThrowIfNull(egress);
        Begin(cancellationToken);
        RefuseAclName(name);
        await ServerCalls.UntilUnchangedAsync(
            async () =>
            {
                if (await ServerCalls.AnyAsync(() => parts.Client.NetworkAclGetAsync(name, cancellationToken: cancellationToken)).ConfigureAwait(false) is not { } there)
                {
                    await parts.Client.NetworkAclsPostAsync(new LxdNetworkAclsPost { Name = name, Ingress = [.. ingress], Egress = [.. egress] }, cancellationToken: cancellationToken).ConfigureAwait(false);
                    return;
                }

                var put = new LxdNetworkAclPut { Config = there.Value.Config, Description = there.Value.Description, Ingress = [.. ingress], Egress = [.. egress] };
                await parts.Client.NetworkAclPutAsync(name, put, new LxdCall { IfMatch = there.Revision }, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return (await parts.Client.NetworkAclGetAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
    }

    public async Task DeleteAclAsync(string name, CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        RefuseAclName(name);
        var acl = await ServerCalls.AnyAsync(() => parts.Client.NetworkAclGetAsync(name, cancellationToken: cancellationToken)).ConfigureAwait(false) ?? throw Missing("access control list", name);
        RefuseUsed("access control list", name, acl.Value.UsedBy);
        await parts.Client.NetworkAclDeleteAsync(name, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public async Task GuardAsync(string network, IReadOnlyList<string> acls, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(acls);
        foreach (string acl in acls)
            RefuseAclName(acl);
        await ChangeAsync(network, new Dictionary<string, string?> { [Acls] = acls.Count == 0 ? null : string.Join(',', acls) }, null, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<LxdNetworkZone>> ListZonesAsync(CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        return [.. (await parts.Client.NetworkZonesGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? []];
    }

    public async Task<LxdNetworkZone> CreateZoneAsync(string zone, string? description = null, CancellationToken cancellationToken = default)
    {
        Begin(cancellationToken);
        RefuseDomain("zone", zone);
        if (await ServerCalls.AnyAsync(() => parts.Client.NetworkZoneGetAsync(zone, cancellationToken: cancellationToken)).ConfigureAwait(false) is not null)
            throw Taken("zone", zone);
        await parts.Client.NetworkZonesPostAsync(new LxdNetworkZonesPost { Name = zone, Description = description }, cancellationToken: cancellationToken).ConfigureAwait(false);
        return (await parts.Client.NetworkZoneGetAsync(zone, cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
    }

    public async Task DeleteZoneAsync(string zone, CancellationToken cancellationToken = default)
    {
        RefuseUsed("zone", zone, (await RequireZoneAsync(zone, cancellationToken).ConfigureAwait(false)).UsedBy);
        await parts.Client.NetworkZoneDeleteAsync(zone, cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<LxdNetworkZoneRecord>> ListRecordsAsync(string zone, CancellationToken cancellationToken = default)
    {
        await RequireZoneAsync(zone, cancellationToken).ConfigureAwait(false);
        return [.. (await parts.Client.NetworkZoneRecordsGetRecursion1Async(zone, cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? []];
    }

    public async Task SetRecordAsync(string zone, string name, IReadOnlyList<LxdNetworkZoneRecordEntry> entries, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(entries);
        RefuseDomain("name", name);
        bool isThere = (await ListRecordsAsync(zone, cancellationToken).ConfigureAwait(false)).Any(record => record.Name == name);
        if (entries.Count == 0)
        {
            if (isThere)
                await parts.Client.NetworkZoneRecordDeleteAsync(zone, name, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        else if (isThere)
        {
            await parts.Client.NetworkZoneRecordPutAsync(zone, name, new LxdNetworkZoneRecordPut { Entries = [.. entries] }, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await parts.Client.NetworkZoneRecordsPostAsync(zone, new LxdNetworkZoneRecordsPost { Name = name, Entries = [.. entries] }, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
    }

    private static LxdNetworksPost PostOf(LxdNetworkSpec spec)
    {
        if (spec.Name is not { Length: >= 2 and <= LongestBridge } name || !char.IsAsciiLetter(name[0]) || !name.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_'))
            throw Refusal.Invalid("name", $"'{spec.Name}' is no name of a bridge: a letter, then letters, digits, '-' and '_', 2 to {LongestBridge} characters in all.");
        var config = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in spec.Settings)
        {
            ServerCalls.RefuseSetting(key, value);
            config[key] = value;
        }

        Set("ipv4", spec.Ipv4, AddressFamily.InterNetwork);
        Set("ipv6", spec.Ipv6, AddressFamily.InterNetworkV6);
        foreach (var (key, field, domain) in new[] { ("dns.domain", "domain", spec.Domain), ("dns.zone.forward", "zone", spec.Zone) })
        {
            if (domain is null)
                continue;
            RefuseDomain(field, domain);
            config[key] = domain;
        }

        return new LxdNetworksPost { Name = name, Type = Bridge, Description = spec.Description, Config = config };

        void Set(string family, Cidr? address, AddressFamily wanted)
        {
            if (address is { IsDefault: false } given && given.Address.AddressFamily != wanted)
                throw Refusal.Invalid(family, $"'{given}' is an address of another family.");
            bool isThere = address is { IsDefault: false };
            config[$"{family}.address"] = isThere ? address!.Value.ToString() : "none";
            if (!isThere)
                return;
            config[$"{family}.nat"] = spec.Nat ? "true" : "false";
            config[$"{family}.dhcp"] = spec.Dhcp ? "true" : "false";
        }
    }

    private static LxdNetworkForwardPort PortOf(LxdForwardedPorts port, IPAddress listen, int index)
    {
        string field = FormattableString.Invariant($"ports[{index}]");
        int last = port.Last ?? port.First;
        int target = port.TargetPort ?? port.First;
        if (port.First is < 1 or > 65_535 || last < port.First || last > 65_535 || target is < 1 or > 65_535 || target + (last - port.First) > 65_535)
            throw Refusal.Invalid(field, $"{port.First} to {last}, to {target}: ports are 1 to 65535.");
        if (port.Protocol is not ("tcp" or "udp"))
            throw Refusal.Invalid($"{field}.protocol", $"'{port.Protocol}' is neither tcp nor udp.");
        if (port.Target is null || port.Target.AddressFamily != listen.AddressFamily)
            throw Refusal.Invalid($"{field}.target", "it is an address of the same family as the one that is forwarded.");
        return new LxdNetworkForwardPort { Protocol = port.Protocol, ListenPort = Range(port.First, last), TargetAddress = port.Target.ToString(), TargetPort = port.TargetPort is null ? null : Range(target, target + (last - port.First)) };

        static string Range(int first, int last) => first == last ? first.ToString(CultureInfo.InvariantCulture) : string.Create(CultureInfo.InvariantCulture, $"{first}-{last}");
    }

    private void Begin(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
    }

    private async Task<LxdNetwork> RequireAsync(string name, CancellationToken cancellationToken) => await FindAsync(name, cancellationToken).ConfigureAwait(false) ?? throw Missing("network", name);

    private async Task<LxdNetwork?> FindManagedAsync(string name, CancellationToken cancellationToken) =>
        await ServerCalls.AnyAsync(() => parts.Client.NetworkGetAsync(name, cancellationToken: cancellationToken)).ConfigureAwait(false) is { Value.Managed: true } found ? found.Value : null;

    private async Task<LxdNetworkZone> RequireZoneAsync(string zone, CancellationToken cancellationToken)
    {
        Begin(cancellationToken);
        RefuseDomain("zone", zone);
        return (await ServerCalls.AnyAsync(() => parts.Client.NetworkZoneGetAsync(zone, cancellationToken: cancellationToken)).ConfigureAwait(false))?.Value ?? throw Missing("zone", zone);
    }

    private static void RefuseName(string name)
    {
        if (!StorageRules.IsName(name))
            throw Refusal.Invalid("network", $"'{name}' is no name of a network.");
    }

    private static void RefuseAclName(string name)
    {
        if (!StorageRules.IsName(name) || !char.IsAsciiLetter(name[0]) || name.AsSpan().ContainsAny('_', '.') || name[^1] == '-')
            throw Refusal.Invalid("acl", $"'{name}' is no name of an access control list: a letter, then letters, digits and '-', {StorageRules.LongestName} characters at most.");
    }

    private static void RefuseDomain(string field, string? domain)
    {
        if (domain is not { Length: > 0 and <= LongestDomain } || domain.Split('.').Any(label => label.Length is 0 or > StorageRules.LongestName || !label.All(character => char.IsAsciiLetterOrDigit(character) || character is '-' or '_')))
            throw Refusal.Invalid(field, $"'{domain}' is no domain name.");
    }

    private static void RefuseUsed(string what, string name, IList<string>? users)
    {
        if (users is [{ } first, ..])
            throw new HypervisorException($"The {what} '{name}' is used by {users.Count}, '{first}' for one.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"{what} {name}" };
    }

    private static HypervisorException Missing(string what, string name) => new($"There is no {what} '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"{what} {name}" };

    private static HypervisorException Taken(string what, string name) => new($"There is a {what} '{name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"{what} {name}" };
}
