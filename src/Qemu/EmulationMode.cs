namespace Hypervisor.Sdk.Qemu;

/// <summary>How a host runs guests of an architecture, the worst first.</summary>
public enum EmulationMode
{
    /// <summary>Not at all.</summary>
    Impossible,

    /// <summary>The guest's code is translated to another architecture's.</summary>
    Emulated,

    /// <summary>The architectures are one; the code is translated all the same, for lack of acceleration.</summary>
    Native,

    /// <summary>The processor itself runs the code (KVM).</summary>
    Accelerated,
}
