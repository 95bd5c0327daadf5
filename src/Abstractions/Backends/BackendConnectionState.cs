namespace Hypervisor.Sdk;

/// <summary>Whether a backend answers, as far as the driver has seen.</summary>
public enum BackendConnectionState
{
    /// <summary>Not connected yet; the first call connects.</summary>
    Idle,

    /// <summary>Being connected, for the first time or again.</summary>
    Connecting,

    /// <summary>It answers.</summary>
    Connected,

    /// <summary>It does not answer; the driver tries again by itself.</summary>
    Disconnected,

    /// <summary>Disposed; every call fails.</summary>
    Closed,
}
