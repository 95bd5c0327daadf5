using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IHypervisor"/> over there.</summary>
internal sealed class RemoteHypervisor(RemoteCalls calls) : RemoteCompute(calls, "hypervisor"), IHypervisor
{
    public async Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        Calls.Check(spec.Name);
        Calls.Check(spec.Extensions);
        return await Calls.Change("hypervisor.create").With<InstanceSpec>(spec).With(request).BeginAsync<Instance>(cancellationToken).ConfigureAwait(false);
    }

    public static void Serve(ServiceRoutes<IHypervisor> routes)
    {
        RemoteCompute.Serve(routes);
        routes.Begin("create", static (hypervisor, call) => hypervisor.CreateAsync(call.Next<InstanceSpec>() as VirtualMachineSpec ?? throw new ArgumentException("A hypervisor makes virtual machines."), call.Find<RequestOptions>(), call.Token));
    }
}
