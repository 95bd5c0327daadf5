namespace Hypervisor.Sdk;

/// <summary>What a container is for.</summary>
public enum ContainerFlavor
{
    /// <summary>A whole system with an init process.</summary>
    System,

    /// <summary>One program and what it needs.</summary>
    Application,
}
