using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="ISuspendToDisk"/> over there.</summary>
internal sealed class RemoteSuspend(RemoteCalls calls) : ISuspendToDisk
{
    public Task<Operation<Instance>> SuspendAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("suspend.suspend").With(id).With(request).BeginAsync<Instance>(cancellationToken);

    public static void Serve(ServiceRoutes<ISuspendToDisk> routes) => routes
        .Begin("suspend", static (suspend, call) => suspend.SuspendAsync(call.Next<InstanceId>(), call.Find<RequestOptions>(), call.Token));
}
