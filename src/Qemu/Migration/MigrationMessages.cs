using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>What a target must know to say what stands in the way there.</summary>
internal sealed record MigrationQuestion
{
    /// <summary>The machine as it would be there.</summary>
    public required MachineConfig Config { get; init; }

    /// <summary>The backend that it is to come from.</summary>
    public required string Source { get; init; }

    /// <summary>The version of its QEMU.</summary>
    public required string SourceVersion { get; init; }

    /// <summary>Whether the source has certificates for moves.</summary>
    public bool SourceHasTls { get; init; }

    /// <summary>The processor as <c>-cpu</c> was told it.</summary>
    public required string CpuModel { get; init; }

    /// <summary>What runs the guest; null when it does not run.</summary>
    public string? Accelerator { get; init; }

    /// <summary>The features of the guest's processor.</summary>
    public required IReadOnlyList<string> GuestFeatures { get; init; }

    /// <summary>What the images of the disks take that move along; null when none do.</summary>
    public long? DiskBytes { get; init; }
}

/// <summary>What stands in the way at a target.</summary>
internal sealed record MigrationAnswer
{
    /// <summary>Which state directory it is (<see cref="StateDirectory.Identity"/>); null where it is known by its path.</summary>
    public string? Identity { get; init; }

    /// <summary>Every obstacle.</summary>
    public required IReadOnlyList<string> Obstacles { get; init; }

    /// <summary>Every obstacle to a post-copy.</summary>
    public required IReadOnlyList<string> PostCopyObstacles { get; init; }
}

/// <summary>A machine that comes.</summary>
internal sealed record MigrationArrival
{
    /// <summary>The machine as it will be there, coming.</summary>
    public required MachineConfig Config { get; init; }

    /// <summary>Who asked for it.</summary>
    public required string Request { get; init; }
}

/// <summary>The way of a guest's memory, as its target wants it.</summary>
internal sealed record MigrationWay
{
    /// <summary>Whether both ends prove who they are, and encrypt.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>The name that the target proves to have.</summary>
    public string? HostName { get; init; }

    /// <summary>How many connections carry the memory.</summary>
    public int Channels { get; init; } = 1;
}

/// <summary>Where a target's QEMU takes disks in: an address, or a socket of its own where there is none.</summary>
internal sealed record MigrationDiskWay
{
    /// <summary>The address.</summary>
    public string? Host { get; init; }

    /// <summary>The port.</summary>
    public string? Port { get; init; }
}

/// <summary>Why a guest does not go on at its target.</summary>
/// <param name="Error">What happened.</param>
/// <param name="NeverRan">Whether it has provably not run there: its QEMU has ended then.</param>
internal sealed record MigrationFailure(HypervisorException Error, bool NeverRan);

/// <summary>The word of a source on one move. One that was not given away by then never will be; one that was can be given back, when its guest has provably not run at the target.</summary>
internal sealed record MigrationVerdict
{
    /// <summary>Whose word it is (<see cref="StateDirectory.Identity"/>).</summary>
    public required string Identity { get; init; }

    /// <summary>Which state directory it is meant for, where that is known: another one has nothing to say to it.</summary>
    public string? Target { get; init; }

    /// <summary>The move.</summary>
    public required Guid Migration { get; init; }

    /// <summary>Whether the machine was given away by it.</summary>
    public bool IsGiven { get; init; }

    /// <summary>Whether the source's QEMU is there, which may have memory that the target needs.</summary>
    public bool IsSourceUp { get; init; }
}

/// <summary>What a target has of a machine that was to come.</summary>
internal enum MigrationStanding
{
    /// <summary>It is not known, or cannot be settled now.</summary>
    Open,

    /// <summary>Nothing is there any more that waits: it was taken, or was never given.</summary>
    Settled,

    /// <summary>It was given, its QEMU has ended, and the guest never ran there: the source can have it back.</summary>
    NeverRan,
}
