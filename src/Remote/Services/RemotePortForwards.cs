using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IPortForwards"/> over there.</summary>
internal sealed class RemotePortForwards(RemoteCalls calls) : IPortForwards
{
    public IAsyncEnumerable<PortForward> ListAsync(InstanceId id, CancellationToken cancellationToken = default) => calls.Ask("portForwards.list").With(id).ListAsync<PortForward>(cancellationToken);

    public Task<PortForward> AddAsync(InstanceId id, PortSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("portForwards.add").With(id).With(spec).With(request).SendAsync<PortForward>(cancellationToken);

    public Task<bool> RemoveAsync(InstanceId id, DeviceId forward, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("portForwards.remove").With(id).With(forward).With(request).SendAsync<bool>(cancellationToken);

    public static void Serve(ServiceRoutes<IPortForwards> routes) => routes
        .List("list", static (forwards, call) => forwards.ListAsync(call.Next<InstanceId>(), call.Token))
        .Answer("add", static (forwards, call) => forwards.AddAsync(call.Next<InstanceId>(), call.Next<PortSpec>(), call.Find<RequestOptions>(), call.Token))
        .Answer("remove", static (forwards, call) => forwards.RemoveAsync(call.Next<InstanceId>(), call.Next<DeviceId>(), call.Find<RequestOptions>(), call.Token));
}
