using System.Globalization;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Where devices sit on the machine's bus. Every disk and network device keeps its place, so that one that was plugged in is where the next start puts it: a snapshot's memory fits both. On a PC that is a slot of its
/// PCI bus; on a q35 machine one of the root ports, behind which devices can be plugged and unplugged. Disks and CD drives on <c>ide</c> and <c>sata</c> have a port of their controller: a PC has two IDE channels of two
/// drives each and an AHCI controller of six ports, which it gets with the first disk on <c>sata</c>; a q35 machine has that controller built in and no other, so both words mean it.
/// </summary>
internal static class DeviceSlots
{
    /// <summary>The root ports of a q35 machine.</summary>
    public const int RootPorts = 16;

    /// <summary>The id of the device that cloud-init reads.</summary>
    public const string Seed = "hv-seed";

    /// <summary>The AHCI controller of a PC that has none built in.</summary>
    public const string Sata = "hv-sata";

    private const string Full = "the machine has no room for so many virtio disks and network devices: a PC has room for 24";
    private const int FirstPort = 4;
    private const int SataPorts = 6;
    private const int IdeChannels = 2;
    private const int IdeDrives = 2;

    /// <summary>Whether a machine has PCI Express.</summary>
    public static bool IsPcie(MachineConfig config) => config.EffectivePlatform is { IsPc: true } ? config.Machine.Type.Contains("q35", StringComparison.Ordinal) : config.EffectivePlatform.Bus == QemuBus.PciExpress;

    /// <summary>The name of a virtio device on a machine's kind of bus: <c>virtio-blk-pci</c>.</summary>
    public static string Virtio(MachineConfig config, string device) => config.EffectivePlatform.Bus == QemuBus.Ccw ? $"virtio-{device}-ccw" : $"virtio-{device}-pci";

    /// <summary>Whether a disk sits on the bus itself, not behind a controller.</summary>
    public static bool NeedsSlot(DiskConfig disk) => disk.Bus == "virtio";

    /// <summary>Gives a place to every device that has none, in their order. One for which there is no room stays without.</summary>
    public static MachineConfig Assign(MachineConfig config)
    {
        var (first, end) = IsPcie(config) ? (FirstPort, RootPorts - 1) : (config.EffectivePlatform.FirstSlot, config.EffectivePlatform.LastSlot);
        var taken = config.Disks.Where(NeedsSlot).Select(disk => disk.Slot).Concat(config.Networks.Select(network => network.Slot)).Concat(config.HostDevices.Select(device => device.Slot))
            .Append(config.CloudInit is { Delivery: CloudInitConfig.Disk, Slot: { } place } ? place : null).OfType<int>().ToHashSet();
        var free = new Queue<int>(Enumerable.Range(first, end - first + 1).Where(slot => !taken.Contains(slot)));
        config = AssignPorts(config);
        return config with
        {
            Disks = [.. config.Disks.Select(disk => disk.Slot is null && NeedsSlot(disk) && free.TryDequeue(out int slot) ? disk with { Slot = slot } : disk)],
            Networks = [.. config.Networks.Select(network => network.Slot is null && free.TryDequeue(out int slot) ? network with { Slot = slot } : network)],
            HostDevices = [.. config.HostDevices.Select(device => device.Slot is null && free.TryDequeue(out int slot) ? device with { Slot = slot } : device)],
            CloudInit = config.CloudInit is { Delivery: CloudInitConfig.Disk, Slot: null } seed && free.TryDequeue(out int last) ? seed with { Slot = last } : config.CloudInit,
        };
    }

    /// <summary>The same for devices that move to another kind of bus.</summary>
    public static MachineConfig AssignAnew(MachineConfig config) => Assign(config with
    {
        Disks = [.. config.Disks.Select(disk => disk with { Slot = null })],
        Networks = [.. config.Networks.Select(network => network with { Slot = null })],
        HostDevices = [.. config.HostDevices.Select(device => device with { Slot = null })],
        CloudInit = config.CloudInit is null ? null : config.CloudInit with { Slot = null },
    });

    /// <summary>What has no place in a machine whose places are assigned; null when everything has one.</summary>
    /// <returns>The problem, for a message; and the id of the device that it is about, where it is one on a controller.</returns>
    public static (string Problem, string? Device)? WhyFull(MachineConfig config)
    {
        if (config.Disks.FirstOrDefault(disk => IsOnController(disk) && disk.Slot is null) is { } disk)
            return ($"there is no place for the {(disk.IsCd ? "CD drive" : "disk")} '{disk.Id}' on '{disk.Bus}': {Room(config, disk.Bus)}; take virtio or scsi", disk.Id);
        if (HasSeedDrive(config) && config.CloudInit!.Slot is null)
            return ($"there is no place for the CD drive of cloud-init on 'ide': {Room(config, "ide")}; take the delivery '{CloudInitConfig.Disk}'", Seed);
        return IsBusFull(config) ? (Full, null) : null;
    }

