using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Simulation.Calls;

namespace Hypervisor.Sdk.Simulation.Driver;

/// <summary>The nodes.</summary>
internal sealed class NodeService(SimulationClient client) : INodes
{
    public async IAsyncEnumerable<Node> ListAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var nodes = await client.World.Calls.EnterAsync(client, "list-nodes", "", null, () => Task.FromResult(client.World.Nodes.Values.Select(static node => new Node
        {
            Name = node.Name,
            Architecture = node.Architecture,
            Emulated = node.Emulated,
            Cpus = node.Cpus,
            Memory = new ByteSize(node.MemoryBytes),
            MemoryAvailable = node.IsReachable ? new ByteSize(Math.Max(0, node.MemoryBytes - node.UsedMemoryBytes)) : null,
            IsOnline = node.IsReachable,
        }).ToArray())).ConfigureAwait(false);
        foreach (var node in nodes)
            yield return node;
    }
}
