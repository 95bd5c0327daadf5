namespace Hypervisor.Sdk;

/// <summary><see cref="IPausing"/>, each call through the pipeline.</summary>
internal sealed class PausingCalls(IPausing inner, CallPipeline calls) : IPausing
{
    public Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("pausing.pause", id, request, true), (inner, id, request), static (s, token) => s.inner.PauseAsync(s.id, s.request, token), cancellationToken);

    public Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("pausing.resume", id, request, true), (inner, id, request), static (s, token) => s.inner.ResumeAsync(s.id, s.request, token), cancellationToken);
}
