#pragma warning disable HVSDK002 // Experimental: decorated all the same.

namespace Hypervisor.Sdk;

/// <summary><see cref="ISdn"/>, each call through the pipeline.</summary>
internal sealed class SdnCalls(ISdn inner, CallPipeline calls) : ISdn
{
    public IAsyncEnumerable<SdnZone> ListZonesAsync(CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("sdn.listZones", null, null, false), inner, static (s, token) => s.ListZonesAsync(token), cancellationToken);

    public IAsyncEnumerable<SdnVirtualNetwork> ListVirtualNetworksAsync(string zone, CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("sdn.listVirtualNetworks", null, null, false), (inner, zone), static (s, token) => s.inner.ListVirtualNetworksAsync(s.zone, token), cancellationToken);
}
