namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>A job that a worker took.</summary>
public sealed class ClaimedJob
{
    /// <summary>Which.</summary>
    public required JobId Id { get; init; }

    /// <summary>The name of its type.</summary>
    public required string Type { get; init; }

    /// <summary>Its arguments as JSON.</summary>
    public required string Args { get; init; }

    /// <summary>The version of its arguments.</summary>
    public int ArgsVersion { get; init; } = 1;

    /// <summary>When it was due.</summary>
    public DateTimeOffset DueAt { get; init; }

    /// <summary>The span that made it.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The number of the attempt, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>Attempts that count against the limit, this one included.</summary>
    public required int CountedAttempts { get; init; }

    /// <summary>How often it is tried at most.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>Where the job ends when its steps are undone; null while it is done.</summary>
    public JobState? CompensatesTo { get; init; }

    /// <summary>When the job is FAILED unless it has ended.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }

    /// <summary>Larger than that of every attempt before.</summary>
    public required long FencingToken { get; init; }

    /// <summary>Why what it holds cannot be decrypted here and now; null where it can, or is not encrypted.</summary>
    internal Exception? Unreadable { get; init; }

    /// <summary>What earlier attempts left.</summary>
    public required IReadOnlyList<StoredStep> Steps { get; init; }
}
