using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation;

/// <summary>Which backend a simulation behaves like: what it can do, how it names, numbers and locks, and what it says when it refuses. Data, and a few small rules.</summary>
public sealed partial class SimulationPersonality
{
    internal SimulationPersonality()
    {
    }

    /// <summary>Its name: <c>generic</c>, <c>qemu</c>.</summary>
    public required string Name { get; init; }

    /// <summary>What it says of its version.</summary>
    public required string ServerVersion { get; init; }

    /// <summary>What names it accepts.</summary>
    public required NamingRules Naming { get; init; }

    /// <summary>What it answers when asked for a capability; what is not here is a no.</summary>
    public required IReadOnlyDictionary<Capability, CapabilityAnswer> Capabilities { get; init; }

    /// <summary>How instances get their ids.</summary>
    public required SimulatedIds Ids { get; init; }

    /// <summary>What becomes of a change while another one of the same instance is under way.</summary>
    public required SimulatedLocking Locking { get; init; }

    /// <summary>Whether it says which addresses guests have. Default true.</summary>
    public bool ReportsAddresses { get; init; } = true;

    /// <summary>The changes that are refused at once where <see cref="Locking"/> says that they fail later, by their words. Default: none.</summary>
    public IReadOnlyList<string> RefusedWhileLocked { get; init; } = [];

    /// <summary>Whether instances are placed on nodes, and say on which they are. Default true.</summary>
    public bool HasNodes { get; init; } = true;

    /// <summary>The network that there is when the options name none. Default <c>lan</c>.</summary>
    public string DefaultNetwork { get; init; } = "lan";

    /// <summary>Whether it has storage pools of its own. Default true.</summary>
    public bool HasPools { get; init; } = true;

    /// <summary>Whether it saves running instances to disk. Default true.</summary>
    public bool SuspendsToDisk { get; init; } = true;

    /// <summary>What it says when it refuses, in its own words, by our code.</summary>
    public IReadOnlyDictionary<ErrorCode, SimulatedRefusal> Refusals { get; init; } = new Dictionary<ErrorCode, SimulatedRefusal>();

    /// <summary>In what it differs from the others, and how that is known.</summary>
    public IReadOnlyList<PersonalityQuirk> Quirks { get; init; } = [];

    /// <summary>In what pieces memory is plugged into what runs; another amount waits for the next start.</summary>
    internal long MemoryPieceBytes { get; init; } = 1;

    /// <summary>Whether a guest that runs stands still, and is said to be paused, while its memory is kept or put back.</summary>
    internal bool StandsStillForMemory { get; init; }

    /// <summary>Whether it says that an instance is stopping between its running and its being off.</summary>
    internal bool TellsStopping { get; init; }

    /// <summary>Whether what calls no network that there is has no form of a network's name, and is refused before anything is sent (<see cref="ErrorCode.InvalidArgument"/>); else it is looked for, and not found.</summary>
    internal bool NetworksHaveForms { get; init; }

    /// <summary>How long a guest may take to give up what is taken from it while it runs; null where nobody asks it.</summary>
    internal TimeSpan? UnplugPatience { get; init; }

    /// <summary>Whether several clones are made of one source at once, while it does not run; else one after the other.</summary>
    internal bool ClonesShareSource { get; init; }

    /// <summary>Roles and features that it does not have, whatever it is capable of.</summary>
    internal IReadOnlyList<Type> Without { get; init; } = [];

    /// <summary>Devices of the host can be handed to a machine.</summary>
    internal static Capability Passthrough { get; } = Capability.Parse("passthrough");

    /// <summary>Guests are asked to make do with less memory while they run.</summary>
    internal static Capability MemoryTarget { get; } = Capability.Parse("memory-target");

    /// <summary>Disks can be moved to other storage (<see cref="IDiskMoving"/>).</summary>
    internal static Capability MoveDisks { get; } = Capability.Parse("move-disks");

    /// <summary>The images of a disk can be put upon each other, merged and copied together (<see cref="IDiskLayers"/>).</summary>
    internal static Capability DiskLayers { get; } = Capability.Parse("disk-layers");

    /// <summary>Everything that there is, and no peculiarities.</summary>
    public static SimulationPersonality Generic { get; } = new()
    {
        Name = "generic",
        ServerVersion = "1.0",
        Naming = new NamingRules(),
        Ids = SimulatedIds.Counted,
        Locking = SimulatedLocking.Waits,
        Capabilities = All(),
    };

    /// <summary>What it answers when it is asked about one instance, where that depends on how the instance was made.</summary>
    internal IReadOnlyDictionary<Capability, Func<InstanceConfig, CapabilityAnswer>> OfInstance { get; init; } = new Dictionary<Capability, Func<InstanceConfig, CapabilityAnswer>>();

    internal CapabilityAnswer Answer(Capability capability) => Capabilities.GetValueOrDefault(capability);

    internal bool Can(Capability capability) => Answer(capability).Support != CapabilitySupport.No;

    /// <summary>A yes for the ones, and an answer for the others.</summary>
    private static Dictionary<Capability, CapabilityAnswer> Answers(Capability[] can, params (Capability Capability, CapabilityAnswer Answer)[] others)
    {
        var answers = can.ToDictionary(static capability => capability, static _ => CapabilityAnswer.Yes);
        answers[Capability.HardwareAcceleration] = CapabilityAnswer.No("Nothing is run here: it is a simulation.");
        foreach (var (capability, answer) in others)
            answers[capability] = answer;
        return answers;
    }

    private static Dictionary<Capability, CapabilityAnswer> All()
    {
        Capability[] can =
        [
            Capability.VirtualMachines, Capability.LiveMigration, Capability.HotplugCpu, Capability.HotplugMemory, Capability.HotplugDisk, Capability.HotplugNetwork, Capability.OnlineResizeDisk,
            Capability.Snapshots, Capability.MemorySnapshots, Capability.LinkedClones, Capability.AtomicRevision, Capability.UniqueNames, Capability.ResumableOperations, Capability.RequestLog, Capability.UefiFirmware,
            Capability.Tpm, Capability.MigrationHandover, Capability.Containers, Capability.GuestAgent, Capability.SerialConsole, Capability.GraphicsConsole, Capability.NetworkMetrics, Capability.LimitDisks, Capability.ChangeMedia, Passthrough, MoveDisks, DiskLayers,
        ];
        return Answers(can);
    }
}
