using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IReset"/> over there.</summary>
internal sealed class RemoteReset(RemoteCalls calls) : IReset
{
    public Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("reset.reset").With(id).With(request).BeginAsync<Instance>(cancellationToken);

    public static void Serve(ServiceRoutes<IReset> routes) => routes
        .Begin("reset", static (reset, call) => reset.ResetAsync(call.Next<InstanceId>(), call.Find<RequestOptions>(), call.Token));
}
