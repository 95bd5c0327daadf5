namespace Hypervisor.Sdk;

/// <summary>What a virtual machine boots with.</summary>
public enum Firmware
{
    /// <summary>What the architecture usually has: BIOS on x86_64, UEFI on aarch64.</summary>
    Default,

    /// <summary>PC BIOS.</summary>
    Bios,

    /// <summary>UEFI.</summary>
    Uefi,

    /// <summary>UEFI that boots signed code only.</summary>
    UefiSecureBoot,
}
