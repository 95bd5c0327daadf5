namespace Hypervisor.Sdk;

/// <summary><see cref="IHypervisor"/>, each call through the pipeline.</summary>
internal sealed class HypervisorCalls(IHypervisor inner, CallPipeline calls) : ComputeCalls(inner, calls), IHypervisor
{
    private readonly IHypervisor _inner = inner;

    public Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        Calls.BeginAsync(new("hypervisor.create", null, request, true), (_inner, spec, request), static (s, token) => s._inner.CreateAsync(s.spec, s.request, token), cancellationToken);
}
