using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation;

/// <content>QEMU, as the driver of this SDK runs it.</content>
public sealed partial class SimulationPersonality
{
    private static readonly Capability s_incrementalBackups = Capability.Parse("incremental-backups");

    /// <summary>The QEMU driver of this SDK: one node, no pools, ids made up, changes of one machine one after the other. Meant for a data centre of one node.</summary>
    public static SimulationPersonality Qemu { get; } = new()
    {
        Name = "qemu",
        ServerVersion = "7.2",
        Naming = new NamingRules(),
        Ids = SimulatedIds.Random,
        Locking = SimulatedLocking.Waits,
        HasNodes = false,
        HasPools = false,
        SuspendsToDisk = false,
        ReportsAddresses = false,
        DefaultNetwork = "user",
        MemoryPieceBytes = 128L << 20,
        TellsStopping = true,
        StandsStillForMemory = true,
        NetworksHaveForms = true,
        UnplugPatience = TimeSpan.FromSeconds(10),
        Without = [typeof(IContainerRuntime), typeof(IPortForwards), typeof(IExec), typeof(IStorageBackend), typeof(IVolumeFlattening), typeof(ISuspendToDisk)],
        Capabilities = Answers(
            [
                Capability.VirtualMachines, Capability.Snapshots, Capability.MemorySnapshots, Capability.LinkedClones, Capability.AtomicRevision, Capability.UniqueNames, Capability.ResumableOperations,
                Capability.RequestLog, Capability.SerialConsole, Capability.CloudInit, Capability.LimitDisks, Capability.ChangeMedia, Capability.UefiFirmware, Capability.Tpm,
            ],
            (Capability.GraphicsConsole, CapabilityAnswer.Conditional("The machine must be made with a screen, which is the default.")),
            (Capability.GuestAgent, CapabilityAnswer.Conditional("The machine must be made with an agent channel, which is the default, and an agent must run in the guest (qemu-guest-agent).")),
            (Capability.NetworkMetrics, CapabilityAnswer.Conditional("Devices on a bridge or tap are counted by the host; on a user-mode network by an agent in the guest (qemu-guest-agent).")),
            (Capability.HotplugDisk, CapabilityAnswer.Conditional("Disks on virtio; on another bus or upon an image elsewhere they come at the next start. A disk is gone once the guest has given it up.")),
            (Capability.HotplugNetwork, CapabilityAnswer.Conditional("User-mode networks; a bridge or tap is joined at the next start. A device is gone once the guest has given it up.")),
            (Capability.OnlineResizeDisk, CapabilityAnswer.Conditional("The machine's own disks, to a larger size; a guest with an IDE or SATA disk sees it at the next start.")),
            (s_incrementalBackups, CapabilityAnswer.Conditional("A machine that runs, all of whose writable disks are qcow2. What has changed is lost when QEMU is killed or the machine goes back to a snapshot.")),
            (MemoryTarget, CapabilityAnswer.Conditional("A balloon driver must run in the guest (Linux: virtio_balloon).")),
            (MoveDisks, CapabilityAnswer.Conditional("Disks that can be written to, to a file, a block device or a server (NBD; iSCSI and Ceph while the machine runs) of exactly their size, encrypted or not, or back to the machine's own directory. A disk that a snapshot needs stays where it is.")),
            (DiskLayers, CapabilityAnswer.Conditional("Disks of the machine's own. A disk that a snapshot needs stays as it is.")),
            (Capability.Containers, CapabilityAnswer.No("QEMU runs virtual machines only.")),
            (Capability.HotplugCpu, CapabilityAnswer.Conditional("A PC that was started with a maximum above its CPUs (Sizing.Explicit.MaxCpus). With KVM a CPU that was plugged in is gone once the guest has given it up; those of the start stay, and all under TCG.")),
            (Capability.HotplugMemory, CapabilityAnswer.Conditional("A PC that was started with a maximum above its memory (Sizing.Explicit.MaxMemory), in pieces of 128 MiB. What was plugged in is gone once the guest has given it up.")),
            (Capability.LiveMigration, CapabilityAnswer.Conditional("To another QEMU backend of the same application; attached disks must be reached by both, the machine's own move along when that is asked for (MigrationOptions.WithStorage).")),
            (Capability.MigrationHandover, CapabilityAnswer.No("This backend keeps no volumes of its own that could be handed over; disks of a machine that moves are opened by QEMU itself when the guest goes on."))),
        OfInstance = new Dictionary<Capability, Func<InstanceConfig, CapabilityAnswer>>
        {
            [s_incrementalBackups] = static config => config.Disks.Any(static disk => !disk.ReadOnly) && config.Disks.All(static disk => disk.ReadOnly || disk.IsOwn)
                ? CapabilityAnswer.Conditional("While it runs. What has changed is lost when QEMU is killed or the machine goes back to a snapshot.")
                : CapabilityAnswer.No("A writable disk of the machine is not qcow2, or it has none: what has changed in it cannot be kept track of."),
            [Capability.GraphicsConsole] = static _ => CapabilityAnswer.Yes,
            [Capability.GuestAgent] = static _ => CapabilityAnswer.Conditional("An agent must run in the guest (qemu-guest-agent)."),
            [Capability.NetworkMetrics] = static config => config.Networks.Any(static network => network.Network.StartsWith("user", StringComparison.Ordinal))
                ? CapabilityAnswer.Conditional("A user-mode network is counted by an agent in the guest (qemu-guest-agent).")
                : CapabilityAnswer.Yes,
        },
        Quirks =
        [
            new PersonalityQuirk { Behaviour = "A machine is stopping between its running and its being off.", Source = "Our driver: QEMU says that it shuts down before its process ends.", Provisional = false },
            new PersonalityQuirk { Behaviour = "A network that has none of the forms of the driver's names is refused before anything is sent.", Source = "Our driver: user, user-restricted, bridge:NAME, tap:NAME.", Provisional = false },
            new PersonalityQuirk { Behaviour = "A device, or memory that was plugged in, is taken from what runs when its guest gives it up; one that does not within 10 s has it still (timeout).", Source = "Our driver: its change planner, and DEVICE_DELETED.", Provisional = false },
            new PersonalityQuirk { Behaviour = "CPUs and memory grow in what runs up to the maximum that it was started with, memory in pieces of 128 MiB, and memory shrinks by the pieces that were plugged in; all else waits for the next start.", Source = "Our driver: its change planner.", Provisional = false },
            new PersonalityQuirk { Behaviour = "Changes of one machine wait for each other and are not accepted before.", Source = "Our driver: the machine's lock file.", Provisional = false },
            new PersonalityQuirk { Behaviour = "A machine that runs is paused while its memory is kept with a snapshot or put back.", Source = "Our driver: QEMU stops it for snapshot-save and snapshot-load.", Provisional = false },
            new PersonalityQuirk { Behaviour = "A machine whose QEMU was killed has crashed and takes nothing any more: it is started, cloned, reverted and deleted as one that is off; what needs a process is refused.", Source = "Our driver: no process, no machine.", Provisional = false },
        ],
    };
}
