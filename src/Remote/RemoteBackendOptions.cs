using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote;

/// <summary>Where a <see cref="RemoteBackend"/> is, and what it is opened with. Read once, when the backend connects.</summary>
public sealed class RemoteBackendOptions
{
    /// <summary>The name under which the application knows the backend. What serves it calls it the same. Default <c>remote</c>.</summary>
    public string Name { get; set; } = "remote";

    /// <summary>Makes a connection to what serves the backend; called again whenever the one before is lost. Default: none, it must be set.</summary>
    public Func<CancellationToken, Task<Connection>>? Connect { get; set; }

    /// <summary>What whoever opens the backend over there is told: see <see cref="BackendOpening.Settings"/>. Asked for at each connection; never secrets, which are asked for by their names. Default: nothing.</summary>
    public ReadOnlyMemory<byte> Settings { get; set; }

    /// <summary>Who is asked for the secrets that are needed over there (<see cref="BackendOpening.Secrets"/>). Default: nobody, every question is answered with <see cref="ErrorCode.NotFound"/>.</summary>
    public ISecretProvider? Secrets { get; set; }

    /// <summary>Finds the other backends of this process for the one over there, which says something to others of its kind (<see cref="BackendOpening.FindBackend"/>). Default: it finds none.</summary>
    public Func<BackendName, CancellationToken, ValueTask<IBackend>>? FindBackend { get; set; }

    /// <summary>The form of the model, with the extensions of specs that the backend knows; the other end must know the same. Default: the model without any.</summary>
    public ModelJson Json { get; set; } = ModelJson.Default;

    /// <summary>What <see cref="BackendInfo.Endpoint"/> says. Default: what the backend itself says over there.</summary>
    public Uri? Endpoint { get; set; }

    /// <summary>What is disposed with the backend, after its connection: what <see cref="Connect"/> needs to make one. Default: nothing.</summary>
    public IAsyncDisposable? Owned { get; set; }

    /// <summary>How long making a connection may take, and opening the backend over there. Default 1 minute.</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>How long it is waited at most between two attempts to connect again; the first is made at once. Default 30 seconds.</summary>
    public TimeSpan MaxReconnectPause { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The clock. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; set; } = TimeProvider.System;

    internal RemoteBackendOptions Validated()
    {
        if (!BackendName.TryParse(Name, null, out _))
            throw new ArgumentException($"{nameof(RemoteBackendOptions)}.{nameof(Name)} is '{Name}'; it must be 1 to 63 of a-z, 0-9, '-', '_' and '.'.", nameof(Name));
        if (Connect is null)
            throw new ArgumentException($"{nameof(RemoteBackendOptions)}.{nameof(Connect)} is not set.", nameof(Connect));
        if (ConnectTimeout <= TimeSpan.Zero)
            throw new ArgumentException($"{nameof(RemoteBackendOptions)}.{nameof(ConnectTimeout)} is {ConnectTimeout}; it must be more than zero.", nameof(ConnectTimeout));
        if (MaxReconnectPause <= TimeSpan.Zero)
            throw new ArgumentException($"{nameof(RemoteBackendOptions)}.{nameof(MaxReconnectPause)} is {MaxReconnectPause}; it must be more than zero.", nameof(MaxReconnectPause));
        return (RemoteBackendOptions)MemberwiseClone();
    }
}
