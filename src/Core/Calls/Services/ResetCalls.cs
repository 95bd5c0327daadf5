namespace Hypervisor.Sdk;

/// <summary><see cref="IReset"/>, each call through the pipeline.</summary>
internal sealed class ResetCalls(IReset inner, CallPipeline calls) : IReset
{
    public Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("reset.reset", id, request, true), (inner, id, request), static (s, token) => s.inner.ResetAsync(s.id, s.request, token), cancellationToken);
}
