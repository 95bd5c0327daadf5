using System.Globalization;
using Hypervisor.Sdk.Simulation.Machines;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Changes;

/// <content>Disks and network devices.</content>
internal sealed partial class ChangePlanner
{
    private const string OfTemplate = "It is a template: clones depend on its disks. Change a clone.";

    private void PlanRemovals(InstanceChange change)
    {
        var seen = new HashSet<DeviceId>();
        for (int i = 0; i < change.RemoveDevices.Count; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"removeDevices[{i}]");
            var id = change.RemoveDevices[i];
            if (!seen.Add(id))
                throw _world.Invalid(field, $"'{id}' is named twice");
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
        bool destroys = disk is { IsOwn: true, Disposal: DiskDisposal.DeletedWithInstance };
        Add(new ChangeStep
        {
            Property = $"disk:{disk.Id}",
            From = Text(disk),
            Effects = (IsUp && !_world.Personality.Can(Capability.HotplugDisk) ? ChangeEffects.AtNextStart : ChangeEffects.Live) | (destroys ? ChangeEffects.DestroysData : ChangeEffects.None),
            RemovedDisk = disk,
            GivenUp = IsUp && IsPluggable(disk) ? $"disk {disk.Id}" : null,
            Setting = config => config with { Disks = [.. config.Disks.Where(other => other.Id != disk.Id)] },
            Impossible = Why(),
        });

        string? Why()
        {
            if (_instance.IsTemplate)
                return OfTemplate;
            if (_instance.Snapshots?.Holding(disk) is { Count: > 0 } snapshots)
                return $"The disk is needed by the snapshot{(snapshots.Count > 1 ? "s" : "")} {string.Join(", ", snapshots.Select(static name => $"'{name}'"))}: delete what holds it first.";
            if (_config is { BootsFromDisk: true, Disks.Count: 1 })
                return "It is the only disk, and the machine boots from disk.";
            return IsUp && !IsPluggable(disk) ? $"A disk on the bus '{disk.Bus}' cannot be taken from a running machine here: stop it first." : null;
        }
    }

    private void PlanRemoval(NetworkConfig network) => Add(new ChangeStep
    {
        Property = $"network:{network.Id}",
        From = $"{network.Network}, {network.Mac}",
        GivenUp = IsUp && _world.Personality.Can(Capability.HotplugNetwork) ? $"network device {network.Id}" : null,
        Effects = IsUp ? ChangeEffects.InterruptsNetwork | (_world.Personality.Can(Capability.HotplugNetwork) ? ChangeEffects.Live : ChangeEffects.AtNextStart) : ChangeEffects.Live,
        Setting = config => config with { Networks = [.. config.Networks.Where(other => other.Id != network.Id)] },
        Impossible = _config is { BootsFromNetwork: true, Networks.Count: 1 } ? "It is the only network device, and the machine boots from the network." : null,
    });

    private void PlanResizes(InstanceChange change)
    {
        foreach (var (id, size) in change.ResizeDisks.OrderBy(static resize => resize.Key.ToString(), StringComparer.Ordinal))
        {
            string field = $"resizeDisks[{id}]";
            if (change.RemoveDevices.Contains(id))
                throw _world.Invalid(field, "the same change removes it");
            if (_config.Disks.FirstOrDefault(known => known.Id == id) is not { } disk)
                throw UnknownDevice(id, field);
            _reader.CheckSize(size, field);
            if (size.Bytes == disk.GuestBytes && disk.IsOwn)
                continue;
            // The guest's driver of other buses looks at the size when it starts.
            bool isHeard = !IsUp || (disk.Bus is "virtio" or "scsi" && _world.Personality.Can(Capability.OnlineResizeDisk));
            Add(new ChangeStep
            {
                Property = $"disk:{id}.size",
                From = new ByteSize(disk.GuestBytes).ToString(),
                To = size.ToString(),
                Effects = isHeard ? ChangeEffects.Live : ChangeEffects.AtNextStart,
                Resized = (disk, size.Bytes),
                Setting = static config => config,
                Impossible = WhyNotResized(disk, size),
            });
        }
    }

