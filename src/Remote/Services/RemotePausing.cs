using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IPausing"/> over there.</summary>
internal sealed class RemotePausing(RemoteCalls calls) : IPausing
{
    public Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("pausing.pause").With(id).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("pausing.resume").With(id).With(request).BeginAsync<Instance>(cancellationToken);

    public static void Serve(ServiceRoutes<IPausing> routes) => routes
        .Begin("pause", static (pausing, call) => pausing.PauseAsync(call.Next<InstanceId>(), call.Find<RequestOptions>(), call.Token))
        .Begin("resume", static (pausing, call) => pausing.ResumeAsync(call.Next<InstanceId>(), call.Find<RequestOptions>(), call.Token));
}
