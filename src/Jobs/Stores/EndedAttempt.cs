namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>The end of an attempt.</summary>
public sealed class EndedAttempt
{
    /// <summary>Which job.</summary>
    public required JobId Id { get; init; }

    /// <summary>The token it ran under.</summary>
    public required long FencingToken { get; init; }

    /// <summary>How it ended.</summary>
    public required AttemptEnd End { get; init; }

    /// <summary>Where the job is then. Default: what <see cref="End"/> says; for <see cref="AttemptEnd.Abandoned"/> it is named.</summary>
    public JobState State
    {
        get => field is JobState.InProgress ? StateAfter(End) : field;
        init;
    } = JobState.InProgress;

    /// <summary>When.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>When the job is due again, where it is PENDING.</summary>
    public DateTimeOffset DueAt { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Reason { get; init; }

    /// <summary>The result as JSON.</summary>
    public string? Result { get; init; }

    private static JobState StateAfter(AttemptEnd end) => end switch
    {
        AttemptEnd.Completed => JobState.Completed,
        AttemptEnd.Cancelled => JobState.Cancelled,
        AttemptEnd.Retried or AttemptEnd.Returned => JobState.Pending,
        _ => JobState.Failed,
    };
}
