namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>
/// A store whose arguments and results are encrypted before they reach it. What cannot be decrypted is handed on as it is: the job is FAILED as one whose arguments cannot be read, stays, and is run again when the key is there.
/// </summary>
internal sealed class EncryptedJobStore(IJobStore store, PayloadCipher cipher) : IJobStore
{
    public event Action? Changed
    {
        add => store.Changed += value;
        remove => store.Changed -= value;
    }

    public async Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        var claimed = await store.ClaimAsync(request, cancellationToken).ConfigureAwait(false);
        return new ClaimedJobs { Jobs = [.. claimed.Jobs.Select(Open)], LeasesLost = claimed.LeasesLost, NextAt = claimed.NextAt };
    }

    public Task<bool> EndAttemptAsync(EndedAttempt attempt) => store.EndAttemptAsync(attempt.Result is null ? attempt : new EndedAttempt
    {
        Id = attempt.Id, FencingToken = attempt.FencingToken, End = attempt.End, State = attempt.State, Now = attempt.Now, DueAt = attempt.DueAt, Reason = attempt.Reason,
        Result = cipher.Encrypt(attempt.Result, Result(attempt.Id)),
    });

    public async Task<StoredResult?> GetResultAsync(JobId id, CancellationToken cancellationToken)
    {
        var stored = await store.GetResultAsync(id, cancellationToken).ConfigureAwait(false);
        return stored?.Json is null ? stored : new StoredResult
        {
            Type = stored.Type, Json = cipher.TryDecrypt(stored.Json, Result(id))
                ?? throw new HypervisorException($"The result of job {id} is encrypted by a key that is not here.", ErrorCode.Unavailable, RequestOutcome.Rejected) { Resource = id.ToString() },
        };
    }

    public Task<bool> PutScheduleAsync(StoredSchedule schedule, CancellationToken cancellationToken) => store.PutScheduleAsync(
        With(schedule, cipher.Encrypt(schedule.Args, Schedule(schedule))), cancellationToken);

    public async Task<IReadOnlyList<StoredSchedule>> ListSchedulesAsync(DateTimeOffset? dueAt, CancellationToken cancellationToken) =>
        [.. (await store.ListSchedulesAsync(dueAt, cancellationToken).ConfigureAwait(false)).Select(Open)];

    public Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) => store.EnqueueAsync([.. jobs.Select(Seal)], cancellationToken);

    public Task<bool?> RenewAsync(JobId id, long fencingToken, DateTimeOffset now, DateTimeOffset until) => store.RenewAsync(id, fencingToken, now, until);

    public Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now) => store.BeginStepAsync(id, fencingToken, step, now);

    public Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now) => store.EndStepAsync(id, fencingToken, name, cipher.Encrypt(result, Step(id, name)), now);

    public Task<bool> ReportAsync(JobId id, long fencingToken, string progress, double? fraction) => store.ReportAsync(id, fencingToken, progress, fraction);

    public Task<bool> LogAsync(JobId id, long fencingToken, DateTimeOffset now, string text, int maxLines) => store.LogAsync(id, fencingToken, now, text, maxLines);

    public Task<IReadOnlyList<JobId>> CancelAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => store.CancelAsync(id, now, cancellationToken);

    public Task<bool> RetryAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => store.RetryAsync(id, now, cancellationToken);

    public Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken) => store.DiscardAsync(id, cancellationToken);

    public Task<bool> PauseAsync(string? type, bool isPaused, DateTimeOffset now, CancellationToken cancellationToken) => store.PauseAsync(type, isPaused, now, cancellationToken);

    public Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken) => store.ListPausedAsync(cancellationToken);

    public Task<int> CountRunningAsync(string? type, CancellationToken cancellationToken) => store.CountRunningAsync(type, cancellationToken);

    public Task<IReadOnlyList<ReadyJobs>> ListReadyAsync(DateTimeOffset now, CancellationToken cancellationToken) => store.ListReadyAsync(now, cancellationToken);

    public Task<bool> RemoveScheduleAsync(string name, CancellationToken cancellationToken) => store.RemoveScheduleAsync(name, cancellationToken);

    public Task<bool> FireAsync(string name, DateTimeOffset expected, DateTimeOffset? next, IReadOnlyList<NewJob> jobs) => store.FireAsync(name, expected, next, Sealed(name, jobs));

    public Task<int> PurgeAsync(DateTimeOffset now, int limit) => store.PurgeAsync(now, limit);

    public Task<IReadOnlyList<JobId>> ListCancelRequestsAsync(IReadOnlyCollection<JobId> running, CancellationToken cancellationToken) => store.ListCancelRequestsAsync(running, cancellationToken);

    public Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken) => store.GetAsync(id, cancellationToken);

    public Task<IReadOnlyList<JobInfo>> ListAsync(JobQuery query, int limit, CancellationToken cancellationToken) => store.ListAsync(query, limit, cancellationToken);

    public Task<IReadOnlyList<JobInfo>> ListChangesAsync(long after, int limit, CancellationToken cancellationToken) => store.ListChangesAsync(after, limit, cancellationToken);

    public Task<long> GetPositionAsync(CancellationToken cancellationToken) => store.GetPositionAsync(cancellationToken);

    public Task<PendingReason?> GetPendingReasonAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => store.GetPendingReasonAsync(id, now, cancellationToken);

    public Task<IReadOnlyList<JobLogLine>> ListLogAsync(JobId id, long after, int limit, CancellationToken cancellationToken) => store.ListLogAsync(id, after, limit, cancellationToken);

    public Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken) => store.ListAttemptsAsync(id, cancellationToken);

    public Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken) => store.ListLanesAsync(cancellationToken);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private static string Args(JobId id) => $"args {id}";

    private static string Result(JobId id) => $"result {id}";

    private static string Step(JobId id, string name) => $"step {id} {name}";

    private static string Schedule(StoredSchedule schedule) => $"schedule {schedule.Schedule.Name}";

    private static StoredSchedule With(StoredSchedule schedule, string args, Exception? unreadable = null) =>
        new() { Schedule = schedule.Schedule, Type = schedule.Type, Args = args, ArgsVersion = schedule.ArgsVersion, Unreadable = unreadable };

    // It is the trouble of one schedule, and not of the store.
    private NewJob[] Sealed(string schedule, IReadOnlyList<NewJob> jobs)
    {
        try
        {
            return [.. jobs.Select(Seal)];
        }
#pragma warning disable CA1031 // Whatever the keys throw, it is told with the schedule.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            throw new InvalidOperationException($"The arguments of the jobs of schedule '{schedule}' cannot be encrypted: {exception.Message}", exception);
        }
    }

    private StoredSchedule Open(StoredSchedule schedule)
    {
        try
        {
            return cipher.TryDecrypt(schedule.Args, Schedule(schedule)) is { } args ? With(schedule, args)
                : With(schedule, schedule.Args, new InvalidOperationException("The arguments are encrypted by a key that is not here."));
        }
#pragma warning disable CA1031 // Whatever the keys throw, it is told with the schedule.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return With(schedule, schedule.Args, exception);
        }
    }

    private NewJob Seal(NewJob job) => new()
    {
        Id = job.Id, Type = job.Type, Args = cipher.Encrypt(job.Args, Args(job.Id)), ArgsVersion = job.ArgsVersion, CreatedAt = job.CreatedAt,
        DueAt = job.DueAt, MaxAttempts = job.MaxAttempts, Retention = job.Retention, Priority = job.Priority, Lanes = job.Lanes,
        UniqueKey = job.UniqueKey, Uniqueness = job.Uniqueness, Rate = job.Rate, TraceParent = job.TraceParent, DeadlineAt = job.DeadlineAt,
        MaxLostWorkers = job.MaxLostWorkers, After = job.After, AfterRule = job.AfterRule, Parent = job.Parent, ChildName = job.ChildName, Progress = job.Progress,
    };

    // It is taken already, and so are the others of its claim: what the keys throw is the failure of its attempt and not theirs.
    private ClaimedJob Open(ClaimedJob job)
    {
        try
        {
            return With(job, cipher.TryDecrypt(job.Args, Args(job.Id)) ?? job.Args, [.. job.Steps.Select(step => Open(job.Id, step))]);
        }
#pragma warning disable CA1031 // Whatever the keys throw, it is why the attempt fails.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            return With(job, job.Args, job.Steps, exception is HypervisorException ? exception : new InvalidOperationException($"Its arguments or its steps cannot be decrypted: {exception.Message}", exception));
        }
    }

    private static ClaimedJob With(ClaimedJob job, string args, IReadOnlyList<StoredStep> steps, Exception? unreadable = null) => new()
    {
        Id = job.Id, Type = job.Type, Args = args, ArgsVersion = job.ArgsVersion, DueAt = job.DueAt, TraceParent = job.TraceParent, Attempt = job.Attempt, CountedAttempts = job.CountedAttempts,
        MaxAttempts = job.MaxAttempts, CompensatesTo = job.CompensatesTo, DeadlineAt = job.DeadlineAt, FencingToken = job.FencingToken, Steps = steps, Unreadable = unreadable,
    };

    private StoredStep Open(JobId id, StoredStep step) => step.Result is null ? step
        : new() { Name = step.Name, Request = step.Request, HasCompensation = step.HasCompensation, Result = cipher.TryDecrypt(step.Result, Step(id, step.Name)) ?? step.Result };
}
