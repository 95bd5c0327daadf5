using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Changes;

/// <summary>One part of a change, as it is carried out.</summary>
internal sealed class ChangeStep
{
    public required string Property { get; init; }

    public string? From { get; init; }

    public string? To { get; init; }

    public ChangeEffects Effects { get; init; } = ChangeEffects.Live;

    public string? Impossible { get; init; }

    /// <summary>What the configuration is after it; a disk that it adds has no volume yet.</summary>
    public required Func<InstanceConfig, InstanceConfig> Setting { get; init; }

    /// <summary>A disk that it adds.</summary>
    public DiskConfig? AddedDisk { get; init; }

    /// <summary>A network device that it adds.</summary>
    public NetworkConfig? AddedNetwork { get; init; }

    /// <summary>A disk that it removes.</summary>
    public DiskConfig? RemovedDisk { get; init; }

    /// <summary>A disk that it makes larger, and how large.</summary>
    public (DiskConfig Disk, long SizeBytes)? Resized { get; init; }

    /// <summary>How much memory what runs has after it; null for no other than before.</summary>
    public long? HeldBytes { get; init; }

    /// <summary>How many CPUs what runs has after it; null for no other than before.</summary>
    public int? HeldCpus { get; init; }

    /// <summary>What the guest has to give up; null for nothing.</summary>
    public string? GivenUp { get; init; }

    /// <summary>The name that it claims.</summary>
    public string? NewName { get; init; }

    public PlannedStep ToPlanned() => new() { Property = Property, From = From, To = To, Effects = Effects, Impossible = Impossible };

    public override string ToString() => $"{Property}{(From is null ? "" : $" from {From}")}{(To is null ? "" : $" to {To}")}";
}
