namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>What recovery must know of a move, in the journal of the source.</summary>
internal sealed record MigrationIntent
{
    /// <summary>The move.</summary>
    public required Guid Migration { get; init; }

    /// <summary>The backend that it goes to.</summary>
    public required string Target { get; init; }

    /// <summary>The state directory of the target, where it is seen whether it has taken the machine; null when it is another process's, which is asked, or in a journal of before there was this, when the decision alone was the end.</summary>
    public string? TargetState { get; init; }

    /// <summary>Which state directory is the target's, where it is asked (<see cref="State.StateDirectory.Identity"/>).</summary>
    public string? TargetIdentity { get; init; }

    /// <summary>Whether the guest may go on at the target before all of its memory has come.</summary>
    public bool PostCopy { get; init; }

    /// <summary>Whether the guest ran when it began.</summary>
    public required bool WasRunning { get; init; }
}
