namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>What a machine's configuration says at the target of a move, until the move is decided. A machine that has it is not there for callers, and its guest is never let run.</summary>
internal sealed record IncomingMachine
{
    /// <summary>The move, in the words of the source's journal.</summary>
    public required Guid Migration { get; init; }

    /// <summary>The state directory of the source, where the decision is written down; null when it is another process's, which is asked.</summary>
    public string? SourceState { get; init; }

    /// <summary>The backend that it comes from.</summary>
    public string? Source { get; init; }

    /// <summary>Which state directory is that one's (<see cref="State.StateDirectory.Identity"/>); null where it is known by its path.</summary>
    public string? SourceIdentity { get; init; }

    /// <summary>Whether the guest may be given here before all of its memory has come.</summary>
    public bool PostCopy { get; init; }

    /// <summary>Whether the guest is let go when it has come.</summary>
    public required bool RunAfter { get; init; }
}
