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
            new PersonalityQuirk { Behaviour = "Running domains move to another host, directly and tunnelled, within some seconds.", Source = "Observed with libvirt 9.0: two daemons, 2.3 s to 2.6 s." },
            new PersonalityQuirk { Behaviour = "Domains are saved to disk and go on from there (managed save).", Source = "Observed with libvirt 9.0: a managed save, and a start from it." },
            new PersonalityQuirk { Behaviour = "Disks are copied along when the target's file is there already.", Source = "Observed with libvirt 9.0: 2.6 s with all storage copied." },
            new PersonalityQuirk { Behaviour = "A domain that is not there is the error 42.", Source = "Observed with libvirt 9.0: its test driver answered so to a look-up by a name that there is not; the words are assumed." },
            new PersonalityQuirk { Behaviour = "What the state of a domain does not allow is the error 55.", Source = "Assumed for libvirt 9.0: the number stands for it in the protocol; no refusal was kept." },
            new PersonalityQuirk { Behaviour = "A change of a domain that another one has waits.", Source = "Assumed for libvirt 9.0: nothing was tried." },
            new PersonalityQuirk { Behaviour = "Names are of letters, digits and some signs, case matters, and they have at most 255 characters.", Source = "Assumed for libvirt 9.0: its test driver was only seen to accept a name of other letters, which the simulation refuses." },
            new PersonalityQuirk { Behaviour = "Calls are answered when the work is done; the server keeps no task.", Source = "Observed with libvirt 9.0: the procedures that a daemon answered returned no task; that none of the others does is assumed." },
        ],
    };
}
