using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="INodes"/> over there.</summary>
internal sealed class RemoteNodes(RemoteCalls calls) : INodes
{
    public IAsyncEnumerable<Node> ListAsync(CancellationToken cancellationToken = default) => calls.Ask("nodes.list").ListAsync<Node>(cancellationToken);

    public static void Serve(ServiceRoutes<INodes> routes) => routes
        .List("list", static (nodes, call) => nodes.ListAsync(call.Token));
}
