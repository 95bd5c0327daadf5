namespace Hypervisor.Sdk.Jobs;

/// <summary>Makes jobs, looks at them, cancels them.</summary>
public interface IJobs
{
    /// <summary>Makes a job; when this returns it is durable.</summary>
    /// <exception cref="ArgumentException">No handler takes such arguments here, they are too long, or an option is out of its range.</exception>
    /// <exception cref="HypervisorException"><see cref="ErrorCode.AlreadyExists"/>: the unique key is taken.</exception>
    Task<JobHandle> EnqueueAsync<TArgs>(TArgs args, JobOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>A job, or null where there is none.</summary>
    Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Jobs, newest first; with <paramref name="state"/> those only: FAILED ones are the dead letters.</summary>
    /// <param name="state">The state; null for all.</param>
    /// <param name="limit">At most so many, 1 to 1,000.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task<IReadOnlyList<JobInfo>> ListAsync(JobState? state = null, int limit = 100, CancellationToken cancellationToken = default);

    /// <summary>The attempts at a job, in order.</summary>
    Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Asks to cancel a job: one that is PENDING ends at once, one that runs when its handler obeys. False where it has ended or is not there.</summary>
    Task<bool> CancelAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Runs a FAILED job again, its steps kept, its attempts counted anew. False where it is not FAILED.</summary>
    Task<bool> RetryAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Removes a job that has ended, with its attempts and steps. False where it has not ended or is not there.</summary>
    Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Waits until a job has ended.</summary>
    /// <exception cref="HypervisorException"><see cref="ErrorCode.NotFound"/>: there is no such job.</exception>
    Task<JobInfo> WaitAsync(JobId id, CancellationToken cancellationToken = default);
}
