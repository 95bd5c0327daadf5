using System.Text.Json.Serialization;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>A step of a plan with all that is needed to do it, and to finish or undo it after a crash. Each step writes the configuration once.</summary>
internal sealed record ChangeStep
{
    public required StepKind Kind { get; init; }

    public required string Property { get; init; }

    public string? From { get; init; }

    public string? To { get; init; }

    [JsonIgnore]
    public ChangeEffects Effects { get; init; }

    [JsonIgnore]
    public string? Impossible { get; init; }

    /// <summary>Whether a running QEMU takes part: it is given a device, or has one that it must give up.</summary>
    public bool ByQemu { get; init; }

    /// <summary>The disk: as it will be when it is added, as it is otherwise.</summary>
    public DiskConfig? Disk { get; init; }

    /// <summary>The image that an added disk is a copy of.</summary>
    public string? CopyOf { get; init; }

    /// <summary>The size that a disk is to have.</summary>
    public long SizeBytes { get; init; }

    public NetworkConfig? Network { get; init; }

    /// <summary>The processor that is plugged in or taken out.</summary>
    public PluggedCpu? Cpu { get; init; }

    /// <summary>The memory that is plugged in or taken out.</summary>
    public DimmConfig? Dimm { get; init; }

    /// <summary>How much of its memory the guest is asked to make do with; null for all of it.</summary>
    public long? TargetBytes { get; init; }

    /// <summary>What is set, of <see cref="StepKind.Set"/>.</summary>
    [JsonIgnore]
    public Func<MachineConfig, MachineConfig>? Setting { get; init; }

    /// <summary>Whether it waits for the next start.</summary>
    [JsonIgnore]
    public bool IsPending => Effects.HasFlag(ChangeEffects.AtNextStart);

    /// <summary>The step as callers see it.</summary>
    public PlannedStep ToPlanned() => new() { Property = Property, From = From, To = To, Effects = Effects, Impossible = Impossible };

    /// <summary>The configuration after the step.</summary>
    public MachineConfig ApplyTo(MachineConfig config) => Kind switch
    {
        StepKind.Set => Setting!(config),
        StepKind.Rename => config with { Name = To! },
        // What it is plugged into comes along.
        StepKind.AddDisk => config with { Disks = [.. config.Disks, Disk!], Machine = Disk!.Bus == "usb" && !config.Machine.Usb ? config.Machine with { Usb = true } : config.Machine },
        StepKind.ResizeDisk => config with { Disks = [.. config.Disks.Select(disk => disk.Id == Disk!.Id ? disk with { SizeBytes = SizeBytes } : disk)] },
        StepKind.LimitDisk => config with { Disks = [.. config.Disks.Select(disk => disk.Id == Disk!.Id ? disk with { Limits = Disk.Limits } : disk)] },
        StepKind.ChangeMedium => config with { Disks = [.. config.Disks.Select(disk => disk.Id == Disk!.Id ? disk with { ExternalPath = Disk.ExternalPath, SizeBytes = Disk.SizeBytes } : disk)] },
        StepKind.RemoveDisk => config with { Disks = [.. config.Disks.Where(disk => disk.Id != Disk!.Id)] },
        StepKind.AddNetwork => config with { Networks = [.. config.Networks, Network!] },
        StepKind.RemoveNetwork => config with { Networks = [.. config.Networks.Where(network => network.Id != Network!.Id)] },
        StepKind.PlugCpu => config with { Cpus = config.Cpus + 1, PluggedCpus = [.. config.PluggedCpus, Cpu!] },
        StepKind.UnplugCpu => config with { Cpus = config.Cpus - 1, PluggedCpus = [.. config.PluggedCpus.Where(cpu => cpu.Id != Cpu!.Id)] },
        StepKind.PlugMemory => config with { MemoryBytes = config.MemoryBytes + Dimm!.SizeBytes, Dimms = [.. config.Dimms, Dimm] },
        StepKind.UnplugMemory => config with { MemoryBytes = config.MemoryBytes - Dimm!.SizeBytes, Dimms = [.. config.Dimms.Where(dimm => dimm.Id != Dimm.Id)] },
        StepKind.RemoveSeed => config with { CloudInit = null },
        StepKind.Balloon => config with { MemoryTargetBytes = TargetBytes },
        _ => throw new ArgumentOutOfRangeException(nameof(config), Kind, null),
    };

    public override string ToString() => $"{Property}{(From is null ? "" : $" from {From}")}{(To is null ? "" : $" to {To}")}";
}
