namespace Hypervisor.Sdk;

/// <summary>What <see cref="IBackendRegistry.Changed"/> says.</summary>
public sealed class BackendRegistryChangedEventArgs : EventArgs
{
    /// <summary>The backend.</summary>
    public required BackendName Backend { get; init; }

    /// <summary>What happened.</summary>
    public required BackendRegistryChange Change { get; init; }

    /// <summary>The connection, when that changed.</summary>
    public BackendConnectionChangedEventArgs? Connection { get; init; }
}
