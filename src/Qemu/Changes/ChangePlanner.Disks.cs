using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <content>What is changed of disks that stay: how fast they may be used, and what is in CD drives.</content>
internal sealed partial class ChangePlanner
{
    private void PlanLimits(InstanceChange change)
    {
        foreach (var (id, wanted) in change.LimitDisks.OrderBy(limit => limit.Key.ToString(), StringComparer.Ordinal))
        {
            string field = $"limitDisks[{id}]";
            var disk = Require(change, id, field);
            var limits = DiskMaker.CheckLimits(wanted, field);
            if (disk.IsCd)
                throw SpecProblem.Invalid(field, "a CD drive has no limits");
            if (disk.Bus == "usb")
                throw SpecProblem.Unsupported(field, "a disk on 'usb' has no limits here");
            if (limits == disk.Limits)
                continue;
            Add(new ChangeStep
            {
                Kind = StepKind.LimitDisk,
                Property = $"disk:{disk.Id}.limits",
                From = disk.Limits?.ToString(),
                To = limits?.ToString(),
                Effects = ChangeEffects.Live,
                ByQemu = _live?.Devices.Contains(disk.Id) ?? false,
                Disk = disk with { Limits = limits },
            });
        }
    }

    private void PlanMedia(InstanceChange change)
    {
        foreach (var (id, wanted) in change.ChangeMedia.OrderBy(medium => medium.Key.ToString(), StringComparer.Ordinal))
        {
            string field = $"changeMedia[{id}]";
            var disk = Require(change, id, field);
            if (!disk.IsCd)
                throw SpecProblem.Invalid(field, $"'{disk.Id}' is no CD drive");
            var (path, size) = _facts.FindCd(wanted, field);
            if (path == disk.ExternalPath)
                continue;
            Add(new ChangeStep
            {
                Kind = StepKind.ChangeMedium,
                Property = $"disk:{disk.Id}.image",
                From = disk.ExternalPath,
                To = path,
                Effects = ChangeEffects.Live,
                ByQemu = _live?.Devices.Contains(disk.Id) ?? false,
                Disk = disk with { ExternalPath = path, SizeBytes = size },
            });
        }
    }

    /// <summary>What cloud-init was given, away: a disk is unplugged, a CD taken out of its drive, which goes at the next start, as does what the firmware tells.</summary>
    private void PlanSeed(InstanceChange change)
    {
        if (!change.RemoveCloudInit || _config.CloudInit is not { } seed)
            return;
        bool isPlugged = _live?.Devices.Contains(SeedMaker.Device) ?? false;
        Add(new ChangeStep
        {
            Kind = StepKind.RemoveSeed,
            Property = "cloudInit",
            From = seed.Delivery,
            Effects = ChangeEffects.DestroysData | (IsUp && seed.Delivery == CloudInitConfig.Smbios ? ChangeEffects.AtNextStart : ChangeEffects.Live),
            ByQemu = isPlugged,
            Disk = SeedMaker.AsDisk(seed),
            Impossible = Why(),
        });

        string? Why()
        {
            if (_config.IsTemplate)
                return "It is a template: its clones are told what it was given.";
            if (_facts.SnapshotsWithSeed() is { Count: > 0 } snapshots)
                return $"The snapshot{(snapshots.Count > 1 ? "s" : "")} {string.Join(", ", snapshots.Select(name => $"'{name}'"))} would come back to it: delete what holds it first.";
            return isPlugged && seed.Delivery == CloudInitConfig.Disk ? WhyNotUnplugged(true, seed.Slot, "virtio") : null;
        }
    }

    private DiskConfig Require(InstanceChange change, DeviceId id, string field) => change.RemoveDevices.Contains(id)
        ? throw SpecProblem.Invalid(field, "the same change removes it")
        : _config.Disks.FirstOrDefault(known => known.Id == id.ToString()) ?? throw UnknownDevice(id.ToString(), field);
}
