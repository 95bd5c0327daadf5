namespace Hypervisor.Sdk.Qemu.State;

/// <summary>A snapshot: what is known of it beside what is in the images.</summary>
internal sealed record SnapshotRecord
{
    /// <summary>Its name in the images: made from the request, never from what a caller wrote.</summary>
    public required string Tag { get; init; }

    public required string Name { get; init; }

    /// <summary>The tag of the snapshot before it.</summary>
    public string? Parent { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public bool IncludesMemory { get; init; }

    /// <summary>Whether the guest's processors ran; only of one with memory.</summary>
    public bool WasRunning { get; init; }

    /// <summary>Whether the guest's file systems were at rest for it: what interrupts the work before it is done must let them go on.</summary>
    public bool Quiesced { get; init; }

    public string? Description { get; init; }

    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>What the machine was then: with memory, what its QEMU had.</summary>
    public required MachineConfig Config { get; init; }
}
