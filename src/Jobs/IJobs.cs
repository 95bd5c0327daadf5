namespace Hypervisor.Sdk.Jobs;

/// <summary>Makes jobs, looks at them, cancels them.</summary>
public interface IJobs
{
    /// <summary>Makes a job; when this returns it is durable.</summary>
    /// <exception cref="ArgumentException">No handler takes such arguments here, they are too long, or an option is out of its range.</exception>
    /// <exception cref="HypervisorException"><see cref="ErrorCode.AlreadyExists"/>: the unique key is taken.</exception>
    Task<JobHandle> EnqueueAsync<TArgs>(TArgs args, JobOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>Makes a job for each of <paramref name="args"/>, all or none, in one transaction; at most 10,000. What waits for all of them names their ids in <see cref="JobOptions.After"/>.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="options">For each of them; without a unique key.</param>
    /// <param name="cancellationToken">Ends the wait, not what was sent.</param>
    Task<IReadOnlyList<JobHandle>> EnqueueAllAsync<TArgs>(IReadOnlyList<TArgs> args, JobOptions? options = null, CancellationToken cancellationToken = default);

    /// <summary>A job, or null where there is none.</summary>
    Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Jobs, newest first, read by the page while you go through them.</summary>
    IAsyncEnumerable<JobInfo> ListAsync(JobQuery? query = null, CancellationToken cancellationToken = default);

    /// <summary>Why a job is PENDING; null where it is not, or is not there.</summary>
    Task<PendingReason?> GetPendingReasonAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>The log of a job, oldest line first. At most 10,000 lines are kept, the newest ones.</summary>
    /// <param name="id">Which job.</param>
    /// <param name="after">Only lines with a larger number.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    IAsyncEnumerable<JobLogLine> ListLogAsync(JobId id, long after = 0, CancellationToken cancellationToken = default);

    /// <summary>The attempts at a job, in order.</summary>
    Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Asks to cancel a job: one that is PENDING ends at once, one that runs when its handler obeys, or is abandoned when it does not in time. Its children too. False where it has ended or is not there.</summary>
    Task<bool> CancelAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Runs a FAILED job again, its steps kept, its attempts counted anew. False where it is not FAILED.</summary>
    Task<bool> RetryAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Removes a job that has ended, with its attempts and steps. False where it has not ended or is not there.</summary>
    Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Makes a job recur, durably: of all workers over the store one makes it each time. Its next time is counted from now, and stays as it is where the schedule of that name has the same expression and zone.</summary>
    /// <param name="schedule">When, and under which name.</param>
    /// <param name="args">The arguments of each job.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="ArgumentException">The zone is unknown, no handler takes such arguments here, or a value is out of its range.</exception>
    /// <exception cref="FormatException">The expression is none.</exception>
    Task ScheduleAsync<TArgs>(JobSchedule schedule, TArgs args, CancellationToken cancellationToken = default);

    /// <summary>Ends a schedule; jobs that it made stay. False where there is none of that name.</summary>
    Task<bool> UnscheduleAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>The schedules, by name, with their next times.</summary>
    Task<IReadOnlyList<JobSchedule>> ListSchedulesAsync(CancellationToken cancellationToken = default);

    /// <summary>Hands out no more jobs of a type in any process, until it is resumed. What runs goes on.</summary>
    /// <param name="type">The type; null for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task PauseAsync(string? type = null, CancellationToken cancellationToken = default);

    /// <summary>Ends a pause of just this scope: what is paused for all is resumed for all.</summary>
    /// <param name="type">The type; null for what was paused for all.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    Task ResumeAsync(string? type = null, CancellationToken cancellationToken = default);

    /// <summary>The types that are paused; an empty name where all are.</summary>
    Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken = default);

    /// <summary>Pauses, and waits until no job of the type runs in any process.</summary>
    /// <param name="type">The type; null for all.</param>
    /// <param name="cancellationToken">Ends the wait; the pause stays.</param>
    Task DrainAsync(string? type = null, CancellationToken cancellationToken = default);

    /// <summary>The lanes that are held now, by key, with who holds them. Why a job waits for one is said by <see cref="GetPendingReasonAsync"/>.</summary>
    Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken = default);

    /// <summary>Waits until a job has ended.</summary>
    /// <exception cref="HypervisorException"><see cref="ErrorCode.NotFound"/>: there is no such job.</exception>
    Task<JobInfo> WaitAsync(JobId id, CancellationToken cancellationToken = default);

    /// <summary>Waits until a job has ended, and returns its result.</summary>
    /// <typeparam name="TResult">What the handler of its type returns.</typeparam>
    /// <exception cref="JobFailedException">It ended FAILED or CANCELLED.</exception>
    /// <exception cref="HypervisorException"><see cref="ErrorCode.NotFound"/>: there is no such job.</exception>
    /// <exception cref="ArgumentException">No handler of its type is registered here, or it returns something else.</exception>
    Task<TResult> WaitAsync<TResult>(JobId id, CancellationToken cancellationToken = default);

    /// <summary>The place of the latest change: what <see cref="WatchAsync"/> is given to begin with what comes next.</summary>
    Task<long> GetPositionAsync(CancellationToken cancellationToken = default);

    /// <summary>
    /// The changes of all jobs (made, taken, progress, log, ended), without end and in order: each time the job as it is then. Who comes late sees the last state of every job once, and not
    /// what it was between. A job that was removed is not told about. There is no queue: who reads slowly sees fewer states in between, and never misses the last one.
    /// </summary>
    /// <param name="after">Begins after this place: 0 begins with every job that is there; <see cref="JobInfo.Position"/> of the last job seen goes on there, in another process too.</param>
    /// <param name="cancellationToken">Ends it.</param>
    IAsyncEnumerable<JobInfo> WatchAsync(long after = 0, CancellationToken cancellationToken = default);
}
