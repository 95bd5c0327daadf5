namespace Hypervisor.Sdk.Jobs;

/// <summary>One attempt at a job.</summary>
public sealed class JobAttempt
{
    /// <summary>From 1.</summary>
    public required int Number { get; init; }

    /// <summary>Who made it.</summary>
    public required string Worker { get; init; }

    /// <summary>Its fencing token.</summary>
    public required long FencingToken { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended; null while it runs.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>How it ended; null while it runs.</summary>
    public AttemptEnd? End { get; init; }

    /// <summary>Why it failed; null where it did not.</summary>
    public string? Reason { get; init; }
}