    private string? WhyNotResized(DiskConfig disk, ByteSize size)
    {
        if (disk.Volume is null)
            return "It is not the machine's own: make it larger where it is kept.";
        if (_instance.IsTemplate)
            return OfTemplate;
        if (disk.ReadOnly)
            return "It is read-only.";
        return size.Bytes < disk.GuestBytes ? $"It is {new ByteSize(disk.GuestBytes)}; smaller would cut off data that only the guest knows." : null;
    }

    private void PlanDiskLimits(InstanceChange change)
    {
        foreach (var (id, wanted) in change.LimitDisks.OrderBy(static limit => limit.Key.ToString(), StringComparer.Ordinal))
        {
            string field = $"limitDisks[{id}]";
            var disk = Require(change, id, field);
            var limits = _reader.CheckLimits(wanted, field);
            if (disk.IsCd)
                throw _world.Invalid(field, "a CD drive has no limits");
            if (limits != disk.Limits)
                Add(new ChangeStep { Property = $"disk:{id}.limits", From = disk.Limits?.ToString(), To = limits?.ToString(), Setting = config => With(config, disk with { Limits = limits }) });
        }
    }

    private void PlanMedia(InstanceChange change)
    {
        foreach (var (id, wanted) in change.ChangeMedia.OrderBy(static medium => medium.Key.ToString(), StringComparer.Ordinal))
        {
            string field = $"changeMedia[{id}]";
            var disk = Require(change, id, field);
            if (!disk.IsCd)
                throw _world.Invalid(field, $"'{id}' is no CD drive");
            if (_world.Personality.Answer(Capability.ChangeMedia) is { Support: CapabilitySupport.No } no)
                throw _world.Unsupported(field, no.Reason!.TrimEnd('.'));
            var (image, bytes) = _reader.CheckCdImage(wanted, field);
            if (image != disk.Image)
                Add(new ChangeStep { Property = $"disk:{id}.image", From = disk.Image, To = image, Setting = config => With(config, disk with { Image = image, SizeBytes = bytes }) });
        }
    }

    private DiskConfig Require(InstanceChange change, DeviceId id, string field) => change.RemoveDevices.Contains(id)
        ? throw _world.Invalid(field, "the same change removes it")
        : _config.Disks.FirstOrDefault(known => known.Id == id) ?? throw UnknownDevice(id, field);

    private static InstanceConfig With(InstanceConfig config, DiskConfig disk) => config with { Disks = [.. config.Disks.Select(other => other.Id == disk.Id ? disk : other)] };

    private void PlanAdditions(InstanceChange change)
    {
        if (_config.Disks.Count + change.AddDisks.Count > MachineReader.MaxDisks)
            throw _world.Invalid("addDisks", string.Create(CultureInfo.InvariantCulture, $"at most {MachineReader.MaxDisks} disks; there are {_config.Disks.Count}"));
        if (_config.Networks.Count + change.AddNetworks.Count > MachineReader.MaxNetworks)
            throw _world.Invalid("addNetworks", string.Create(CultureInfo.InvariantCulture, $"at most {MachineReader.MaxNetworks} network devices; there are {_config.Networks.Count}"));
        var taken = _config.Disks.Select(static disk => disk.Id).Concat(_config.Networks.Select(static network => network.Id)).ToHashSet();
        // A device without an id does not get one that another asks for.
        var asked = change.AddDisks.Select(static disk => disk.Id).Concat(change.AddNetworks.Select(static network => network.Id)).OfType<DeviceId>().ToHashSet();
        for (int i = 0; i < change.AddDisks.Count; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"addDisks[{i}]");
            var disk = _reader.ReadDisk(change.AddDisks[i], FreeId("disk", taken, asked), _instance.Node, field);
            Claim(taken, disk.Id, field);
            PlanAddition(disk);
        }

