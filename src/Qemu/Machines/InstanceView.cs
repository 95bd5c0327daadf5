using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Makes the model's instance of a configuration and a state.</summary>
[SupportedOSPlatform("linux")]
internal static class InstanceView
{
    public static Revision RevisionOf(MachineConfig config) => Revision.Parse(config.Revision.ToString(CultureInfo.InvariantCulture));

    public static Instance Of(QemuServices services, MachineConfig config, MachineStatus status) => new()
    {
        Id = InstanceId.Parse(config.Id),
        Incarnation = Incarnation.Parse(config.Uuid.ToString("D")),
        Name = config.Name,
        Kind = InstanceKind.VirtualMachine,
        State = status.State,
        StateReason = status.Reason,
        Revision = RevisionOf(config),
        HasPendingChanges = status.IsUp && status.Process is { } process && process.Lacks(config),
        IsTemplate = config.IsTemplate,
        ClonedFrom = config.ClonedFrom is { } source ? InstanceId.Parse(source) : null,
        Architecture = config.EffectivePlatform.Architecture,
        GuestOs = config.GuestOs,
        Cpus = config.Cpus,
        Memory = new ByteSize(config.MemoryBytes),
        MemoryTarget = config.MemoryTargetBytes is { } target ? new ByteSize(target) : null,
        Disks = [.. config.Disks.Select(disk => DiskOf(services, config.Id, disk))],
        Networks = [.. config.Networks.Select(network => new NetworkDevice { Id = DeviceId.Parse(network.Id), Network = network.Network, Mac = MacAddress.Parse(network.Mac) })],
        Labels = config.Labels,
        Description = config.Description,
        CreatedAt = config.CreatedAt,
        StartedAt = status.IsUp ? status.Process?.StartedAt : null,
    };

    private static DiskDevice DiskOf(QemuServices services, string id, DiskConfig disk) => new()
    {
        Id = DeviceId.Parse(disk.Id),
        Volume = disk.IsCd ? null : VolumeId.Parse(disk.ExternalPath ?? disk.Remote?.Address ?? $"{id}/{disk.File}"),
        Size = disk.SizeBytes == 0 ? null : new ByteSize(disk.SizeBytes),
        Allocated = disk.File is { } file && services.State.Root.Find(StateDirectory.Disk(id, file)) is { } facts ? new ByteSize(facts.AllocatedBytes) : null,
        Bus = disk.Bus,
        Serial = disk.Serial,
        ReadOnly = disk.ReadOnly,
        Disposal = disk.DeleteWithMachine ? DiskDisposal.DeletedWithInstance : DiskDisposal.Kept,
        IsCd = disk.IsCd,
        Image = disk.IsCd ? disk.ExternalPath : null,
        Limits = disk.Limits,
        IsEncrypted = disk.Passphrase is not null,
        Discard = disk.IsCd ? null : !disk.KeepsDiscarded,
        DetectZeroes = disk.IsCd ? null : disk.DetectZeroes,
    };
}
