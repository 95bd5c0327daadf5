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

    /// <summary>What it says when it refuses, in its own words, by our code.</summary>
    public IReadOnlyDictionary<ErrorCode, SimulatedRefusal> Refusals { get; init; } = new Dictionary<ErrorCode, SimulatedRefusal>();

    /// <summary>In what it differs from the others, and how that is known.</summary>
    public IReadOnlyList<PersonalityQuirk> Quirks { get; init; } = [];

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

    internal CapabilityAnswer Answer(Capability capability) => Capabilities.GetValueOrDefault(capability);

    internal bool Can(Capability capability) => Answer(capability).Support != CapabilitySupport.No;

    private static Dictionary<Capability, CapabilityAnswer> All()
    {
        Capability[] can =
        [
            Capability.VirtualMachines, Capability.LiveMigration, Capability.HotplugCpu, Capability.HotplugMemory, Capability.HotplugDisk, Capability.HotplugNetwork, Capability.OnlineResizeDisk,
            Capability.Snapshots, Capability.MemorySnapshots, Capability.LinkedClones, Capability.AtomicRevision, Capability.UniqueNames, Capability.ResumableOperations, Capability.RequestLog, Capability.UefiFirmware,
            Capability.Tpm, Capability.MigrationHandover, Capability.Containers, Capability.GuestAgent, Capability.SerialConsole, Capability.GraphicsConsole, Capability.NetworkMetrics,
        ];
        var answers = can.ToDictionary(capability => capability, _ => CapabilityAnswer.Yes);
        answers[Capability.HardwareAcceleration] = CapabilityAnswer.No("Nothing is run here: it is a simulation.");
        return answers;
    }
}
