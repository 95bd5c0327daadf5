namespace Hypervisor.Sdk.Simulation;

/// <content>Proxmox VE.</content>
public sealed partial class SimulationPersonality
{
    /// <summary>Proxmox VE 9.2: numbers that are used again, names that several may have, tasks that are accepted to fail.</summary>
    public static SimulationPersonality Proxmox { get; } = new()
    {
        Name = "proxmox",
        ServerVersion = "9.2.11",
        Naming = new NamingRules { AllowedCharacters = "A-Za-z0-9.-", AllowedFirstCharacters = "A-Za-z0-9", MaxLength = 63 },
        Ids = SimulatedIds.LowestFree,
        Locking = SimulatedLocking.FailsLater,
        RefusedWhileLocked = ["apply"],
        ClonesShareSource = true,
        Capabilities = Answers(
            [
                Capability.VirtualMachines, Capability.LiveMigration, Capability.HotplugDisk, Capability.HotplugNetwork, Capability.OnlineResizeDisk, Capability.LimitDisks, Capability.ChangeMedia, Capability.Snapshots, Capability.MemorySnapshots, Capability.AtomicRevision,
                Capability.ResumableOperations, Capability.RequestLog, Capability.UefiFirmware, Capability.Tpm, Capability.MigrationHandover, Capability.SerialConsole, Capability.GraphicsConsole,
                Capability.NetworkMetrics, Capability.Containers, Passthrough,
            ],
            (Capability.GuestAgent, CapabilityAnswer.Conditional("An agent must run in the guest (qemu-guest-agent).")),
            (Capability.LinkedClones, CapabilityAnswer.Conditional("The source must be a template.")),
            (Capability.UniqueNames, CapabilityAnswer.No("Machines are told apart by their numbers; several may have one name.")),
            (Capability.HotplugCpu, CapabilityAnswer.Conditional("Up to the machine's maximum.")),
            (Capability.HotplugMemory, CapabilityAnswer.Conditional("Up to the machine's maximum."))),
        Refusals = new Dictionary<ErrorCode, SimulatedRefusal>
        {
            [ErrorCode.NotFound] = new("500", "Configuration file 'nodes/pve1/qemu-server/{0}.conf' does not exist"),
            [ErrorCode.AlreadyExists] = new("500", "unable to create VM {0} - VM {0} already exists on node 'pve1'"),
            [ErrorCode.Conflict] = new("500", "checksum mismatch (file change by other user?)"),
            [ErrorCode.Locked] = new("500", "VM is locked (backup)"),
            [ErrorCode.InvalidArgument] = new("400", "Parameter verification failed."),
            [ErrorCode.Unavailable] = new("500", "hostname lookup '{0}' failed"),
            [ErrorCode.Timeout] = new("500", "VM quit/powerdown failed - got timeout"),
        },
        Quirks =
        [
            new PersonalityQuirk { Behaviour = "The next free number from 100 on is offered, as a string.", Source = "Recorded with Proxmox VE 9.2: exchanges 103 and 616." },
            new PersonalityQuirk { Behaviour = "What is refused as a duplicate is the number, not the name.", Source = "Recorded with Proxmox VE 9.2: exchange 615." },
            new PersonalityQuirk { Behaviour = "Starting or deleting a locked machine is accepted, and the task fails.", Source = "Recorded with Proxmox VE 9.2: exchanges 709 to 712 and 715 to 717." },
            new PersonalityQuirk { Behaviour = "Changing the configuration of a locked machine is refused at once.", Source = "Recorded with Proxmox VE 9.2: exchange 713." },
            new PersonalityQuirk { Behaviour = "A missing machine, a duplicate, a lock and a stale revision are all status 500.", Source = "Recorded with Proxmox VE 9.2: exchanges 615, 620, 631 and 713." },
            new PersonalityQuirk { Behaviour = "Several clones of one source that does not run are made at once, while nobody changes it; one that runs is for one clone alone.", Source = "Assumed for Proxmox VE 9.2: its API takes the lock of the source's configuration as shared, and alone where the source runs (qemu-server, clone_vm); no two clones at once were recorded." },
            new PersonalityQuirk { Behaviour = "A linked clone of what is no template is refused.", Source = "Recorded with Proxmox VE 9.2: exchanges 903 and 916." },
            new PersonalityQuirk { Behaviour = "Tasks keep their identity and their end can be asked for later.", Source = "Recorded with Proxmox VE 9.2: exchanges 667 to 670." },
            new PersonalityQuirk { Behaviour = "A parameter that is not acceptable is status 400 and 'Parameter verification failed.'", Source = "Recorded with Proxmox VE 9.2: exchange 597, among others." },
            new PersonalityQuirk { Behaviour = "A node that cannot be reached is status 500 and the failed look-up of a host's name.", Source = "Recorded with Proxmox VE 9.2: exchanges 627 to 629, of a node that there is not; no node that had failed was recorded." },
            new PersonalityQuirk { Behaviour = "A guest that does not heed the power button makes the task fail with 'VM quit/powerdown failed - got timeout'.", Source = "Recorded with Proxmox VE 9.2: exchanges 849 and 850; the status 500 beside it is assumed." },
            new PersonalityQuirk { Behaviour = "Names are of letters, digits, dots and hyphens.", Source = "Recorded with Proxmox VE 9.2: exchange 597 refuses another character; the length of 63 and how a name begins are assumed." },
        ],
    };
}
