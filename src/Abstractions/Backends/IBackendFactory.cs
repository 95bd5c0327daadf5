namespace Hypervisor.Sdk;

/// <summary>Connects backends of one kind. Drivers register theirs with the service collection.</summary>
public interface IBackendFactory
{
    /// <summary>The kind: <c>qemu</c>.</summary>
    string Kind { get; }

    /// <summary>Connects.</summary>
    /// <param name="definition">What to connect to; settings that the driver does not know are refused.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">A setting is wrong, or the endpoint does not answer.</exception>
    Task<IBackend> ConnectAsync(BackendDefinition definition, CancellationToken cancellationToken);
}
