using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>
/// A connected endpoint: a QEMU host, a libvirt daemon, an LXD cluster. What it can do is got from it by <see cref="TryGet{TService}"/>: roles (<see cref="IHypervisor"/>, <see cref="IContainerRuntime"/>,
/// <see cref="IStorageBackend"/>) and features (<see cref="ISnapshots"/>, <see cref="ISerialConsole"/>, ...) alike. Safe to use from several threads; lives as long as the application.
/// </summary>
public interface IBackend : IAsyncDisposable
{
    /// <summary>The name under which the application knows it.</summary>
    BackendName Name { get; }

    /// <summary>What it is. Replaced, never changed, when a new connection finds another version.</summary>
    BackendInfo Info { get; }

    /// <summary>Whether it answers, as far as the driver has seen.</summary>
    BackendConnectionState ConnectionState { get; }

    /// <summary>Raised when <see cref="ConnectionState"/> has changed. The driver connects again by itself. Handlers run on the driver's thread and must not block.</summary>
    event EventHandler<BackendConnectionChangedEventArgs>? ConnectionChanged;

    /// <summary>
    /// Gets a role or a feature. Never cast an <see cref="IBackend"/> instead: decorators implement more than what they decorate can do, and wrap what a cast would find unwrapped.
    /// </summary>
    /// <returns>False when this backend does not play the role at all. A service that is there may still be unable to do it for one instance: ask <see cref="QueryAsync"/>.</returns>
    bool TryGet<TService>([NotNullWhen(true)] out TService? service)
        where TService : class;

    /// <summary>Asks whether something can be done, for a target or in general. What the driver does not know is answered with no. Whoever asks for it all the same is refused (<see cref="ErrorCode.Unsupported"/>), with the reason of the answer in the message.</summary>
    ValueTask<CapabilityAnswer> QueryAsync(Capability capability, CapabilityTarget target = default, CancellationToken cancellationToken = default);

    /// <summary>Sends the backend something that it must answer.</summary>
    /// <returns>How it is. An unreachable backend is an answer, not an exception.</returns>
    Task<BackendHealth> CheckHealthAsync(CancellationToken cancellationToken = default);
}
