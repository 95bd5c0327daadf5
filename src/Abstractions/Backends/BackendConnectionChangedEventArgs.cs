namespace Hypervisor.Sdk;

/// <summary>What <see cref="IBackend.ConnectionChanged"/> says.</summary>
public sealed class BackendConnectionChangedEventArgs : EventArgs
{
    /// <summary>The backend.</summary>
    public required BackendName Backend { get; init; }

    /// <summary>The state before.</summary>
    public required BackendConnectionState From { get; init; }

    /// <summary>The state now.</summary>
    public required BackendConnectionState To { get; init; }

    /// <summary>Why the connection ended or could not be made.</summary>
    public HypervisorException? Reason { get; init; }
}
