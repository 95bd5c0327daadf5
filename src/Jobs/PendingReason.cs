namespace Hypervisor.Sdk.Jobs;

/// <summary>Why a job is PENDING, at the moment of asking.</summary>
public sealed class PendingReason
{
    /// <summary>Why.</summary>
    public required PendingKind Kind { get; init; }

    /// <summary>When it is due, for <see cref="PendingKind.Delayed"/>, <see cref="PendingKind.WaitsForRetry"/> and <see cref="PendingKind.WaitsForRate"/>.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>The lane, for <see cref="PendingKind.WaitsForLane"/>.</summary>
    public LaneKey? Lane { get; init; }

    /// <summary>The job that it waits for: that has to end first, holds the lane, or is before it there.</summary>
    public JobId? Job { get; init; }

    /// <summary>The reason as a sentence.</summary>
    public override string ToString() => Kind switch
    {
        PendingKind.Delayed => $"Not before {Until:O}.",
        PendingKind.WaitsForRetry => $"Tried again at {Until:O}.",
        PendingKind.WaitsForLane => $"Waits for lane '{Lane}', where job {Job} is before it.",
        PendingKind.WaitsForJob => $"Waits for job {Job}.",
        PendingKind.Paused => "Paused, until somebody resumes it.",
        PendingKind.NoHandlerHere => "Waits for a worker that knows its type and the version of its arguments; this process does not.",
        PendingKind.WaitsForRate => $"As many of its rate as may have begun; not before {Until:O}.",
        _ => "Waits for a free worker.",
    };
}
