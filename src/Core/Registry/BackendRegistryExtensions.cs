namespace Hypervisor.Sdk;

/// <summary>Finds instances across the backends of a registry.</summary>
public static class BackendRegistryExtensions
{
    /// <summary>Finds an instance; null when its backend has none of that id.</summary>
    /// <exception cref="HypervisorException">There is no such backend (<see cref="ErrorCode.NotFound"/>), or it cannot be connected or asked now.</exception>
    public static async Task<Instance?> FindInstanceAsync(this IBackendRegistry registry, InstanceRef reference, CancellationToken cancellationToken = default)
    {
        var backend = await GetBackendAsync(registry, reference, cancellationToken).ConfigureAwait(false);
        foreach (var compute in backend.GetComputeRoles())
        {
            if (await compute.FindAsync(reference.Id, cancellationToken).ConfigureAwait(false) is { } instance)
                return instance;
        }

        return null;
    }

    /// <summary>Gets the role that can start, stop and change an instance. Where its backend plays one role only, that role is returned unasked.</summary>
    /// <exception cref="HypervisorException">There is no such backend or no such instance (<see cref="ErrorCode.NotFound"/>), the backend has no instances (<see cref="ErrorCode.Unsupported"/>), or it cannot be connected or asked now.</exception>
    public static async Task<ICompute> GetComputeAsync(this IBackendRegistry registry, InstanceRef reference, CancellationToken cancellationToken = default)
    {
        var backend = await GetBackendAsync(registry, reference, cancellationToken).ConfigureAwait(false);
        var roles = backend.GetComputeRoles();
        if (roles.Count == 0)
            throw new HypervisorException($"Backend '{backend.Name}' ({backend.Info.Kind}) has no instances.", ErrorCode.Unsupported, RequestOutcome.NotSent) { Backend = backend.Name };
        if (roles.Count == 1)
            return roles[0];
        foreach (var compute in roles)
        {
            if (await compute.FindAsync(reference.Id, cancellationToken).ConfigureAwait(false) is not null)
                return compute;
        }

        throw new HypervisorException($"There is no instance '{reference}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Backend = backend.Name, Resource = $"instance {reference.Id}" };
    }

    /// <summary>The roles of a backend that have instances: the hypervisor's first, then the container runtime's. Empty where it plays neither.</summary>
    public static IReadOnlyList<ICompute> GetComputeRoles(this IBackend backend)
    {
        ArgumentNullException.ThrowIfNull(backend);
        bool hasMachines = backend.TryGet<IHypervisor>(out var hypervisor);
        bool hasContainers = backend.TryGet<IContainerRuntime>(out var containers);
        return (hasMachines, hasContainers) switch
        {
            (true, true) => [hypervisor!, containers!],
            (true, false) => [hypervisor!],
            (false, true) => [containers!],
            _ => [],
        };
    }

    private static ValueTask<IBackend> GetBackendAsync(IBackendRegistry registry, InstanceRef reference, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(registry);
        return reference.IsDefault ? throw new ArgumentException("A reference to an instance is needed.", nameof(reference)) : registry.GetAsync(reference.Backend, cancellationToken);
    }
}
