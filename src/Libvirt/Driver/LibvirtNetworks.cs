using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Libvirt.Networks;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>The networks of a daemon that are up, and what QEMU does without one.</summary>
internal sealed class LibvirtNetworks(LibvirtParts parts) : INetworks
{
    public async IAsyncEnumerable<Network> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        if (parts is { IsTestDriver: false, IsContainers: false })
            yield return new Network { Name = DomainMaker.UserNetwork, Kind = "user", Description = "Out through the host, as the host; nothing in." };
        foreach (var network in (await libvirt.ConnectListAllNetworksAsync(1, (uint)VirConnectListAllNetworksFlags.Active, cancellationToken).ConfigureAwait(false)).Nets)
        {
            var xml = BoundedXml.Read(await libvirt.NetworkGetXmlDescAsync(network, 0, cancellationToken).ConfigureAwait(false), "network");
            yield return new Network
            {
                Name = network.Name,
                Kind = xml.Element("forward") is { } forward ? forward.Attribute("mode")?.Value ?? "nat" : "isolated",
                Addresses = [.. xml.Elements("ip").Select(LibvirtNetworkDocument.AddressOf).OfType<Cidr>()],
                Description = xml.Element("title")?.Value,
            };
        }
    }
}
