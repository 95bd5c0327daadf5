using System.Text.Json;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <content>The devices that a machine is started with and that are plugged into one that runs: said to QEMU in the same words.</content>
internal sealed partial class MachineArguments
{
    /// <summary>The device of a disk, as <c>-device</c> and <c>device_add</c> want it.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="config">Its machine.</param>
    /// <param name="bus">The controller's bus; null for one that sits on the machine's own, at its place.</param>
    /// <param name="bootIndex">When it is asked for something to boot.</param>
    public static string DiskDevice(DiskConfig disk, MachineConfig config, string? bus, int? bootIndex) => BlockNode.Write(json =>
    {
        string driver = disk.Bus switch { "virtio" => DeviceSlots.Virtio(config, "blk"), "scsi" => disk.IsCd ? "scsi-cd" : "scsi-hd", "usb" => "usb-storage", _ => disk.IsCd ? "ide-cd" : "ide-hd" };
        json.WriteString("driver", driver);
        json.WriteString("id", disk.Id);
        if (!disk.IsCd)
            json.WriteString("drive", disk.NodeName);
        else if (disk.ExternalPath is not null)
            json.WriteString("drive", BlockNode.CdNodeOf(disk));
        if (bus is not null)
            json.WriteString("bus", bus);
        else if (disk.Bus == "usb")
            json.WriteString("bus", UsbController + ".0");
        else if (disk.Bus is "ide" or "sata")
            DeviceSlots.WritePort(json, config, disk.Bus, disk.Slot);
        else if (DeviceSlots.NeedsSlot(disk))
            DeviceSlots.Write(json, config, disk.Slot);
        if (disk.Serial is not null)
            json.WriteString("serial", disk.Serial);
        if (bootIndex is { } index)
            json.WriteNumber("bootindex", index);
    });

    /// <summary>The device of a network, as <c>-device</c> and <c>device_add</c> want it.</summary>
    public static string NetworkDevice(NetworkConfig network, MachineConfig config, int? bootIndex) => BlockNode.Write(json =>
    {
        json.WriteString("driver", DeviceSlots.Virtio(config, "net"));
        json.WriteString("id", network.Id);
        json.WriteString("netdev", network.Id);
        json.WriteString("mac", network.Mac);
        DeviceSlots.Write(json, config, network.Slot);
        if (bootIndex is { } index)
            json.WriteNumber("bootindex", index);
        else if (config.EffectivePlatform.Bus != QemuBus.Ccw)
            json.WriteString("romfile", "");
    });

    /// <summary>The host's end of a user-mode network, as <c>-netdev</c> and <c>netdev_add</c> want it.</summary>
    public static string UserNetwork(NetworkConfig network) => BlockNode.Write(json =>
    {
        json.WriteString("type", "user");
        json.WriteString("id", network.Id);
        json.WriteBoolean("restrict", network.Network == NetworkNames.UserRestricted);
    });

    /// <summary>A PCI device of the host, as <c>-device</c> and <c>device_add</c> want it.</summary>
    public static string HostDevice(HostDeviceConfig device, MachineConfig config) => BlockNode.Write(json =>
    {
        json.WriteString("driver", "vfio-pci");
        json.WriteString("id", device.Id);
        json.WriteString("host", device.Address);
        DeviceSlots.Write(json, config, device.Slot);
    });

    /// <summary>A processor that is plugged in, as <c>-device</c> and <c>device_add</c> want it: of the model of the others.</summary>
    public static string CpuDevice(PluggedCpu cpu, MachineConfig config, QemuHost host) => BlockNode.Write(json =>
    {
        json.WriteString("driver", CpuModel(config, host).Split(',')[0] + CpuDriverSuffix);
        json.WriteString("id", cpu.Id);
        using var place = JsonDocument.Parse(cpu.Place);
        foreach (var member in place.RootElement.EnumerateObject())
            member.WriteTo(json);
    });

    /// <summary>The processor as <c>-cpu</c> is told it.</summary>
    public static string CpuModel(MachineConfig config, QemuHost host) => config.CpuModel ?? (host.Accelerates(config) ? "host" : config.EffectivePlatform.CpuModel);

    /// <summary>The host's memory behind a piece that is plugged in, as <c>-object</c> and <c>object-add</c> want it.</summary>
    public static string DimmBackend(DimmConfig dimm) => BlockNode.Write(json =>
    {
        json.WriteString("qom-type", "memory-backend-ram");
        json.WriteString("id", dimm.BackendId);
        json.WriteNumber("size", dimm.SizeBytes);
    });

    /// <summary>The piece itself.</summary>
    public static string DimmDevice(DimmConfig dimm) => BlockNode.Write(json =>
    {
        json.WriteString("driver", "pc-dimm");
        json.WriteString("id", dimm.Id);
        json.WriteString("memdev", dimm.BackendId);
    });
}
