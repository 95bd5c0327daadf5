namespace Hypervisor.Sdk;

/// <summary><see cref="IPortForwards"/>, each call through the pipeline.</summary>
internal sealed class PortForwardsCalls(IPortForwards inner, CallPipeline calls) : IPortForwards
{
    public IAsyncEnumerable<PortForward> ListAsync(InstanceId id, CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("portForwards.list", id, null, false), (inner, id), static (s, token) => s.inner.ListAsync(s.id, token), cancellationToken);

    public Task<PortForward> AddAsync(InstanceId id, PortSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("portForwards.add", id, request, true), (inner, id, spec, request), static (s, token) => s.inner.AddAsync(s.id, s.spec, s.request, token), cancellationToken);

    public Task<bool> RemoveAsync(InstanceId id, DeviceId forward, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("portForwards.remove", id, request, true), (inner, id, forward, request), static (s, token) => s.inner.RemoveAsync(s.id, s.forward, s.request, token), cancellationToken);
}
