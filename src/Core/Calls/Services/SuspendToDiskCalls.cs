namespace Hypervisor.Sdk;

/// <summary><see cref="ISuspendToDisk"/>, each call through the pipeline.</summary>
internal sealed class SuspendToDiskCalls(ISuspendToDisk inner, CallPipeline calls) : ISuspendToDisk
{
    public Task<Operation<Instance>> SuspendAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("suspendToDisk.suspend", id, request, true), (inner, id, request), static (s, token) => s.inner.SuspendAsync(s.id, s.request, token), cancellationToken);
}
