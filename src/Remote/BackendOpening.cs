namespace Hypervisor.Sdk.Remote;

/// <summary>What whoever connects says of the backend that is to be opened.</summary>
public sealed class BackendOpening
{
    /// <summary>What the backend is to be called.</summary>
    public required BackendName Name { get; init; }

    /// <summary>What it is opened with (<see cref="RemoteBackendOptions.Settings"/>); empty when nothing.</summary>
    public required ReadOnlyMemory<byte> Settings { get; init; }

    /// <summary>Asks the other end for secrets, for as long as it is connected.</summary>
    public required ISecretProvider Secrets { get; init; }

    /// <summary>Finds a backend of the other end by its name, for as long as it is connected. What is found gives no service but <see cref="IBackendChannels"/>, where the backend does: drivers reach others of their kind by it.</summary>
    public required Func<BackendName, CancellationToken, ValueTask<IBackend>> FindBackend { get; init; }
}
