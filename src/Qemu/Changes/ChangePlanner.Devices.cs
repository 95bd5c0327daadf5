using System.Globalization;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <content>Disks and network devices.</content>
internal sealed partial class ChangePlanner
{
    /// <summary>Why a disk stays as it is that somebody reads.</summary>
    public const string IsRead = "A backup or an export reads the disks of the machine: end it first.";

    private const string OfTemplate = "It is a template: clones depend on its disks. Change a clone.";

    private void PlanRemovals(InstanceChange change)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (int i = 0; i < change.RemoveDevices.Count; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"removeDevices[{i}]");
            string id = change.RemoveDevices[i].ToString();
            if (!seen.Add(id))
                throw SpecProblem.Invalid(field, $"'{DiskMaker.Echo(id)}' is named twice");
            if (_config.Disks.FirstOrDefault(disk => disk.Id == id) is { } disk)
                PlanRemoval(disk);
            else if (_config.Networks.FirstOrDefault(network => network.Id == id) is { } network)
                PlanRemoval(network);
            else
                throw UnknownDevice(id, field);
        }
    }

    private void PlanRemoval(DiskConfig disk)
    {
        bool isPlugged = _live?.Devices.Contains(disk.Id) ?? false;
        var effects = ChangeEffects.Live;
        if (disk is { File: not null, DeleteWithMachine: true })
            effects |= ChangeEffects.DestroysData;
        Add(new ChangeStep { Kind = StepKind.RemoveDisk, Property = $"disk:{disk.Id}", From = Text(disk), Effects = effects, ByQemu = isPlugged, Disk = disk, Impossible = Why() });

        string? Why()
        {
            if (_config.IsTemplate)
                return OfTemplate;
            if (disk.File is { } file && _facts.SnapshotsHolding(file) is { Count: > 0 } snapshots)
                return $"The disk is needed by the snapshot{(snapshots.Count > 1 ? "s" : "")} {string.Join(", ", snapshots.Select(name => $"'{name}'"))}: delete what holds it first.";
            if (_config.Boot.Kind == BootKinds.Disk && _config.Disks.Count == 1)
                return "It is the only disk, and the machine boots from disk.";
            if (!disk.IsCd && IsOpen(disk) && _facts.AreDisksRead())
                return IsRead;
            return isPlugged && disk.Bus != "usb" ? WhyNotUnplugged(DeviceSlots.NeedsSlot(disk), disk.Slot, disk.Bus) : null;
        }
    }

    private void PlanRemoval(NetworkConfig network)
    {
        bool isPlugged = _live?.Devices.Contains(network.Id) ?? false;
        Add(new ChangeStep
        {
            Kind = StepKind.RemoveNetwork,
            Property = $"network:{network.Id}",
            From = $"{network.Network}, {network.Mac}",
            Effects = isPlugged ? ChangeEffects.Live | ChangeEffects.InterruptsNetwork : ChangeEffects.Live,
            ByQemu = isPlugged,
            Network = network,
            Impossible = _config.Boot.Kind == BootKinds.Network && _config.Networks.Count == 1 ? "It is the only network device, and the machine boots from the network."
                : isPlugged ? WhyNotUnplugged(true, network.Slot, "virtio") : null,
        });
    }

    private string? WhyNotUnplugged(bool sitsOnBus, int? slot, string bus)
    {
        if (!sitsOnBus)
            return $"A disk on the bus '{bus}' cannot be taken from a running machine here: stop it first.";
        return DeviceSlots.IsPcie(_config) && slot is null ? "It does not sit behind a root port of this machine and cannot be taken from it while it runs: stop it first." : null;
    }

    private void PlanResizes(InstanceChange change)
    {
        foreach (var (id, size) in change.ResizeDisks.OrderBy(resize => resize.Key.ToString(), StringComparer.Ordinal))
        {
            string field = $"resizeDisks[{id}]";
            if (change.RemoveDevices.Contains(id))
                throw SpecProblem.Invalid(field, "the same change removes it");
            if (_config.Disks.FirstOrDefault(known => known.Id == id.ToString()) is not { } disk)
                throw UnknownDevice(id.ToString(), field);
            if (size.Bytes <= 0 || size.Bytes % 512 != 0 || size.Bytes > DiskMaker.MaxSizeBytes)
                throw SpecProblem.Invalid(field, string.Create(CultureInfo.InvariantCulture, $"{size.Bytes} bytes is not the size of a disk: 512 bytes to 128 TiB, a multiple of 512"));
            if (size.Bytes == disk.SizeBytes && disk.File is not null)
                continue;
            bool isOpen = IsOpen(disk);
            // The guest's driver of other buses looks at the size when it starts.
            bool isHeard = !isOpen || disk.Bus is "virtio" or "scsi";
            Add(new ChangeStep
            {
                Kind = StepKind.ResizeDisk,
                Property = $"disk:{disk.Id}.size",
                From = new ByteSize(disk.SizeBytes).ToString(),
                To = size.ToString(),
                Effects = isHeard ? ChangeEffects.Live : ChangeEffects.AtNextStart,
                ByQemu = isOpen,
                Disk = disk,
                SizeBytes = size.Bytes,
                Impossible = WhyNotResized(disk, size) ?? (isOpen && _facts.AreDisksRead() ? IsRead : null),
            });
        }
    }

    private bool IsOpen(DiskConfig disk) => _live?.Disks.ContainsKey(disk.NodeName) ?? false;

    private string? WhyNotResized(DiskConfig disk, ByteSize size)
    {
        if (disk.IsCd)
            return "It is a CD drive.";
        if (disk.File is null)
            return "It is not the machine's own: make it larger where it is kept.";
        if (_config.IsTemplate)
            return OfTemplate;
        if (disk.ReadOnly)
            return "It is read-only.";
        return size.Bytes < disk.SizeBytes ? $"It is {new ByteSize(disk.SizeBytes)}; smaller would cut off data that only the guest knows." : null;
    }

    private void PlanAdditions(InstanceChange change)
    {
        if (_config.Disks.Count + change.AddDisks.Count > SpecReader.MaxDisks)
            throw SpecProblem.Invalid("addDisks", string.Create(CultureInfo.InvariantCulture, $"at most {SpecReader.MaxDisks} disks; there are {_config.Disks.Count}"));
        if (_config.Networks.Count + change.AddNetworks.Count > SpecReader.MaxNetworks)
            throw SpecProblem.Invalid("addNetworks", string.Create(CultureInfo.InvariantCulture, $"at most {SpecReader.MaxNetworks} network devices; there are {_config.Networks.Count}"));
        var ids = _config.Disks.Select(disk => disk.Id).Concat(_config.Networks.Select(network => network.Id)).ToHashSet(StringComparer.Ordinal);
        // A device without an id does not get one that another asks for.
        var asked = change.AddDisks.Select(disk => disk.Id).Concat(change.AddNetworks.Select(network => network.Id)).OfType<DeviceId>().Select(id => id.ToString()).ToHashSet(StringComparer.Ordinal);
        for (int i = 0; i < change.AddDisks.Count; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"addDisks[{i}]");
            var disk = _facts.ReadDisk(change.AddDisks[i], FreeId("disk", ids, asked), field);
            Claim(ids, disk.Id, field);
            DiskMaker.RefuseTwice(_config.Disks, disk, field);
            PlanAddition(Place(disk, field), (change.AddDisks[i].Content as DiskContent.FromImage)?.Image);
        }

        for (int i = 0; i < change.AddNetworks.Count; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"addNetworks[{i}]");
            var network = _facts.ReadNetwork(change.AddNetworks[i], FreeId("net", ids, asked), field);
            Claim(ids, network.Id, field);
            PlanAddition(Place(network, field), change.AddNetworks[i].Mac is not null);
        }
    }

    private void PlanAddition(DiskConfig disk, string? image)
    {
        string? wait = WhyAtNextStart(disk);
        Add(new ChangeStep
        {
            Kind = StepKind.AddDisk,
            Property = $"disk:{disk.Id}",
            To = wait is null ? Text(disk) : $"{Text(disk)} ({wait})",
            Effects = wait is null ? ChangeEffects.Live : ChangeEffects.AtNextStart,
            ByQemu = IsUp && wait is null,
            Disk = disk,
            CopyOf = disk.Backing.Count == 0 ? image : null,
            Impossible = _config.IsTemplate ? OfTemplate : null,
        });
    }

    private void PlanAddition(NetworkConfig network, bool isMacAsked)
    {
        string? wait = !IsUp ? null
            : !NetworkNames.IsUser(network.Network) ? "at the next start: a running QEMU cannot be handed a tap"
            : DeviceSlots.IsPcie(_config) && network.Slot is null ? "at the next start: no root port is free" : null;
        Add(new ChangeStep
        {
            Kind = StepKind.AddNetwork,
            Property = $"network:{network.Id}",
            To = network.Network + (isMacAsked ? $", {network.Mac}" : "") + (wait is null ? "" : $" ({wait})"),
            Effects = wait is null ? ChangeEffects.Live : ChangeEffects.AtNextStart,
            ByQemu = IsUp && wait is null,
            Network = network,
        });
    }

    private string? WhyAtNextStart(DiskConfig disk)
    {
        if (!IsUp)
            return null;
        if (disk.Bus == "usb" && !_live!.Devices.Contains(MachineArguments.UsbController))
            return "at the next start: it has no USB controller now";
        if (!DeviceSlots.NeedsSlot(disk) && disk.Bus != "usb")
            return $"at the next start: the bus '{disk.Bus}' takes no disks while the machine runs";
        if (disk.Backing.Any(below => below.ExternalPath is not null))
            return "at the next start: a running QEMU has no way to the images below it";
        return DeviceSlots.NeedsSlot(disk) && DeviceSlots.IsPcie(_config) && disk.Slot is null ? "at the next start: no root port is free" : null;
    }

    private DiskConfig Place(DiskConfig disk, string field)
    {
        var placed = DeviceSlots.Assign(_config with { Disks = [.. _config.Disks, disk] });
        return DeviceSlots.WhyFull(placed) is { } full ? throw SpecProblem.Invalid(field, full.Problem) : placed.Disks[^1];
    }

    private NetworkConfig Place(NetworkConfig network, string field)
    {
        var placed = DeviceSlots.Assign(_config with { Networks = [.. _config.Networks, network] });
        return DeviceSlots.WhyFull(placed) is { } full ? throw SpecProblem.Invalid(field, full.Problem) : placed.Networks[^1];
    }

    private void Claim(HashSet<string> ids, string id, string field)
    {
        if (!ids.Add(id))
            throw SpecProblem.Invalid($"{field}.id", $"there is a device '{id}' already");
        bool isInQemu = _live is not null && (_live.Devices.Contains(id) || _live.Disks.ContainsKey(id));
        if (isInQemu && !_steps.Exists(step => step.Impossible is null && step.Kind is StepKind.RemoveDisk or StepKind.RemoveNetwork && (step.Disk?.Id ?? step.Network!.Id) == id))
            throw SpecProblem.Invalid($"{field}.id", $"QEMU still has a device '{id}' that the machine no longer has; take another id, or restart it");
    }

    private string FreeId(string prefix, HashSet<string> ids, HashSet<string> asked)
    {
        for (int number = 0; ; number++)
        {
            string id = string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}");
            if (!ids.Contains(id) && !asked.Contains(id) && !(_live?.Devices.Contains(id) ?? false) && !(_live?.Disks.ContainsKey(id) ?? false))
                return id;
        }
    }

    private static string Text(DiskConfig disk) => disk.Remote is { } remote ? $"{remote.Address} on {disk.Bus}{(disk.ReadOnly ? ", read-only" : "")}" : disk.IsCd ? $"CD drive on {disk.Bus}, {disk.ExternalPath ?? "empty"}" : $"{new ByteSize(disk.SizeBytes)} on {disk.Bus}{(disk.ReadOnly ? ", read-only" : "")}{(disk.ExternalPath is { } path ? $", {path}" : "")}";

    private static HypervisorException UnknownDevice(string id, string field) => new($"The machine has no device '{DiskMaker.Echo(id)}'.", ErrorCode.NotFound, RequestOutcome.Rejected)
    {
        Resource = $"device {DiskMaker.Echo(id)}",
        FieldErrors = new Dictionary<string, string> { [field] = "no such device" },
    };
}
