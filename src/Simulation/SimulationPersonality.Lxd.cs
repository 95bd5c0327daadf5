namespace Hypervisor.Sdk.Simulation;

/// <content>LXD and Incus.</content>
public sealed partial class SimulationPersonality
{
    /// <summary>LXD 5.0: the name is the id, and changes with it.</summary>
    public static SimulationPersonality Lxd { get; } = new()
    {
        Name = "lxd",
        ServerVersion = "5.0.2",
        Naming = new NamingRules { AllowedCharacters = "A-Za-z0-9-", AllowedFirstCharacters = "A-Za-z", MaxLength = 63 },
        Ids = SimulatedIds.Name,
        Locking = SimulatedLocking.Refuses,
        SuspendsToDisk = false,
        DefaultNetwork = "lxdbr0",
        Capabilities = Answers(
            [
                Capability.Containers, Capability.HotplugCpu, Capability.HotplugMemory, Capability.HotplugDisk, Capability.HotplugNetwork, Capability.Snapshots, Capability.AtomicRevision, Capability.UniqueNames,
                Capability.ResumableOperations, Capability.RequestLog, Capability.UefiFirmware, Capability.Tpm, Capability.SerialConsole, Capability.GuestAgent, Capability.NetworkMetrics,
                Passthrough,
            ],
            (Capability.VirtualMachines, CapabilityAnswer.Conditional("The host must have vhost_vsock.")),
            (Capability.MemorySnapshots, CapabilityAnswer.No("The memory of a container is kept by CRIU, which does not work everywhere.")),
            (Capability.LinkedClones, CapabilityAnswer.No("Whether a copy shares its content is the pool's business.")),
            (Capability.LiveMigration, CapabilityAnswer.No("A running container is moved by CRIU, which does not work everywhere: stop it first.")),
            (Capability.MigrationHandover, CapabilityAnswer.No("A running container is not moved, so nothing is handed over.")),
            (Capability.LimitDisks, CapabilityAnswer.No("Limits of disks are not simulated for this backend.")),
            (Capability.ChangeMedia, CapabilityAnswer.No("Changing what is in a CD drive is not simulated for this backend.")),
            (Capability.OnlineResizeDisk, CapabilityAnswer.Yes)),
        Refusals = new Dictionary<ErrorCode, SimulatedRefusal>
        {
            [ErrorCode.NotFound] = new("404", "Instance not found"),
            [ErrorCode.Conflict] = new("412", "ETag does not match"),
            [ErrorCode.Locked] = new("500", "Instance is busy running a \"{0}\" operation"),
        },
        Quirks =
        [
            new PersonalityQuirk { Behaviour = "A changed configuration is told by its ETag, and a stale one is refused.", Source = "Observed with LXD 5.0.2: ETag and If-Match work." },
            new PersonalityQuirk { Behaviour = "Memory, CPUs, disks and network devices of a running container change at once.", Source = "Observed with LXD 5.0.2: each was changed while a container ran." },
            new PersonalityQuirk { Behaviour = "A running container is not moved live.", Source = "Observed with LXD 5.0.2: live moves with CRIU failed." },
            new PersonalityQuirk { Behaviour = "A clone that must share the content of its source is refused: a copy has no word for that.", Source = "Observed with LXD 5.0.2: copies were made on a pool of directories; that a copy cannot be told to share is assumed from there being no word for it." },
            new PersonalityQuirk { Behaviour = "Machines need vhost_vsock of their host.", Source = "Observed with LXD 5.0.2: machines did not start without it." },
            new PersonalityQuirk { Behaviour = "An instance that is not there is status 404.", Source = "Assumed for LXD 5.0.2: the status of HTTP for it, and the words; no answer was kept." },
            new PersonalityQuirk { Behaviour = "Names begin with a letter, are of letters, digits and hyphens, and have at most 63 characters.", Source = "Assumed for LXD 5.0.2: what a host's name may be; no refusal was kept." },
            new PersonalityQuirk { Behaviour = "A second change of a busy instance is refused at once.", Source = "Observed with LXD 5.0.2: a change of a container that was stopping was answered with 500 'Instance is busy running a \"stop\" operation', a restart ended with the same words." },
        ],
    };
}
