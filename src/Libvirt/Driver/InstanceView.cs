using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Makes the model's instance of a domain.</summary>
internal static class InstanceView
{
    public static Instance Of(DomainFacts facts)
    {
        var (config, record) = (facts.Config, facts.Record);
        return new Instance
        {
            Id = facts.Id,
            Incarnation = Incarnation.Parse(facts.Domain.Uuid.ToString("D")),
            Name = config.Name,
            Kind = config.IsContainer ? InstanceKind.Container : InstanceKind.VirtualMachine,
            State = facts.State,
            StateReason = ReasonOf(facts.NativeState, facts.NativeReason, facts.State),
            Revision = config.Revision,
            HasPendingChanges = facts.Live is { } live && IsOther(config, live),
            Architecture = Architecture.TryParse(config.Architecture, null, out var architecture) ? architecture : null,
            GuestOs = record.GuestOs,
            Cpus = config.IsContainer ? ContainerLimits.CpusOf(config) : config.Cpus,
            Memory = new ByteSize(config.IsContainer ? ContainerLimits.MemoryOf(config) : config.MemoryBytes),
            Disks = [.. config.Disks.Where(disk => disk is { IsFloppy: false, IsSeed: false } && DeviceId.TryParse(disk.Target, null, out _)).Select(disk => DiskOf(disk, record))],
            Networks = [.. config.Nics.Select(nic => new NetworkDevice { Id = nic.Id, Network = nic.Network, Mac = nic.Mac })],
            Labels = record.Labels,
            Description = config.Description,
            CreatedAt = record.CreatedAt,
        };
    }

    /// <summary>Why it is in its state, where that is not what somebody asked for.</summary>
    public static string? ReasonOf(VirDomainState state, int reason, PowerState ours)
    {
        if (ours == PowerState.Crashed)
            return state == VirDomainState.Shutoff ? "What ran the guest ended by itself." : "The guest's system has crashed.";
        return state switch
        {
            VirDomainState.Paused when (VirDomainPausedReason)reason is not (VirDomainPausedReason.Unknown or VirDomainPausedReason.User) => $"libvirt has paused it: {(VirDomainPausedReason)reason}.",
            VirDomainState.Pmsuspended => "The guest has gone to sleep.",
            VirDomainState.Shutoff when (VirDomainShutoffReason)reason == VirDomainShutoffReason.Failed => "It could not be started.",
            _ => null,
        };
    }

    private static DiskDevice DiskOf(DomainDisk disk, InstanceRecord instance)
    {
        var record = instance.Disks.GetValueOrDefault(disk.Target);
        return new DiskDevice
        {
            Id = DeviceId.Parse(disk.Target),
            Volume = !disk.IsCd && VolumeId.TryParse(disk.Source, null, out var volume) ? volume : null,
            Size = record?.SizeBytes is { } size ? new ByteSize(size) : null,
            Bus = disk.Bus,
            Serial = disk.Serial,
            ReadOnly = disk.IsReadOnly,
            Disposal = record is { IsDeletedWithInstance: true } ? DiskDisposal.DeletedWithInstance : DiskDisposal.Kept,
            IsCd = disk.IsCd,
            Image = disk.IsCd ? disk.Source : null,
            Limits = disk.Limits,
        };
    }

    /// <summary>Whether the next start would bring something else, of what the model knows.</summary>
    private static bool IsOther(DomainDocument config, DomainDocument live) =>
        (config.IsContainer
            ? ContainerLimits.CpusOf(config) != ContainerLimits.CpusOf(live) || ContainerLimits.MemoryOf(config) != ContainerLimits.MemoryOf(live)
            : config.Cpus != live.Cpus || config.MaxCpus != live.MaxCpus || config.MaxMemoryBytes != live.MaxMemoryBytes)
        || !config.Disks.Select(disk => (disk.Target, disk.IsCd ? null : disk.Source)).Order().SequenceEqual(live.Disks.Select(disk => (disk.Target, disk.IsCd ? null : disk.Source)).Order())
        || !config.Nics.Select(nic => (nic.Mac.ToString(), nic.Network)).Order().SequenceEqual(live.Nics.Select(nic => (nic.Mac.ToString(), nic.Network)).Order());
}
