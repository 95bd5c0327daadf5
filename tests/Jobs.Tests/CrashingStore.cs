using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>A write of the engine at which its process dies: the n-th of its kind, before it is durable or right after.</summary>
internal sealed record CrashPoint(string Write, int Ordinal, bool IsAfter)
{
    /// <summary>
    /// Stands for every kind of write that a program makes, counted from its first jobs on: how often its worker has asked for work before there was any is chance. Writes that only look after time are
    /// not among them.
    /// </summary>
    public const string Any = "*";

    public bool Is(string write) => write == Write || (Write == Any && write is "Enqueue" or "Claim" or "BeginStep" or "EndStep" or "EndAttempt" or "Report" or "Log");
}

/// <summary>A store whose process dies at a crash point: from there on nothing is written.</summary>
internal sealed class CrashingStore(IJobStore store, CrashPoint point) : IJobStore
{
    private readonly TaskCompletionSource _crashed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _counting = new();
    private bool _isCounting;
    private int _seen;
    private int _calls;

    /// <summary>How often the store was asked or written to, by the engine itself: reads of one job are its callers'.</summary>
    public int Calls => Volatile.Read(ref _calls);

    public Task Crashed => _crashed.Task;

    /// <summary>Above zero it does not die at the point: so many writes of that kind fail, one after the other, and then it is as before.</summary>
    public int Stumbles { get; init; }

    /// <summary>Says by no renewal that the job was cancelled: who learns it has learnt it in another way.</summary>
    public bool HidesCancels { get; init; }

    /// <summary>Says to who asks that nothing has changed: who learns of a change was told of it.</summary>
    public bool HidesPlaces { get; init; }

    public event Action? Changed
    {
        add => store.Changed += value;
        remove => store.Changed -= value;
    }