    /// <summary>Writes the place of a disk or CD drive on <c>ide</c> or <c>sata</c>.</summary>
    public static void WritePort(Utf8JsonWriter json, MachineConfig config, string bus, int? slot)
    {
        if (slot is not { } port)
            return;
        bool isIde = ControllerOf(config, bus) == "ide";
        json.WriteString("bus", isIde ? string.Create(CultureInfo.InvariantCulture, $"ide.{port / IdeDrives}") : string.Create(CultureInfo.InvariantCulture, $"{(IsPcie(config) ? "ide" : Sata)}.{port}"));
        json.WriteNumber("unit", isIde ? port % IdeDrives : 0);
    }

    /// <summary>Gives a port of its controller to every disk and CD drive that has none: the disks in their order, then the CD drive of cloud-init.</summary>
    private static MachineConfig AssignPorts(MachineConfig config)
    {
        if (!config.EffectivePlatform.IsPc)
            return config;
        // One that was made before its CD was among its disks has that in the first place.
        bool hasOther = config.Boot is { Kind: BootKinds.Iso, Path: not null };
        var free = new Dictionary<string, Queue<int>>(StringComparer.Ordinal);
        foreach (string controller in config.Disks.Where(IsOnController).Select(disk => disk.Bus).Append("ide").Select(bus => ControllerOf(config, bus)).Distinct())
        {
            var taken = config.Disks.Where(disk => IsOnController(disk) && ControllerOf(config, disk.Bus) == controller).Select(disk => disk.Slot)
                .Append(HasSeedDrive(config) && ControllerOf(config, "ide") == controller ? config.CloudInit!.Slot : null)
                .Append(hasOther && ControllerOf(config, "ide") == controller ? 0 : null).OfType<int>().ToHashSet();
            free[controller] = new Queue<int>(Enumerable.Range(0, controller == "ide" ? IdeChannels * IdeDrives : SataPorts).Where(port => !taken.Contains(port)));
        }

        return config with
        {
            Disks = [.. config.Disks.Select(disk => IsOnController(disk) && disk.Slot is null && free[ControllerOf(config, disk.Bus)].TryDequeue(out int port) ? disk with { Slot = port } : disk)],
            CloudInit = HasSeedDrive(config) && config.CloudInit is { Slot: null } seed && free[ControllerOf(config, "ide")].TryDequeue(out int last) ? seed with { Slot = last } : config.CloudInit,
        };
    }

    private static bool IsOnController(DiskConfig disk) => disk.Bus is "ide" or "sata";

    private static bool HasSeedDrive(MachineConfig config) => config.CloudInit is { Delivery: CloudInitConfig.Cd } && config.EffectivePlatform.IsPc;

    private static string ControllerOf(MachineConfig config, string bus) => IsPcie(config) ? "sata" : bus;

    private static string Room(MachineConfig config, string bus) => IsPcie(config) ? $"a q35 machine has {SataPorts} ports for 'ide' and 'sata' together" : bus == "ide" ? $"a PC has {IdeChannels * IdeDrives}" : $"a PC has {SataPorts}";

    /// <summary>Whether a PC's bus has no room for all devices. A q35 machine has room for more than its root ports, where nothing can be plugged.</summary>
    private static bool IsBusFull(MachineConfig config) =>
        !IsPcie(config) && config.EffectivePlatform.Bus != QemuBus.Ccw && (config.Disks.Any(disk => NeedsSlot(disk) && disk.Slot is null) || config.Networks.Any(network => network.Slot is null) || config.HostDevices.Any(device => device.Slot is null) || config.CloudInit is { Delivery: CloudInitConfig.Disk, Slot: null });

    /// <summary>Writes the place of a disk or network device.</summary>
    public static void Write(Utf8JsonWriter json, MachineConfig config, int? slot)
    {
        bool isPcie = IsPcie(config);
        if (config.EffectivePlatform.Bus == QemuBus.Ccw)
            return;
        if (isPcie && slot is { } port)
        {
            json.WriteString("bus", string.Create(CultureInfo.InvariantCulture, $"hv-port{port}"));
        }
        else if (!isPcie)
        {
            json.WriteString("bus", config.EffectivePlatform.PciBus);
            if (slot is { } number)
                json.WriteString("addr", string.Create(CultureInfo.InvariantCulture, $"0x{number:x}"));
        }
    }

    /// <summary>Writes the place of a device that every machine may have once.</summary>
    public static void Write(Utf8JsonWriter json, MachineConfig config, string device)
    {
        // A PC's own chipset has the other functions of that slot: all others are for disks and networks.
        if (device == MachineArguments.UsbController && !IsPcie(config))
        {
            json.WriteString("bus", config.EffectivePlatform.PciBus);
            json.WriteString("addr", "0x1.0x2");
            return;
        }

        int port = device switch { "hv-ports" => 0, "hv-rng-device" => 1, "hv-balloon" => 2, "hv-scsi" => 3, _ => -1 };
        if (IsPcie(config))
            Write(json, config, port >= 0 ? port : null);
        else
            Write(json, config, device switch { "hv-vga" => 2, Sata => 7, _ => port + 3 });
    }
}
