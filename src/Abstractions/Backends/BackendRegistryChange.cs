namespace Hypervisor.Sdk;

/// <summary>What happened to a registry.</summary>
public enum BackendRegistryChange
{
    /// <summary>A backend was added.</summary>
    Added,

    /// <summary>A backend was removed.</summary>
    Removed,

    /// <summary>The connection of a backend changed.</summary>
    ConnectionChanged,
}
