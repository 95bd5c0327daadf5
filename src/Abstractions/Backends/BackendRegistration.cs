namespace Hypervisor.Sdk;

/// <summary>A backend as a registry knows it.</summary>
public sealed class BackendRegistration
{
    /// <summary>Its name.</summary>
    public required BackendName Name { get; init; }

    /// <summary>The kind of driver.</summary>
    public required string Kind { get; init; }

    /// <summary>Whether it answers.</summary>
    public required BackendConnectionState ConnectionState { get; init; }

    /// <summary>What it is; null until it has been connected once.</summary>
    public BackendInfo? Info { get; init; }

    /// <summary>Why it could not be connected the last time; null when it could.</summary>
    public HypervisorException? Problem { get; init; }
}
