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

    /// <summary>When.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>When the job is due again, for <see cref="AttemptEnd.Retried"/> and <see cref="AttemptEnd.Returned"/>.</summary>
    public DateTimeOffset DueAt { get; init; }

    /// <summary>Why it failed.</summary>
    public string? Reason { get; init; }

    /// <summary>The result as JSON.</summary>
    public string? Result { get; init; }
}
