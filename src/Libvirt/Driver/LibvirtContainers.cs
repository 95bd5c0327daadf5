using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>The containers of a daemon.</summary>
internal sealed class LibvirtContainers(LibvirtBackend backend, LibvirtParts parts) : LibvirtInstances(backend, parts), IContainerRuntime
{
    private readonly ContainerMaker _maker = new(parts);

    public Task<Operation<Instance>> CreateAsync(ContainerSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var copy = SpecCopy.Of(spec);
        bool? isAutostarted = RestartPolicies.IsAutoStarted(spec.RestartPolicy) ?? AutostartOf(spec.Extensions);
        return CreateAsync(spec.Name, () => _maker.Refuse(spec), (scope, uuid, token) => _maker.MakeAsync(scope, copy, uuid, token), isAutostarted, request, cancellationToken);
    }
}
