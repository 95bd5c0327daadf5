namespace Hypervisor.Sdk.Jobs;

/// <summary>A job as it was when it was read. Arguments and result are not in it: they may hold what not everybody who sees a list may see.</summary>
public sealed class JobInfo
{
    /// <summary>Which job.</summary>
    public required JobId Id { get; init; }

    /// <summary>The name of its type.</summary>
    public required string Type { get; init; }

    /// <summary>The version of its arguments, as its type counts them.</summary>
    public int ArgsVersion { get; init; } = 1;

    /// <summary>Where it is.</summary>
    public required JobState State { get; init; }

    /// <summary>Its priority.</summary>
    public int Priority { get; init; }

    /// <summary>The attempts so far, the one that runs included.</summary>
    public int Attempts { get; init; }

    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }

    /// <summary>Not to be taken before this moment.</summary>
    public DateTimeOffset DueAt { get; init; }

    /// <summary>When it is FAILED unless it has ended; null where it has no deadline.</summary>
    public DateTimeOffset? DeadlineAt { get; init; }

    /// <summary>The job that made it, for a child.</summary>
    public JobId? Parent { get; init; }

    /// <summary>When it ended; null while it has not.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Who runs it; null while nobody does.</summary>
    public string? Worker { get; init; }

    /// <summary>True while, and after, its steps are undone because it failed or was cancelled.</summary>
    public bool IsCompensating { get; init; }

    /// <summary>True when somebody asked to cancel it.</summary>
    public bool IsCancelRequested { get; init; }

    /// <summary>Why the last attempt failed; null where none did.</summary>
    public string? Error { get; init; }

    /// <summary>What the handler said last about how far it is.</summary>
    public string? Progress { get; init; }

    /// <summary>How far it is, 0 to 1, where the handler said so.</summary>
    public double? ProgressFraction { get; init; }

    /// <summary>The place of its last change in the stream of all changes; see <see cref="IJobs.WatchAsync"/>.</summary>
    public long Position { get; init; }

    /// <summary>True when it will not change by itself.</summary>
    public bool HasEnded => State is JobState.Completed or JobState.Failed or JobState.Cancelled;
}
