using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>What the planner asks of the world: it looks at nothing itself.</summary>
internal sealed class PlanFacts
{
    /// <summary>A disk that a request describes, checked: the spec, the id that it has when none was asked for, the field for messages.</summary>
    public required Func<DiskSpec, string, string, DiskConfig> ReadDisk { get; init; }

    /// <summary>The image that a request puts in a CD drive, checked: its name, the field for messages; where it is and its size.</summary>
    public required Func<string?, string, (string? Path, long SizeBytes)> FindCd { get; init; }

    /// <summary>A network device that a request describes, checked.</summary>
    public required Func<NetworkSpec, string, string, NetworkConfig> ReadNetwork { get; init; }

    /// <summary>A name that is acceptable, as text.</summary>
    public required Func<InstanceName, string> ReadName { get; init; }

    /// <summary>Whether another machine has a name.</summary>
    public required Func<string, bool> IsNameTaken { get; init; }

    /// <summary>The names of the snapshots that have what cloud-init was given.</summary>
    public required Func<IReadOnlyList<string>> SnapshotsWithSeed { get; init; }

    /// <summary>Whether a backup or an export reads the disks.</summary>
    public required Func<bool> AreDisksRead { get; init; }

    /// <summary>The names of the snapshots that need a file of the machine's own.</summary>
    public required Func<string, IReadOnlyList<string>> SnapshotsHolding { get; init; }
}