        for (int i = 0; i < change.AddNetworks.Count; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"addNetworks[{i}]");
            var network = _reader.ReadNetwork(change.AddNetworks[i], FreeId("net", taken, asked), field);
            Claim(taken, network.Id, field);
            bool isLive = !IsUp || _world.Personality.Can(Capability.HotplugNetwork);
            Add(new ChangeStep
            {
                Property = $"network:{network.Id}",
                To = change.AddNetworks[i].Mac is null ? network.Network : $"{network.Network}, {network.Mac}",
                Effects = isLive ? ChangeEffects.Live : ChangeEffects.AtNextStart,
                AddedNetwork = network,
                Setting = config => config with { Networks = [.. config.Networks, network] },
            });
        }
    }

    private void PlanMounts(InstanceChange change)
    {
        if (change.AddMounts.Count == 0)
            return;
        if (_config.Kind == InstanceKind.VirtualMachine)
            throw _world.Unsupported("addMounts", "mounts are for containers; a machine has disks");
        if (_config.Disks.Count + change.AddMounts.Count > MachineReader.MaxDisks)
            throw _world.Invalid("addMounts", string.Create(CultureInfo.InvariantCulture, $"at most {MachineReader.MaxDisks} mounts; there are {_config.Disks.Count}"));
        var taken = _config.Disks.Select(static disk => disk.Id).Concat(_config.Networks.Select(static network => network.Id)).ToHashSet();
        for (int i = 0; i < change.AddMounts.Count; i++)
        {
            string field = string.Create(CultureInfo.InvariantCulture, $"addMounts[{i}]");
            var disk = ContainerReader.ReadMount(_reader, change.AddMounts[i], FreeId("mount", taken, []), _instance.Node, field);
            Claim(taken, disk.Id, field);
            Add(new ChangeStep { Property = $"disk:{disk.Id}", To = Text(disk), Effects = ChangeEffects.Live, AddedDisk = disk, Setting = config => config with { Disks = [.. config.Disks, disk] } });
        }
    }

    private void PlanAddition(DiskConfig disk)
    {
        bool isLive = !IsUp || IsPluggable(disk);
        Add(new ChangeStep
        {
            Property = $"disk:{disk.Id}",
            To = isLive ? Text(disk) : $"{Text(disk)} (at the next start)",
            Effects = isLive ? ChangeEffects.Live : ChangeEffects.AtNextStart,
            AddedDisk = disk,
            Setting = config => config with { Disks = [.. config.Disks, disk] },
            Impossible = _instance.IsTemplate ? OfTemplate : null,
        });
    }

    private bool IsPluggable(DiskConfig disk) => _world.Personality.Can(Capability.HotplugDisk) && disk.Bus is "virtio" or "scsi";

    private void Claim(HashSet<DeviceId> taken, DeviceId id, string field)
    {
        if (!taken.Add(id))
            throw _world.Invalid($"{field}.id", $"there is a device '{id}' already");
    }

    private static string FreeId(string prefix, HashSet<DeviceId> taken, HashSet<DeviceId> asked)
    {
        for (int number = 0; ; number++)
        {
            var id = DeviceId.Parse(string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}"));
            if (!taken.Contains(id) && !asked.Contains(id))
                return id.ToString();
        }
    }

    private static string Text(DiskConfig disk) => disk.IsCd ? $"CD drive on {disk.Bus}, {disk.Image ?? "empty"}" : $"{new ByteSize(disk.GuestBytes)} on {disk.Bus}{(disk.ReadOnly ? ", read-only" : "")}{(disk.External is { } external ? $", {external}" : "")}";

    private HypervisorException UnknownDevice(DeviceId id, string field) => new($"'{_instance.Name}' has no device '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected)
    {
        Backend = _world.Name,
        Resource = $"device {id}",
        FieldErrors = new Dictionary<string, string> { [field] = "no such device" },
    };
}
