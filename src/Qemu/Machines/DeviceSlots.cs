using System.Globalization;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Where devices sit on the machine's bus. Every disk and network device keeps its place, so that one that was plugged in is where the next start puts it: a snapshot's memory fits both. On a PC that is a slot of its
/// PCI bus; on a q35 machine one of the root ports, behind which devices can be plugged and unplugged.
/// </summary>
internal static class DeviceSlots
{
    /// <summary>The root ports of a q35 machine.</summary>
    public const int RootPorts = 16;

    /// <summary>What there is to say when <see cref="IsFull"/>.</summary>
    public const string Full = "the machine has no room for so many virtio disks and network devices: a PC has room for 24";

    private const int FirstPort = 4;

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
        var taken = config.Disks.Select(disk => disk.Slot).Concat(config.Networks.Select(network => network.Slot)).Append(config.CloudInit?.Slot).OfType<int>().ToHashSet();
        var free = new Queue<int>(Enumerable.Range(first, end - first + 1).Where(slot => !taken.Contains(slot)));
        return config with
        {
            Disks = [.. config.Disks.Select(disk => disk.Slot is null && NeedsSlot(disk) && free.TryDequeue(out int slot) ? disk with { Slot = slot } : disk)],
            Networks = [.. config.Networks.Select(network => network.Slot is null && free.TryDequeue(out int slot) ? network with { Slot = slot } : network)],
            CloudInit = config.CloudInit is { Delivery: CloudInitConfig.Disk, Slot: null } seed && free.TryDequeue(out int last) ? seed with { Slot = last } : config.CloudInit,
        };
    }

    /// <summary>The same for devices that move to another kind of bus.</summary>
    public static MachineConfig AssignAnew(MachineConfig config) => Assign(config with
    {
        Disks = [.. config.Disks.Select(disk => disk with { Slot = null })],
        Networks = [.. config.Networks.Select(network => network with { Slot = null })],
        CloudInit = config.CloudInit is null ? null : config.CloudInit with { Slot = null },
    });

    /// <summary>Whether a PC's bus has no room for all devices. A q35 machine has room for more than its root ports, where nothing can be plugged.</summary>
    public static bool IsFull(MachineConfig config) =>
        !IsPcie(config) && config.EffectivePlatform.Bus != QemuBus.Ccw && (config.Disks.Any(disk => NeedsSlot(disk) && disk.Slot is null) || config.Networks.Any(network => network.Slot is null) || config.CloudInit is { Delivery: CloudInitConfig.Disk, Slot: null });

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
        int port = device switch { "hv-ports" => 0, "hv-rng-device" => 1, "hv-balloon" => 2, "hv-scsi" => 3, _ => -1 };
        if (IsPcie(config))
            Write(json, config, port >= 0 ? port : null);
        else
            Write(json, config, device switch { "hv-vga" => 2, "hv-sata" => 7, _ => port + 3 });
    }
}