    public Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) => AtAsync("Enqueue", () => store.EnqueueAsync(jobs, cancellationToken), _ => true);

    public Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) =>
        AtAsync("Claim", () => store.ClaimAsync(request, cancellationToken), claimed => claimed.Jobs.Count > 0);

    public Task<bool?> RenewAsync(JobId id, long fencingToken, DateTimeOffset now, DateTimeOffset until) => AtAsync("Renew", async () => await store.RenewAsync(id, fencingToken, now, until) is { } cancelled ? cancelled && !HidesCancels : (bool?)null, _ => true);

    public Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now) =>
        AtAsync("BeginStep", () => store.BeginStepAsync(id, fencingToken, step, now), _ => true);

    public Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now) =>
        AtAsync("EndStep", () => store.EndStepAsync(id, fencingToken, name, result, now), _ => true);

    public Task<bool> ReportAsync(JobId id, long fencingToken, string progress, double? fraction) => AtAsync("Report", () => store.ReportAsync(id, fencingToken, progress, fraction), _ => true);

    public Task<bool> LogAsync(JobId id, long fencingToken, DateTimeOffset now, string text, int maxLines) => AtAsync("Log", () => store.LogAsync(id, fencingToken, now, text, maxLines), _ => true);

    public Task<bool> PauseAsync(string? type, bool isPaused, DateTimeOffset now, CancellationToken cancellationToken) =>
        AtAsync("Pause", () => store.PauseAsync(type, isPaused, now, cancellationToken), _ => true);

    public Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken) => store.ListPausedAsync(cancellationToken);

    public Task<int> CountRunningAsync(string? type, CancellationToken cancellationToken) => store.CountRunningAsync(type, cancellationToken);

    public Task<IReadOnlyList<ReadyJobs>> ListReadyAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        return store.ListReadyAsync(now, cancellationToken);
    }

    public Task<bool> PutScheduleAsync(StoredSchedule schedule, CancellationToken cancellationToken) => AtAsync("PutSchedule", () => store.PutScheduleAsync(schedule, cancellationToken), _ => true);

    public Task<bool> RemoveScheduleAsync(string name, CancellationToken cancellationToken) => AtAsync("RemoveSchedule", () => store.RemoveScheduleAsync(name, cancellationToken), _ => true);

    public Task<IReadOnlyList<StoredSchedule>> ListSchedulesAsync(DateTimeOffset? dueAt, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _calls);
        return store.ListSchedulesAsync(dueAt, cancellationToken);
    }

    public Task<bool> FireAsync(string name, DateTimeOffset expected, DateTimeOffset? next, IReadOnlyList<NewJob> jobs) =>
        AtAsync("Fire", () => store.FireAsync(name, expected, next, jobs), _ => true);

    public Task<int> PurgeAsync(DateTimeOffset now, int limit) => AtAsync("Purge", () => store.PurgeAsync(now, limit), _ => true);

    public Task<bool> EndAttemptAsync(EndedAttempt attempt) => AtAsync("EndAttempt", () => store.EndAttemptAsync(attempt), _ => true);

    public Task<IReadOnlyList<JobId>> CancelAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => AtAsync("Cancel", () => store.CancelAsync(id, now, cancellationToken), _ => true);

    public Task<bool> RetryAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => AtAsync("Retry", () => store.RetryAsync(id, now, cancellationToken), _ => true);

    public Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken) => AtAsync("Discard", () => store.DiscardAsync(id, cancellationToken), _ => true);

    public Task<IReadOnlyList<JobId>> ListCancelRequestsAsync(IReadOnlyCollection<JobId> running, CancellationToken cancellationToken) => store.ListCancelRequestsAsync(running, cancellationToken);

    public Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken) => store.GetAsync(id, cancellationToken);

    public Task<IReadOnlyList<JobInfo>> ListAsync(JobQuery query, int limit, CancellationToken cancellationToken) => store.ListAsync(query, limit, cancellationToken);

    public Task<IReadOnlyList<JobInfo>> ListChangesAsync(long after, int limit, CancellationToken cancellationToken) => store.ListChangesAsync(after, limit, cancellationToken);

    public Task<long> GetPositionAsync(CancellationToken cancellationToken)
    {
        // Asked by whoever looks whether the store answers: its failing is a point of its own.
        return AtAsync("Position", async () => HidesPlaces ? 0 : await store.GetPositionAsync(cancellationToken), _ => true);
    }

    public Task<StoredResult?> GetResultAsync(JobId id, CancellationToken cancellationToken) => store.GetResultAsync(id, cancellationToken);

    public Task<PendingReason?> GetPendingReasonAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => store.GetPendingReasonAsync(id, now, cancellationToken);

    public Task<IReadOnlyList<JobLogLine>> ListLogAsync(JobId id, long after, int limit, CancellationToken cancellationToken) => store.ListLogAsync(id, after, limit, cancellationToken);

    public Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken) => store.ListAttemptsAsync(id, cancellationToken);

    public Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken) => store.ListLanesAsync(cancellationToken);

    public ValueTask DisposeAsync() => store.DisposeAsync();

    private async Task<T> AtAsync<T>(string write, Func<Task<T>> call, Func<T, bool> counts)
    {
        Interlocked.Increment(ref _calls);
        if (_crashed.Task.IsCompleted || (!point.IsAfter && IsHere(write)))
            throw Dead();
        var result = await call();
        if (point.IsAfter && counts(result) && IsHere(write))
            throw Dead();
        return result;
    }

    private bool IsHere(string write)
    {
        lock (_counting)
        {
            _isCounting |= write == "Enqueue" || point.Write != CrashPoint.Any;
            return _isCounting && point.Is(write) && ++_seen >= point.Ordinal && _seen < point.Ordinal + Math.Max(1, Stumbles);
        }
    }

    private HypervisorException Dead()
    {
        if (Stumbles == 0)
            _crashed.TrySetResult();
        return new HypervisorException("The process is dead.", ErrorCode.Unavailable, RequestOutcome.Unknown);
    }
}
