namespace Hypervisor.Sdk.Qemu;

/// <summary>What runs the guest's code.</summary>
public enum QemuAccelerator
{
    /// <summary>KVM where it works, else TCG.</summary>
    Auto,

    /// <summary>The processor, by way of the host's kernel. Connecting fails where it does not work.</summary>
    Kvm,

    /// <summary>QEMU's translator: works everywhere, many times slower.</summary>
    Tcg,
}
