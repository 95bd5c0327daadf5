using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="ISdn"/> over there.</summary>
internal sealed class RemoteSdn(RemoteCalls calls) : ISdn
{
    public IAsyncEnumerable<SdnZone> ListZonesAsync(CancellationToken cancellationToken = default) => calls.Ask("sdn.listZones").ListAsync<SdnZone>(cancellationToken);

    public IAsyncEnumerable<SdnVirtualNetwork> ListVirtualNetworksAsync(string zone, CancellationToken cancellationToken = default) =>
        calls.Ask("sdn.listVirtualNetworks").With(zone).ListAsync<SdnVirtualNetwork>(cancellationToken);

    public static void Serve(ServiceRoutes<ISdn> routes) => routes
        .List("listZones", static (sdn, call) => sdn.ListZonesAsync(call.Token))
        .List("listVirtualNetworks", static (sdn, call) => sdn.ListVirtualNetworksAsync(call.Next<string>(), call.Token));
}
