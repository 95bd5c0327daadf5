namespace Hypervisor.Sdk;

/// <summary>Getting services that the caller cannot go on without.</summary>
public static class BackendExtensions
{
    /// <summary>Gets a role or a feature, or says that there is none.</summary>
    /// <exception cref="HypervisorException">The backend does not play the role (<see cref="ErrorCode.Unsupported"/>).</exception>
    public static TService Get<TService>(this IBackend backend)
        where TService : class
    {
        ArgumentNullException.ThrowIfNull(backend);
        return backend.TryGet<TService>(out var service)
            ? service
            : throw new HypervisorException($"Backend '{backend.Name}' ({backend.Info.Kind} {backend.Info.ServerVersion}) has no {typeof(TService).Name}.", ErrorCode.Unsupported, RequestOutcome.NotSent) { Backend = backend.Name };
    }
}
