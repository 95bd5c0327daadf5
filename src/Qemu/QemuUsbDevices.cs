namespace Hypervisor.Sdk.Qemu;

/// <summary>The USB devices of this host (sysfs: <c>/sys/bus/usb/devices</c>). They are listed and not handed to machines. Got by <c>backend.TryGet&lt;QemuUsbDevices&gt;</c>.</summary>
public sealed class QemuUsbDevices
{
    /// <summary>How one is named among <see cref="VirtualMachineSpec.PassthroughDevices"/>: <c>usb:1-2.4</c>.</summary>
    internal const string Prefix = "usb:";

    private readonly string _root;

    internal QemuUsbDevices(string root = "/sys/bus/usb/devices") => _root = root;

    /// <summary>The devices there are now, by where they are plugged in; none where the host shows no USB. Hubs of the host itself are not among them.</summary>
    public IReadOnlyList<QemuUsbDevice> List() =>
        // Interfaces of a device have a ':' in their names (Linux, Documentation/ABI/testing/sysfs-bus-usb), the host's own hubs begin with "usb".
        !Directory.Exists(_root) ? [] : [.. Directory.EnumerateFileSystemEntries(_root).Select(path => Path.GetFileName(path)).Where(name => char.IsAsciiDigit(name[0]) && !name.Contains(':', StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(TryRead).OfType<QemuUsbDevice>()];

    /// <summary>Why a device cannot be handed to a machine.</summary>
    /// <param name="address">Where it is plugged in.</param>
    public string WhyNot(string address)
    {
        var all = List();
        return all.Any(device => device.Address == address)
            ? "USB devices of the host are not handed to machines by this version; hand on the PCI device of their controller"
            : $"this host has no USB device there; it has {(all.Count == 0 ? "none" : string.Join(", ", all.Select(device => device.Address)))}";
    }

    private QemuUsbDevice? TryRead(string address)
    {
        try
        {
            return new QemuUsbDevice { Address = address, Model = $"{Text("idVendor")}:{Text("idProduct")}", Product = File.Exists(Path.Combine(_root, address, "product")) ? Text("product") : null };
        }
        catch (Exception error) when (error is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }

        string Text(string file) => File.ReadAllText(Path.Combine(_root, address, file)).Trim();
    }
}
