namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>What a backend can do, and why not: the same words in an answer and in a refusal.</summary>
internal static class LxdCapabilities
{
    public const string CloudInitStays = "The servers take a container whose cloud-init data changed for a new one, which is set up anew at its next start: what was given stays.";
    public const string NoRename = "A container's id is its name here: this driver does not rename.";
    public const string NoMemorySnapshots = "The servers keep the memory of a container by CRIU only, which keeps few programs: this driver does not.";
    public const string NoLinkedClones = "Whether a copy shares what is unchanged is decided by the storage pool, not by who asks for the copy.";
    public const string NoDisks = "A container has no disks but directories and volumes that are mounted: mount it (InstanceChange.AddMounts), which says where.";
    public const string NoHandover = "Containers do not move between nodes while they run here, so there is nobody to hand a volume over to.";
    public const string NotInSpec = "This driver does not make containers with it yet; profiles and the typed client of the server can.";
    public const string NotInChange = "This driver does not change it of containers yet; the typed client of the server can.";

    private static readonly Capability[] s_can =
    [
        Capability.Containers, Capability.UniqueNames, Capability.RequestLog, Capability.AtomicRevision, Capability.HotplugCpu, Capability.HotplugMemory,
        Capability.CloudInit, Capability.Snapshots, Capability.NetworkMetrics, Capability.HotplugNetwork, Capability.SerialConsole,

        // There is no machine between a container's programs and the processor.
        Capability.HardwareAcceleration,
    ];

    public static CapabilityAnswer Answer(Capability capability) => s_can.Contains(capability) ? CapabilityAnswer.Yes : CapabilityAnswer.No(WhyNot(capability));

    private static string WhyNot(Capability capability)
    {
        if (capability == Capability.MemorySnapshots)
            return NoMemorySnapshots;
        if (capability == Capability.LinkedClones)
            return NoLinkedClones;
        if (capability == Capability.MigrationHandover)
            return NoHandover;
        if (capability == Capability.VirtualMachines)
            return "This driver runs no virtual machines over LXD and Incus yet, only containers.";
        if (capability == Capability.ResumableOperations)
            return "What this driver does is several operations of the server: look the request up instead. A single operation is followed and resumed by LxdClient.Follow.";
        if (capability == Capability.UefiFirmware || capability == Capability.Tpm || capability == Capability.GraphicsConsole || capability == Capability.ChangeMedia || capability == Capability.GuestAgent)
            return "A container is no machine: it has neither firmware, TPM, screen, drives nor an agent.";
        if (capability == Capability.HotplugDisk)
            return NoDisks;
        if (capability == Capability.OnlineResizeDisk || capability == Capability.LimitDisks)
            return NotInChange;
        return $"This driver does not do '{capability}' over LXD and Incus yet.";
    }
}
