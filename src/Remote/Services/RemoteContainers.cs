using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IContainerRuntime"/> over there.</summary>
internal sealed class RemoteContainers(RemoteCalls calls) : RemoteCompute(calls, "containers"), IContainerRuntime
{
    public async Task<Operation<Instance>> CreateAsync(ContainerSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Calls.Check(spec.Name);
        Calls.Check(spec.Extensions);
        return await Calls.Change("containers.create").With<InstanceSpec>(spec).With(request).BeginAsync<Instance>(cancellationToken).ConfigureAwait(false);
    }

    public static void Serve(ServiceRoutes<IContainerRuntime> routes)
    {
        RemoteCompute.Serve(routes);
        routes.Begin("create", static (containers, call) => containers.CreateAsync(call.Next<InstanceSpec>() as ContainerSpec ?? throw new ArgumentException("A container runtime makes containers."), call.Find<RequestOptions>(), call.Token));
    }
}
