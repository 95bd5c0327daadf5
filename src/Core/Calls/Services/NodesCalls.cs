namespace Hypervisor.Sdk;

/// <summary><see cref="INodes"/>, each call through the pipeline.</summary>
internal sealed class NodesCalls(INodes inner, CallPipeline calls) : INodes
{
    public IAsyncEnumerable<Node> ListAsync(CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("nodes.list", null, null, false), inner, static (s, token) => s.ListAsync(token), cancellationToken);
}
