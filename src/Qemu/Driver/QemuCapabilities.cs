using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Backups;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>What the backend answers when it is asked what it can do.</summary>
[SupportedOSPlatform("linux")]
internal static class QemuCapabilities
{
    /// <summary>Guests are held to their CPUs and memory by the host.</summary>
    public static Capability ResourceLimits { get; } = Capability.Parse("resource-limits");

    /// <summary>Devices can be put on a bridge of the host.</summary>
    public static Capability BridgedNetworks { get; } = Capability.Parse("bridged-networks");

    /// <summary>Disks move to other storage, also while the machine runs.</summary>
    public static Capability MoveDisks { get; } = Capability.Parse("move-disks");

    /// <summary>The images of a disk are put upon each other, merged and copied together.</summary>
    public static Capability DiskLayers { get; } = Capability.Parse("disk-layers");

    /// <summary>Disks whose content is encrypted are opened.</summary>
    public static Capability EncryptedDisks { get; } = Capability.Parse("encrypted-disks");

    /// <summary>Other programs can read a disk while its machine runs.</summary>
    public static Capability ExportDisks { get; } = Capability.Parse("export-disks");

    /// <summary>A backup can go on from what an earlier one has read.</summary>
    public static Capability IncrementalBackups { get; } = Capability.Parse("incremental-backups");

    /// <summary>Machines are given devices of the host.</summary>
    public static Capability Passthrough { get; } = Capability.Parse("passthrough");

    /// <summary>Guests are asked to make do with less memory while they run.</summary>
    public static Capability MemoryTarget { get; } = Capability.Parse("memory-target");

    public static CapabilityAnswer Answer(QemuServices services, MachineTable machines, Capability capability, CapabilityTarget target)
    {
        if (target.Instance is { } instance && s_perMachine.TryGetValue(capability, out var ask))
            return ask(machines.Require(instance).Config);
        if (s_always.Contains(capability))
            return CapabilityAnswer.Yes;
        if (capability == Capability.HardwareAcceleration)
            return services.Host.UsesKvm ? CapabilityAnswer.Yes : CapabilityAnswer.No(services.Host.AcceleratorReason);
        if (capability == EncryptedDisks)
            return services.Options.Secrets is null ? CapabilityAnswer.No("This backend was given nobody who keeps secrets (QemuOptions.Secrets).") : CapabilityAnswer.Yes;
        if (capability == ResourceLimits)
            return services.Limits.Problem is { } problem ? CapabilityAnswer.No(problem) : CapabilityAnswer.Yes;
        if (capability == Capability.UefiFirmware)
            return NvramMaker.WhyNot(services.Options) is { } noFirmware ? CapabilityAnswer.No(noFirmware) : CapabilityAnswer.Yes;
        if (capability == Capability.Tpm)
            return TpmLauncher.WhyNot(services.Options) is { } noTpm ? CapabilityAnswer.No(noTpm) : CapabilityAnswer.Yes;
        if (capability == Passthrough)
            return services.PciDevices.WhyNone() is { } noDevice ? CapabilityAnswer.No($"{char.ToUpperInvariant(noDevice[0])}{noDevice[1..]}.") : CapabilityAnswer.Conditional("PCI devices whose whole IOMMU group is bound to vfio-pci (QemuPciDevices.Bind).");
        if (capability == BridgedNetworks)
            return TapDevice.Problem is { } problem ? CapabilityAnswer.No(problem) : CapabilityAnswer.Yes;
        if (s_onCondition.TryGetValue(capability, out var condition))
            return condition;
        return s_never.TryGetValue(capability, out string? reason) ? CapabilityAnswer.No(reason) : default;
    }

    private static readonly HashSet<Capability> s_always = [Capability.VirtualMachines, Capability.SerialConsole, Capability.Snapshots, Capability.MemorySnapshots, Capability.LinkedClones, Capability.AtomicRevision, Capability.UniqueNames, Capability.ResumableOperations, Capability.RequestLog, Capability.CloudInit, Capability.LimitDisks, Capability.ChangeMedia];

