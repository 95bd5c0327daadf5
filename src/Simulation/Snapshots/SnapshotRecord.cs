using Hypervisor.Sdk.Simulation.Guests;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Snapshots;

/// <summary>A kept state. What it holds of the disks takes space of their pools.</summary>
internal sealed class SnapshotRecord
{
    public required string Name { get; init; }

    public string? Parent { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    public bool IncludesMemory { get; init; }

    /// <summary>The state that it was in.</summary>
    public required PowerState State { get; init; }

    public string? Description { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    public required InstanceConfig Config { get; init; }

    /// <summary>What was on the disks, as far as the guest has files.</summary>
    public GuestNode? Files { get; init; }

    /// <summary>How large the disks were, in the order of <see cref="Config"/>.</summary>
    public required IReadOnlyList<long> DiskBytes { get; init; }

    /// <summary>What it takes of which pool.</summary>
    public required IReadOnlyList<(SimPool Pool, long Bytes)> Taken { get; init; }
}
