namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>The machines of a daemon.</summary>
internal sealed class LibvirtHypervisor(LibvirtBackend backend, LibvirtParts parts) : LibvirtInstances(backend, parts), IHypervisor
{
    private readonly DomainMaker _maker = new(parts);

    public Task<Operation<Instance>> CreateAsync(VirtualMachineSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        var copy = SpecCopy.Of(spec);
        return CreateAsync(spec.Name, () => _maker.Refuse(spec), (scope, uuid, token) => _maker.MakeAsync(scope, copy, uuid, token), AutostartOf(spec.Extensions), request, cancellationToken);
    }
}
