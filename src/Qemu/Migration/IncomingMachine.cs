namespace Hypervisor.Sdk.Qemu.Migration;

/// <summary>What a machine's configuration says at the target of a move, until the move is decided. A machine that has it is not there for callers, and its guest is never let run.</summary>
internal sealed record IncomingMachine
{
    /// <summary>The move, in the words of the source's journal.</summary>
    public required Guid Migration { get; init; }

    /// <summary>The state directory of the source, where the decision is written down.</summary>
    public required string SourceState { get; init; }

    /// <summary>Whether the guest is let go when it has come.</summary>
    public required bool RunAfter { get; init; }
}