    /// <summary>What depends on how a machine was made.</summary>
    private static readonly Dictionary<Capability, Func<MachineConfig, CapabilityAnswer>> s_perMachine = new()
    {
        [IncrementalBackups] = config => BackupNodes.KeepsCheckpoints(config)
            ? CapabilityAnswer.Conditional("While it runs. What has changed is lost when QEMU is killed or the machine goes back to a snapshot.")
            : CapabilityAnswer.No("A writable disk of the machine is not qcow2, or it has none: what has changed in it cannot be kept track of."),
        [Capability.MemorySnapshots] = config => config.Disks.Any(disk => disk.Passphrase is not null)
            ? CapabilityAnswer.No("The machine has an encrypted disk: what is on it is in the memory too, and QEMU cannot write memory into an encrypted image.")
            : CapabilityAnswer.Yes,
        [Capability.GraphicsConsole] = config => config.Machine.Graphics ? CapabilityAnswer.Yes : CapabilityAnswer.No("The machine was made without a screen."),
        [Capability.GuestAgent] = config => config.Machine.AgentChannel ? CapabilityAnswer.Conditional("An agent must run in the guest (qemu-guest-agent).") : CapabilityAnswer.No("The machine was made without an agent channel."),
        [Capability.NetworkMetrics] = config => config.Networks.All(network => !NetworkNames.IsUser(network.Network)) ? CapabilityAnswer.Yes : CapabilityAnswer.Conditional("A user-mode network is counted by an agent in the guest (qemu-guest-agent)."),
    };

    private static readonly Dictionary<Capability, CapabilityAnswer> s_onCondition = new()
    {
        [IncrementalBackups] = CapabilityAnswer.Conditional("A machine that runs, all of whose writable disks are qcow2. What has changed is lost when QEMU is killed or the machine goes back to a snapshot."),
        [Capability.GraphicsConsole] = CapabilityAnswer.Conditional("The machine must be made with a screen, which is the default."),
        [Capability.HotplugCpu] = CapabilityAnswer.Conditional("A PC that was started with a maximum above its CPUs (Sizing.Explicit.MaxCpus). With KVM a CPU that was plugged in is gone once the guest has given it up; those of the start stay, and all under TCG."),
        [Capability.HotplugMemory] = CapabilityAnswer.Conditional("A PC that was started with a maximum above its memory (Sizing.Explicit.MaxMemory), in pieces of 128 MiB. What was plugged in is gone once the guest has given it up."),
        [Capability.HotplugDisk] = CapabilityAnswer.Conditional("Disks on virtio; on another bus or upon an image elsewhere they come at the next start. A disk is gone once the guest has given it up."),
        [Capability.HotplugNetwork] = CapabilityAnswer.Conditional("User-mode networks; a bridge or tap is joined at the next start. A device is gone once the guest has given it up."),
        [Capability.OnlineResizeDisk] = CapabilityAnswer.Conditional("The machine's own disks, to a larger size; a guest with an IDE or SATA disk sees it at the next start."),
        [MemoryTarget] = CapabilityAnswer.Conditional("A balloon driver must run in the guest (Linux: virtio_balloon)."),
        [MoveDisks] = CapabilityAnswer.Conditional("Disks that can be written to, to a file, a block device or a server (NBD; iSCSI and Ceph while the machine runs) of exactly their size, encrypted or not, or back to the machine's own directory. A disk that a snapshot needs stays where it is."),
        [ExportDisks] = CapabilityAnswer.Conditional("A machine that runs, one disk at a time and not beside a backup, for reading as it was at one moment; by TCP with certificates (QemuOptions.ExportTlsDirectory), at a loopback address without."),
        [DiskLayers] = CapabilityAnswer.Conditional("Disks of the machine's own. A disk that a snapshot needs stays as it is."),
        [Capability.LiveMigration] = CapabilityAnswer.Conditional("To another QEMU backend of the same application; attached disks must be reached by both, the machine's own move along when that is asked for (MigrationOptions.WithStorage)."),
        [Capability.GuestAgent] = CapabilityAnswer.Conditional("The machine must be made with an agent channel, which is the default, and an agent must run in the guest (qemu-guest-agent)."),
        [Capability.NetworkMetrics] = CapabilityAnswer.Conditional("Devices on a bridge or tap are counted by the host; on a user-mode network by an agent in the guest (qemu-guest-agent)."),
    };

    private static readonly Dictionary<Capability, string> s_never = new()
    {
        [Capability.Containers] = "QEMU runs virtual machines only.",
        [Capability.MigrationHandover] = "This backend keeps no volumes of its own that could be handed over; disks of a machine that moves are opened by QEMU itself when the guest goes on.",
    };
}
