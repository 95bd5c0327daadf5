namespace Hypervisor.Sdk;

/// <summary><see cref="INetworks"/>, each call through the pipeline.</summary>
internal sealed class NetworksCalls(INetworks inner, CallPipeline calls) : INetworks
{
    public IAsyncEnumerable<Network> ListAsync(CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("networks.list", null, null, false), inner, static (s, token) => s.ListAsync(token), cancellationToken);
}
