using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="INetworks"/> over there.</summary>
internal sealed class RemoteNetworks(RemoteCalls calls) : INetworks
{
    public IAsyncEnumerable<Network> ListAsync(CancellationToken cancellationToken = default) => calls.Ask("networks.list").ListAsync<Network>(cancellationToken);

    public static void Serve(ServiceRoutes<INetworks> routes) => routes
        .List("list", static (networks, call) => networks.ListAsync(call.Token));
}
