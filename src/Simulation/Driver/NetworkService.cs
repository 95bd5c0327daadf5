using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Calls;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>The networks.</summary>
internal sealed class NetworkService(SimulationClient client) : INetworks
{
    public async IAsyncEnumerable<Network> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var networks = await client.World.Calls.EnterAsync(client, "list-networks", "", null, () => Task.FromResult(client.World.Networks.Values.Select(static network => new Network
        {
            Name = network.Name,
            Kind = network.Kind,
            Addresses = [network.Addresses],
            Description = network.Description,
        }).ToArray())).ConfigureAwait(false);
        foreach (var network in networks)
            yield return network;
    }
}
