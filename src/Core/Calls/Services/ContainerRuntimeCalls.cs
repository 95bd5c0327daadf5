namespace Hypervisor.Sdk;

/// <summary><see cref="IContainerRuntime"/>, each call through the pipeline.</summary>
internal sealed class ContainerRuntimeCalls(IContainerRuntime inner, CallPipeline calls) : ComputeCalls(inner, calls), IContainerRuntime
{
    private readonly IContainerRuntime _inner = inner;

    public Task<Operation<Instance>> CreateAsync(ContainerSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        Calls.BeginAsync(new("containerRuntime.create", null, request, true), (_inner, spec, request), static (s, token) => s._inner.CreateAsync(s.spec, s.request, token), cancellationToken);
}
