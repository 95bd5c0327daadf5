namespace Hypervisor.Sdk.Qemu;

/// <summary>What the devices of a machine sit on.</summary>
public enum QemuBus
{
    /// <summary>PCI: devices are plugged into the bus itself.</summary>
    Pci,

    /// <summary>PCI Express: devices are plugged into root ports.</summary>
    PciExpress,

    /// <summary>The channels of IBM Z.</summary>
    Ccw,
}
