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

    private DiskConfig Require(InstanceChange change, DeviceId id, string field) => change.RemoveDevices.Contains(id)
        ? throw SpecProblem.Invalid(field, "the same change removes it")
        : _config.Disks.FirstOrDefault(known => known.Id == id.ToString()) ?? throw UnknownDevice(id.ToString(), field);
}
