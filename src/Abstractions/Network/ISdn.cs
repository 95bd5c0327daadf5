using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Virtual networks across nodes. Its full form comes with its first driver.</summary>
[Experimental(ExperimentalIds.Sdn)]
public interface ISdn
{
    /// <summary>The zones.</summary>
    IAsyncEnumerable<SdnZone> ListZonesAsync(CancellationToken cancellationToken = default);

    /// <summary>The virtual networks of a zone.</summary>
    IAsyncEnumerable<SdnVirtualNetwork> ListVirtualNetworksAsync(string zone, CancellationToken cancellationToken = default);
}
