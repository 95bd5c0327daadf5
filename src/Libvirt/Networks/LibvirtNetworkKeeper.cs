using System.Net;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Networks;

/// <summary>The networks of a daemon.</summary>
internal sealed class LibvirtNetworkKeeper(LibvirtParts parts) : ILibvirtNetworks
{
    /// <summary>VIR_DRV_FEATURE_NETWORK_UPDATE_HAS_CORRECT_ORDER: before libvirt 7.2 section and command changed places on their way.</summary>
    private const int OrderFeature = 16;

    private const string Transient = "The daemon does not keep the network: nothing can be changed for good.";

    public async IAsyncEnumerable<LibvirtNetwork> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        foreach (var network in (await libvirt.ConnectListAllNetworksAsync(1, 0, cancellationToken).ConfigureAwait(false)).Nets)
        {
            if (await ViewAsync(libvirt, network, cancellationToken).ConfigureAwait(false) is { } view)
                yield return view;
        }
    }

    public async Task<LibvirtNetwork?> FindAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return await LookUpAsync(libvirt, name, cancellationToken).ConfigureAwait(false) is { } network ? await ViewAsync(libvirt, network, cancellationToken).ConfigureAwait(false) : null;
    }

    public async Task<LibvirtNetwork> CreateAsync(LibvirtNetworkSpec spec, CancellationToken cancellationToken = default)
    {
        string document = LibvirtNetworkDocument.Write(spec);
        var (name, isAutostarted) = (spec.Name, spec.IsAutostarted);
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        // A definition of a name that is taken would change what has it.
        if (await LookUpAsync(libvirt, name, cancellationToken).ConfigureAwait(false) is not null)
            throw new HypervisorException($"There is a network '{name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"network {name}" };
        var network = await libvirt.NetworkDefineXmlAsync(document, cancellationToken).ConfigureAwait(false);
        try
        {
            await libvirt.NetworkCreateAsync(network, cancellationToken).ConfigureAwait(false);
            if (isAutostarted)
                await libvirt.NetworkSetAutostartAsync(network, 1, cancellationToken).ConfigureAwait(false);
            return (await ViewAsync(libvirt, network, cancellationToken).ConfigureAwait(false))!;
        }
        catch (LibvirtException)
        {
            await libvirt.NetworkUndefineAsync(network, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    public async Task StartAsync(string name, CancellationToken cancellationToken = default)
    {
        var (libvirt, network) = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        if (await libvirt.NetworkIsActiveAsync(network, cancellationToken).ConfigureAwait(false) == 0)
            await libvirt.NetworkCreateAsync(network, cancellationToken).ConfigureAwait(false);
    }

    public async Task StopAsync(string name, CancellationToken cancellationToken = default)
    {
        var (libvirt, network) = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        if (await libvirt.NetworkIsActiveAsync(network, cancellationToken).ConfigureAwait(false) == 1)
            await libvirt.NetworkDestroyAsync(network, cancellationToken).ConfigureAwait(false);
    }

    public async Task DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        var (libvirt, network) = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        bool isKept = await libvirt.NetworkIsPersistentAsync(network, cancellationToken).ConfigureAwait(false) == 1;
        if (await libvirt.NetworkIsActiveAsync(network, cancellationToken).ConfigureAwait(false) == 1)
            await libvirt.NetworkDestroyAsync(network, cancellationToken).ConfigureAwait(false);
        if (isKept)
            await libvirt.NetworkUndefineAsync(network, cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<LibvirtLease>> ListLeasesAsync(string name, CancellationToken cancellationToken = default)
    {
        var (libvirt, network) = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        var leases = (await libvirt.NetworkGetDhcpLeasesAsync(network, null, 1, 0, cancellationToken).ConfigureAwait(false)).Leases;
        return
        [
            .. leases.Select(lease => IPAddress.TryParse(lease.Ipaddr, out var address) && Cidr.TryParse($"{address}/{lease.Prefix}", null, out var cidr)
                ? new LibvirtLease
                {
                    Address = cidr,
                    Mac = MacAddress.TryParse(lease.Mac, null, out var mac) ? mac : null,
                    HostName = lease.Hostname is { Length: > 0 } host ? host : null,
                    ExpiresAt = lease.Expirytime is > 0 and < 253402300800 ? DateTimeOffset.FromUnixTimeSeconds(lease.Expirytime) : null,
                }
                : null).OfType<LibvirtLease>(),
        ];
    }

    public Task AddHostAsync(string name, LibvirtStaticHost host, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(host);
        return UpdateHostAsync(name, VirNetworkUpdateCommand.AddLast, LibvirtNetworkDocument.HostOf(host), cancellationToken);
    }

    public Task RemoveHostAsync(string name, MacAddress mac, CancellationToken cancellationToken = default) =>
        UpdateHostAsync(name, VirNetworkUpdateCommand.Delete, new XElement("host", new XAttribute("mac", mac.ToString())), cancellationToken);

    private static async Task<VirNetwork?> LookUpAsync(LibvirtConnection libvirt, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await libvirt.NetworkLookupByNameAsync(name, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoNetwork)
        {
            return null;
        }
    }

    private static async Task<LibvirtNetwork?> ViewAsync(LibvirtConnection libvirt, VirNetwork network, CancellationToken cancellationToken)
    {
        try
        {
            var xml = BoundedXml.Read(await libvirt.NetworkGetXmlDescAsync(network, 0, cancellationToken).ConfigureAwait(false), "network");
            bool isPersistent = await libvirt.NetworkIsPersistentAsync(network, cancellationToken).ConfigureAwait(false) == 1;
            return new LibvirtNetwork
            {
                Name = network.Name,
                Uuid = network.Uuid,
                Forward = xml.Element("forward") is { } forward ? forward.Attribute("mode")?.Value ?? "nat" : null,
                Bridge = xml.Element("bridge")?.Attribute("name")?.Value,
                Addresses = [.. xml.Elements("ip").Select(LibvirtNetworkDocument.AddressOf).OfType<Cidr>()],
                Hosts = LibvirtNetworkDocument.HostsOf(xml),
                IsActive = await libvirt.NetworkIsActiveAsync(network, cancellationToken).ConfigureAwait(false) == 1,
                IsPersistent = isPersistent,
                IsAutostarted = isPersistent && await libvirt.NetworkGetAutostartAsync(network, cancellationToken).ConfigureAwait(false) == 1,
            };
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoNetwork)
        {
            // It went between the list and the look at it.
            return null;
        }
    }

    private async Task<(LibvirtConnection Libvirt, VirNetwork Network)> RequireAsync(string name, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return (libvirt, await libvirt.NetworkLookupByNameAsync(name, cancellationToken).ConfigureAwait(false));
    }

    private async Task UpdateHostAsync(string name, VirNetworkUpdateCommand command, XElement host, CancellationToken cancellationToken)
    {
        var (libvirt, network) = await RequireAsync(name, cancellationToken).ConfigureAwait(false);
        if (await libvirt.NetworkIsPersistentAsync(network, cancellationToken).ConfigureAwait(false) == 0)
            throw new HypervisorException(Transient, ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"network {name}" };
        bool isActive = await libvirt.NetworkIsActiveAsync(network, cancellationToken).ConfigureAwait(false) == 1;
        var (first, second) = ((uint)command, (uint)VirNetworkUpdateSection.IpDhcpHost);
        if (await libvirt.ConnectSupportsFeatureAsync(OrderFeature, cancellationToken).ConfigureAwait(false) == 0)
            (first, second) = (second, first);
        uint flags = (uint)(VirNetworkUpdateFlags.Config | (isActive ? VirNetworkUpdateFlags.Live : 0));
        await libvirt.NetworkUpdateAsync(network, first, second, -1, BoundedXml.Write(host), flags, cancellationToken).ConfigureAwait(false);
    }
}
