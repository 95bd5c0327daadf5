using Hypervisor.Sdk.Simulation.Storage;

namespace Hypervisor.Sdk.Simulation.Worlds;

/// <summary>A volume. Belongs to the loop.</summary>
internal sealed class SimVolume
{
    public required VolumeId Id { get; init; }

    public required SimPool Pool { get; set; }

    public required string Name { get; init; }

    public required long SizeBytes { get; set; }

    public required long WrittenBytes { get; set; }

    public required string Format { get; init; }

    public SimVolume? ClonedFrom { get; set; }

    /// <summary>Images that were put upon it, the uppermost first; what is written goes there.</summary>
    public IReadOnlyList<string> Layers { get; set; } = [];

    /// <summary>How many were put upon it ever.</summary>
    public int LayersMade { get; set; }

    public long Revision { get; set; } = 1;

    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Linked clones that need it.</summary>
    public int Clones { get; set; }

    /// <summary>The instance that has it as its disk; null for a volume that stands alone.</summary>
    public SimInstance? Owner { get; set; }

    /// <summary>What was uploaded into it; null for one that began empty.</summary>
    public VolumeContent? Content { get; set; }

    /// <summary>Who has attached it.</summary>
    public List<SimLease>? Leases { get; set; }
}
