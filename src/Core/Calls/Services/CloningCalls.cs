namespace Hypervisor.Sdk;

/// <summary><see cref="ICloning"/>, each call through the pipeline.</summary>
internal sealed class CloningCalls(ICloning inner, CallPipeline calls) : ICloning
{
    public Task<Operation<Instance>> CloneAsync(InstanceId source, CloneSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("cloning.clone", source, request, true), (inner, source, spec, request), static (s, token) => s.inner.CloneAsync(s.source, s.spec, s.request, token), cancellationToken);
}
