namespace Hypervisor.Sdk.Simulation;

/// <content>QEMU, as the driver of this SDK runs it.</content>
public sealed partial class SimulationPersonality
{
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
        NetworksHaveForms = true,
        UnplugPatience = TimeSpan.FromSeconds(10),
        Without = [typeof(IContainerRuntime), typeof(IPortForwards), typeof(IExec), typeof(IGuestFiles), typeof(IStorageBackend), typeof(IVolumeFlattening), typeof(ISuspendToDisk)],
        Capabilities = Answers(
            [
                Capability.VirtualMachines, Capability.Snapshots, Capability.MemorySnapshots, Capability.LinkedClones, Capability.AtomicRevision, Capability.UniqueNames, Capability.ResumableOperations,
                Capability.RequestLog, Capability.SerialConsole, Capability.CloudInit,
            ],
            (Capability.GraphicsConsole, CapabilityAnswer.Conditional("The machine must be made with a screen, which is the default.")),
            (Capability.GuestAgent, CapabilityAnswer.Conditional("The machine must be made with an agent channel, which is the default, and an agent must run in the guest (qemu-guest-agent).")),
            (Capability.NetworkMetrics, CapabilityAnswer.Conditional("Devices on a bridge or tap are counted by the host; on a user-mode network by an agent in the guest (qemu-guest-agent).")),
            (Capability.HotplugDisk, CapabilityAnswer.Conditional("Disks on virtio, of the machine's own images; others come at the next start.")),
            (Capability.HotplugNetwork, CapabilityAnswer.Conditional("User-mode networks; a bridge or tap is joined at the next start.")),
            (Capability.OnlineResizeDisk, CapabilityAnswer.Conditional("The machine's own disks, to a larger size; a guest with an IDE or SATA disk sees it at the next start.")),
            (Capability.Containers, CapabilityAnswer.No("QEMU runs virtual machines only.")),
            (Capability.UefiFirmware, CapabilityAnswer.No("UEFI firmware is not used yet; machines boot by BIOS.")),
            (Capability.Tpm, CapabilityAnswer.No("A TPM needs swtpm, which is not used yet.")),
            (Capability.HotplugCpu, CapabilityAnswer.Conditional("A machine that was started with a maximum above its CPUs (Sizing.Explicit.MaxCpus); fewer take effect at the next start.")),
            (Capability.HotplugMemory, CapabilityAnswer.Conditional("A machine that was started with a maximum above its memory (Sizing.Explicit.MaxMemory), in pieces of 128 MiB.")),
            (Capability.LiveMigration, CapabilityAnswer.Conditional("To another QEMU backend of the same application; attached disks must be reached by both, the machine's own move along when that is asked for (MigrationOptions.WithStorage).")),
            (Capability.MigrationHandover, CapabilityAnswer.No("This backend keeps no volumes of its own that could be handed over; disks of a machine that moves are opened by QEMU itself when the guest goes on."))),
        Quirks =
        [
            new PersonalityQuirk { Behaviour = "A machine is stopping between its running and its being off.", Source = "Our driver: QEMU says that it shuts down before its process ends.", Provisional = false },
            new PersonalityQuirk { Behaviour = "A network that has none of the forms of the driver's names is refused before anything is sent.", Source = "Our driver: user, user-restricted, bridge:NAME, tap:NAME.", Provisional = false },
            new PersonalityQuirk { Behaviour = "A device, or memory that was plugged in, is taken from what runs when its guest gives it up; one that does not within 10 s has it still (timeout).", Source = "Our driver: its change planner, and DEVICE_DELETED.", Provisional = false },
            new PersonalityQuirk { Behaviour = "CPUs and memory grow in what runs up to the maximum that it was started with, memory in pieces of 128 MiB, and memory shrinks by the pieces that were plugged in; all else waits for the next start.", Source = "Our driver: its change planner.", Provisional = false },
            new PersonalityQuirk { Behaviour = "Changes of one machine wait for each other and are not accepted before.", Source = "Our driver: the machine's lock file.", Provisional = false },
        ],
    };
}
