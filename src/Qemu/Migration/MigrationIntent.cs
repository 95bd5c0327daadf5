namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>What recovery must know of a move, in the journal of the source.</summary>
internal sealed record MigrationIntent
{
    /// <summary>The move.</summary>
    public required Guid Migration { get; init; }

    /// <summary>The backend that it goes to.</summary>
    public required string Target { get; init; }

    /// <summary>Whether the guest ran when it began.</summary>
    public required bool WasRunning { get; init; }
}
