using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>The networks that the server manages, and the bridges of its host that it does not.</summary>
internal sealed partial class LxdNetworks(LxdParts parts, ContainerWork work) : INetworks
{
    private static readonly string[] s_addresses = ["ipv4.address", "ipv6.address"];

    public async IAsyncEnumerable<Network> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        var all = (await parts.Client.NetworksGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? [];
        foreach (var network in all.Where(network => network is { Name.Length: > 0 } && (network.Managed is true || network.Type == "bridge")).OrderBy(network => network.Name, StringComparer.Ordinal))
            yield return new Network { Name = network.Name!, Kind = network.Type ?? "", Addresses = [.. AddressesOf(network)], Description = network.Description is { Length: > 0 } words ? words : null };
    }

    private static IEnumerable<Cidr> AddressesOf(LxdNetwork network)
    {
        foreach (string key in s_addresses)
        {
            if (network.Config is { } config && config.TryGetValue(key, out string? text) && Cidr.TryParse(text, null, out var address))
                yield return address;
        }
    }
}
