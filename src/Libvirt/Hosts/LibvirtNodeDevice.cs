namespace Hypervisor.Sdk.Libvirt;

/// <summary>A device of a daemon's host.</summary>
public sealed class LibvirtNodeDevice
{
    /// <summary>Its name at the daemon: <c>pci_0000_00_02_0</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The name of the device that it is at; null for the first.</summary>
    public string? Parent { get; init; }

    /// <summary>What it is, in libvirt's words: <c>pci</c>, <c>net</c>, <c>storage</c>, <c>system</c>.</summary>
    public required string Capability { get; init; }

    /// <summary>The host's driver that has it; null for none.</summary>
    public string? Driver { get; init; }

    /// <summary>Its place in the host's sysfs; null where it has none.</summary>
    public string? Path { get; init; }

    /// <summary>What its maker calls it; null where that is not known.</summary>
    public string? Product { get; init; }
}
