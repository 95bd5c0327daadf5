namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>
/// Where jobs are durable: the only seam through which the engine writes. Each call is one transaction; when it has returned, what it wrote survives the loss of the
/// process and of the machine. Calls with a fencing token answer false, and write nothing, where that token does not hold the job any longer.
/// </summary>
public interface IJobStore : IAsyncDisposable
{
    /// <summary>
    /// Raised, perhaps on any thread, when another process changed something. It saves the wait for the next question, and no more: a store that cannot tell never raises it.
    /// </summary>
    event Action? Changed;

    /// <summary>Makes jobs, all or none; returns their ids in order, of those that have their unique key or are that child already instead, where there are.</summary>
    Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken);

    /// <summary>
    /// Ends the attempts whose lease ran out (the job is PENDING again, or FAILED when no attempt is left), then takes jobs of the types named, in order, each with all of
    /// its lanes.
    /// </summary>
    Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken);

    /// <summary>Prolongs a lease; null where it is lost or ran out before <paramref name="now"/>, else whether somebody asked to cancel.</summary>
    Task<bool?> RenewAsync(JobId id, long fencingToken, DateTimeOffset now, DateTimeOffset until);

    /// <summary>
    /// Makes the intent of a step durable, in the place of an earlier one of its name. A job that has a step with a compensation does not end FAILED or CANCELLED, by whatever call: it becomes
    /// PENDING with its attempts counted anew, and is handed out to be compensated.
    /// </summary>
    Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now);

    /// <summary>Makes the result of a step durable.</summary>
    Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now);

    /// <summary>Keeps what the handler says about how far it is.</summary>
    Task<bool> ReportAsync(JobId id, long fencingToken, string progress, double? fraction);

    /// <summary>Adds a line to the log of a job, and drops the oldest beyond <paramref name="maxLines"/>.</summary>
    Task<bool> LogAsync(JobId id, long fencingToken, DateTimeOffset now, string text, int maxLines);

    /// <summary>Ends an attempt and releases its lanes.</summary>
    Task<bool> EndAttemptAsync(EndedAttempt attempt);

    /// <summary>Asks to cancel a job and its children; those that it is about now. See <see cref="IJobs.CancelAsync"/>.</summary>
    Task<IReadOnlyList<JobId>> CancelAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Runs a FAILED job again; see <see cref="IJobs.RetryAsync"/>.</summary>
    Task<bool> RetryAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Removes a job that has ended.</summary>
    Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken);

    /// <summary>Stops or goes on to hand out jobs of a type; null for all.</summary>
    Task<bool> PauseAsync(string? type, bool isPaused, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>What is paused; see <see cref="IJobs.ListPausedAsync"/>.</summary>
    Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken);

    /// <summary>How many jobs of a type, null for all, are IN_PROGRESS.</summary>
    Task<int> CountRunningAsync(string? type, CancellationToken cancellationToken);

    /// <summary>The jobs that are due and wait for no other job, counted by type and version of arguments. Asked a few times a minute.</summary>
    Task<IReadOnlyList<ReadyJobs>> ListReadyAsync(DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Keeps a schedule in the place of one of its name.</summary>
    Task<bool> PutScheduleAsync(StoredSchedule schedule, CancellationToken cancellationToken);

    /// <summary>Removes a schedule; false where there is none.</summary>
    Task<bool> RemoveScheduleAsync(string name, CancellationToken cancellationToken);

    /// <summary>Schedules by name; with <paramref name="dueAt"/> those whose next time is not after it.</summary>
    Task<IReadOnlyList<StoredSchedule>> ListSchedulesAsync(DateTimeOffset? dueAt, CancellationToken cancellationToken);

    /// <summary>Makes the jobs of a schedule and moves it on, in one transaction: false, and nothing is made, where its next time is no longer <paramref name="expected"/>, as another worker was first.</summary>
    Task<bool> FireAsync(string name, DateTimeOffset expected, DateTimeOffset? next, IReadOnlyList<NewJob> jobs);

    /// <summary>Removes jobs whose retention is over, at most <paramref name="limit"/>; how many. Forgets starts that no rate counts any longer.</summary>
    Task<int> PurgeAsync(DateTimeOffset now, int limit);

    /// <summary>Those of these jobs that run and that somebody asked to cancel.</summary>
    Task<IReadOnlyList<JobId>> ListCancelRequestsAsync(IReadOnlyCollection<JobId> running, CancellationToken cancellationToken);

    /// <summary>A job, or null.</summary>
    Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken);

    /// <summary>Jobs, newest first.</summary>
    Task<IReadOnlyList<JobInfo>> ListAsync(JobQuery query, int limit, CancellationToken cancellationToken);

    /// <summary>Jobs whose last change is after a place, in the order of their changes.</summary>
    Task<IReadOnlyList<JobInfo>> ListChangesAsync(long after, int limit, CancellationToken cancellationToken);

    /// <summary>The place of the latest change. Asked often: cheap.</summary>
    Task<long> GetPositionAsync(CancellationToken cancellationToken);

    /// <summary>The result of a job, or null where the job is not there.</summary>
    Task<StoredResult?> GetResultAsync(JobId id, CancellationToken cancellationToken);

    /// <summary>Why a job is PENDING, or null.</summary>
    Task<PendingReason?> GetPendingReasonAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Lines of a log, oldest first.</summary>
    Task<IReadOnlyList<JobLogLine>> ListLogAsync(JobId id, long after, int limit, CancellationToken cancellationToken);

    /// <summary>The attempts at a job, in order.</summary>
    Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken);

    /// <summary>The lanes of the jobs that are IN_PROGRESS, by key and then by job.</summary>
    Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken);
}
