namespace Hypervisor.Sdk;
/// <summary>Virtual machine or container.</summary>
public enum InstanceKind
{
    /// <summary>VM.</summary>
    VirtualMachine,
    /// <summary>Container.</summary>
    Container,
}
