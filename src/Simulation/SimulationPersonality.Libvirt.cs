namespace Hypervisor.Sdk.Simulation;

/// <content>libvirt.</content>
public sealed partial class SimulationPersonality
{
    /// <summary>libvirt 9.0 over QEMU: domains known by UUIDs, calls that answer when they have done, no tasks.</summary>
    public static SimulationPersonality Libvirt { get; } = new()
    {
        Name = "libvirt",
        ServerVersion = "9.0.0",
        Naming = new NamingRules { AllowedCharacters = "A-Za-z0-9_.+:@ -", AllowedFirstCharacters = "A-Za-z0-9_", MaxLength = 255, CaseSensitive = true },
        Ids = SimulatedIds.Uuid,
        Locking = SimulatedLocking.Waits,
        DefaultNetwork = "default",
        Capabilities = Answers(
            [
                Capability.VirtualMachines, Capability.LiveMigration, Capability.HotplugCpu, Capability.HotplugMemory, Capability.HotplugDisk, Capability.HotplugNetwork, Capability.OnlineResizeDisk, Capability.LimitDisks, Capability.ChangeMedia, Capability.Snapshots,
                Capability.MemorySnapshots, Capability.LinkedClones, Capability.UniqueNames, Capability.RequestLog, Capability.UefiFirmware, Capability.Tpm, Capability.MigrationHandover, Capability.SerialConsole, Capability.GraphicsConsole,
                Capability.NetworkMetrics, Passthrough,
            ],
            (Capability.GuestAgent, CapabilityAnswer.Conditional("An agent must run in the guest (qemu-guest-agent).")),
            (Capability.AtomicRevision, CapabilityAnswer.No("Domains have no revision: the last one who writes wins.")),
            (Capability.ResumableOperations, CapabilityAnswer.No("There are no tasks: a call answers when it has done. Look the request up instead."))),
        Refusals = new Dictionary<ErrorCode, SimulatedRefusal>
        {
            [ErrorCode.NotFound] = new("42", "Domain not found"),
            [ErrorCode.InvalidState] = new("55", "Requested operation is not valid"),
        },
        Quirks =
        [
            new PersonalityQuirk { Behaviour = "Running domains move to another host, directly and tunnelled, within some seconds.", Source = "Seen on libvirt 9.0 in the lab: two daemons, 2.3 s to 2.6 s." },
            new PersonalityQuirk { Behaviour = "Domains are saved to disk and go on from there (managed save).", Source = "Seen on libvirt 9.0 in the lab." },
            new PersonalityQuirk { Behaviour = "Disks are copied along when the target's file is there already.", Source = "Seen on libvirt 9.0 in the lab." },
            new PersonalityQuirk { Behaviour = "Calls are answered when the work is done; the server keeps no task.", Source = "From the procedures of its protocol, version 9.0: none returns a task." },
        ],
    };
}
