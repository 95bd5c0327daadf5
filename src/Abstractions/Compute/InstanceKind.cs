namespace Hypervisor.Sdk;

/// <summary>What an instance is.</summary>
public enum InstanceKind
{
    /// <summary>A machine with a kernel of its own.</summary>
    VirtualMachine,

    /// <summary>Processes that share the host's kernel.</summary>
    Container,
}
