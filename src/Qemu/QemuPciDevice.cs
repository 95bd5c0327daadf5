namespace Hypervisor.Sdk.Qemu;

/// <summary>A PCI device of this host, for <see cref="VirtualMachineSpec.PassthroughDevices"/>.</summary>
public sealed record QemuPciDevice
{
    /// <summary>Its address: <c>0000:01:00.0</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Vendor and device as PCI numbers them: <c>10de:1eb8</c>.</summary>
    public required string Model { get; init; }

    /// <summary>What it is, as PCI numbers it (PCI Code and ID Assignment Specification): <c>0x030000</c> is a VGA controller.</summary>
    public required string Class { get; init; }

    /// <summary>Whether it is a display controller, which a GPU is.</summary>
    public bool IsDisplay => Class.StartsWith("0x03", StringComparison.Ordinal);

    /// <summary>Whether it is a bridge between buses, which no machine can have.</summary>
    public bool IsBridge => Class.StartsWith("0x06", StringComparison.Ordinal);

    /// <summary>The host's driver that has it; null when none does.</summary>
    public string? Driver { get; init; }

    /// <summary>The number of its IOMMU group, whose devices can only be handed on together; null where no IOMMU keeps it from the host's memory.</summary>
    public int? IommuGroup { get; init; }
}
