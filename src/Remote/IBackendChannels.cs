namespace Hypervisor.Sdk.Remote;

/// <summary>
/// What a driver has to say to others of its kind beside the model, as channels that only they understand: a service of a backend, which a <see cref="RemoteBackend"/> gives too when the backend that it stands for does. So two drivers
/// reach each other through the processes that have connected them, wherever each runs.
/// </summary>
public interface IBackendChannels
{
    /// <summary>Opens a channel to the backend.</summary>
    /// <param name="name">What it is for, in the driver's words.</param>
    /// <param name="greeting">What the driver is told when it is opened; at most 64 KiB.</param>
    /// <param name="cancellationToken">Gives up until it is open.</param>
    /// <returns>This end of it; disposing it ends it.</returns>
    /// <exception cref="HypervisorException">The driver has no such channel (<see cref="ErrorCode.Unsupported"/>), or there is no way to it.</exception>
    Task<BackendChannel> OpenAsync(string name, ReadOnlyMemory<byte> greeting, CancellationToken cancellationToken = default);
}
