namespace Hypervisor.Sdk;

/// <summary>The backends that an application knows. Connects on first use; a dead backend blocks nobody else; owns and disposes what it connected.</summary>
public interface IBackendRegistry
{
    /// <summary>Raised when a backend was added or removed, or its connection changed. Handlers must not block.</summary>
    event EventHandler<BackendRegistryChangedEventArgs>? Changed;

    /// <summary>Gets a backend, and connects it when it is not.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or it cannot be connected now.</exception>
    ValueTask<IBackend> GetAsync(BackendName name, CancellationToken cancellationToken = default);

    /// <summary>The backends that are known, connected or not, by name.</summary>
    IReadOnlyList<BackendRegistration> List();

    /// <summary>Adds a backend. It is connected on first use.</summary>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>), or no driver of the kind is registered (<see cref="ErrorCode.Unsupported"/>).</exception>
    Task AddAsync(BackendDefinition definition, CancellationToken cancellationToken = default);

    /// <summary>Removes a backend and disposes its connection. What it manages stays as it is.</summary>
    /// <returns>False when there is none of that name.</returns>
    Task<bool> RemoveAsync(BackendName name, CancellationToken cancellationToken = default);
}
