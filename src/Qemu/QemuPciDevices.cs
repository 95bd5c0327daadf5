using System.Globalization;

namespace Hypervisor.Sdk.Qemu;

/// <summary>
/// The PCI devices of this host with their IOMMU groups (sysfs: <c>/sys/bus/pci/devices</c>, <c>iommu_group</c>), why one cannot be handed to a machine, and the way to make it ready for that and to take it back. Got by
/// <c>backend.TryGet&lt;QemuPciDevices&gt;</c>; thread-safe.
/// </summary>
/// <remarks>Source: Linux, Documentation/driver-api/vfio.rst and Documentation/ABI/testing/sysfs-bus-pci (<c>driver_override</c>, <c>drivers_probe</c>, <c>unbind</c>).</remarks>
public sealed partial class QemuPciDevices
{
    private const string BoundDriver = "vfio-pci";

    /// <summary>Where VFIO shows its groups.</summary>
    internal const string VfioDirectory = "/dev/vfio";

    private readonly Lock _lock = new();
    private readonly string _root;
    private readonly string _vfio;

    internal QemuPciDevices(string root = "/sys/bus/pci/devices", string vfio = VfioDirectory)
    {
        _root = root;
        _vfio = vfio;
    }

    /// <summary>The devices there are now, by their addresses; none where the host shows no PCI.</summary>
    public IReadOnlyList<QemuPciDevice> List() =>
        !Directory.Exists(_root) ? [] : [.. Directory.EnumerateFileSystemEntries(_root).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal).Select(TryRead).OfType<QemuPciDevice>()];

    /// <summary>The devices by group: those of one group go to one machine or stay with the host.</summary>
    public IReadOnlyDictionary<int, IReadOnlyList<QemuPciDevice>> ListGroups() =>
        List().Where(device => device.IommuGroup is not null).GroupBy(device => device.IommuGroup!.Value).ToDictionary(group => group.Key, IReadOnlyList<QemuPciDevice> (group) => [.. group]);

    /// <summary>Why no device at all can be handed to a machine of this host; null where some can.</summary>
    public string? WhyNone()
    {
        var all = List();
        if (all.Count == 0)
            return "this host shows no PCI devices";
        return all.Any(device => device.IommuGroup is not null) ? WhyNoVfio() : NoIommu;
    }

    /// <summary>Why a device cannot be handed to a machine now; null where nothing of the host stands against it.</summary>
    /// <param name="address">Its address.</param>
    public string? WhyNot(string address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var all = List();
        if (all.FirstOrDefault(device => device.Address == address) is not { } wanted)
            return $"this host has no PCI device of that address; it has {(all.Count == 0 ? "none" : all.Count.ToString(CultureInfo.InvariantCulture))}";
        if (wanted.IommuGroup is not { } group)
            return NoIommu;
        if (wanted.IsBridge)
            return "it is a bridge, which stays with the host";
        var held = all.Where(device => device.IommuGroup == group && device.Driver is not null and not BoundDriver && !device.IsBridge).ToList();
        if (held.Count > 0)
            return $"its IOMMU group {group} is in use by the host: {string.Join(", ", held.Select(device => $"{device.Address} by {device.Driver}"))}; bind them to {BoundDriver} first ({nameof(QemuPciDevices)}.{nameof(Bind)})";
        return wanted.Driver is null ? $"no driver has it; bind it to {BoundDriver} first ({nameof(QemuPciDevices)}.{nameof(Bind)})" : WhyNoVfio();
    }

    private const string NoIommu = "no IOMMU keeps it from the host's memory; switch it on in the firmware (VT-d, AMD-Vi) and in the kernel (intel_iommu=on)";

    private string? WhyNoVfio() => File.Exists(Path.Combine(_vfio, "vfio")) ? null : $"VFIO is not loaded on this host: there is no {Path.Combine(_vfio, "vfio")} (modprobe {BoundDriver})";

    /// <summary>Null for one that was taken out in this moment.</summary>
    private QemuPciDevice? TryRead(string address)
    {
        try
        {
            string path = Path.Combine(_root, address);
            return new QemuPciDevice
            {
                Address = address,
                Model = $"{Number("vendor")}:{Number("device")}",
                Class = File.ReadAllText(Path.Combine(path, "class")).Trim(),
                Driver = NameOfLink("driver"),
                IommuGroup = int.TryParse(NameOfLink("iommu_group"), NumberStyles.None, CultureInfo.InvariantCulture, out int group) ? group : null,
            };

            string Number(string file) => File.ReadAllText(Path.Combine(path, file)).Trim()["0x".Length..];

            string? NameOfLink(string link) => Path.GetFileName(new FileInfo(Path.Combine(path, link)).LinkTarget);
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }
}
