using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>A store before a store: every call goes through one method, and each may be another.</summary>
internal abstract class StoreDecorator(IJobStore store) : IJobStore
{
    /// <summary>Never raised: nothing comes from another thread.</summary>
    public event Action? Changed
    {
        add { }
        remove { }
    }

    protected IJobStore Inner => store;

    public virtual Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) => CallAsync("Enqueue", one => one.EnqueueAsync(jobs, CancellationToken.None));

    public virtual Task<ClaimedJobs> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => CallAsync("Claim", one => one.ClaimAsync(request, CancellationToken.None));

    public virtual Task<bool?> RenewAsync(JobId id, long fencingToken, DateTimeOffset now, DateTimeOffset until) => CallAsync("Renew", one => one.RenewAsync(id, fencingToken, now, until));

    public virtual Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now) => CallAsync("BeginStep", one => one.BeginStepAsync(id, fencingToken, step, now));

    public virtual Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now) => CallAsync("EndStep", one => one.EndStepAsync(id, fencingToken, name, result, now));

    public virtual Task<bool> ReportAsync(JobId id, long fencingToken, string progress, double? fraction) => CallAsync("Report", one => one.ReportAsync(id, fencingToken, progress, fraction));

    public virtual Task<bool> LogAsync(JobId id, long fencingToken, DateTimeOffset now, string text, int maxLines) => CallAsync("Log", one => one.LogAsync(id, fencingToken, now, text, maxLines));

    public virtual Task<bool> EndAttemptAsync(EndedAttempt attempt) => CallAsync("EndAttempt", one => one.EndAttemptAsync(attempt));

    public virtual Task<IReadOnlyList<JobId>> CancelAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => CallAsync("Cancel", one => one.CancelAsync(id, now, CancellationToken.None));

    public virtual Task<bool> RetryAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => CallAsync("Retry", one => one.RetryAsync(id, now, CancellationToken.None));

    public Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken) => CallAsync("Discard", one => one.DiscardAsync(id, CancellationToken.None));

    public Task<bool> PauseAsync(string? type, bool isPaused, DateTimeOffset now, CancellationToken cancellationToken) => CallAsync("Pause", one => one.PauseAsync(type, isPaused, now, CancellationToken.None));

    public Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken) => CallAsync("ListPaused", one => one.ListPausedAsync(CancellationToken.None));

    public Task<int> CountRunningAsync(string? type, CancellationToken cancellationToken) => CallAsync("CountRunning", one => one.CountRunningAsync(type, CancellationToken.None));

    public Task<IReadOnlyList<ReadyJobs>> ListReadyAsync(DateTimeOffset now, CancellationToken cancellationToken) => CallAsync("ListReady", one => one.ListReadyAsync(now, CancellationToken.None));

    public Task<bool> PutScheduleAsync(StoredSchedule schedule, CancellationToken cancellationToken) => CallAsync("PutSchedule", one => one.PutScheduleAsync(schedule, CancellationToken.None));

    public Task<bool> RemoveScheduleAsync(string name, CancellationToken cancellationToken) => CallAsync("RemoveSchedule", one => one.RemoveScheduleAsync(name, CancellationToken.None));

    public Task<IReadOnlyList<StoredSchedule>> ListSchedulesAsync(DateTimeOffset? dueAt, CancellationToken cancellationToken) => CallAsync("ListSchedules", one => one.ListSchedulesAsync(dueAt, CancellationToken.None));

    public virtual Task<bool> FireAsync(string name, DateTimeOffset expected, DateTimeOffset? next, IReadOnlyList<NewJob> jobs) => CallAsync("Fire", one => one.FireAsync(name, expected, next, jobs));

    public Task<int> PurgeAsync(DateTimeOffset now, int limit) => CallAsync("Purge", one => one.PurgeAsync(now, limit));

    public Task<IReadOnlyList<JobId>> ListCancelRequestsAsync(IReadOnlyCollection<JobId> running, CancellationToken cancellationToken) => CallAsync("ListCancelRequests", one => one.ListCancelRequestsAsync(running, CancellationToken.None));

    public Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken) => CallAsync("Get", one => one.GetAsync(id, CancellationToken.None));

    public Task<IReadOnlyList<JobInfo>> ListAsync(JobQuery query, int limit, CancellationToken cancellationToken) => CallAsync("List", one => one.ListAsync(query, limit, CancellationToken.None));

    public Task<IReadOnlyList<JobInfo>> ListChangesAsync(long after, int limit, CancellationToken cancellationToken) => CallAsync("ListChanges", one => one.ListChangesAsync(after, limit, CancellationToken.None));

    public Task<long> GetPositionAsync(CancellationToken cancellationToken) => CallAsync("GetPosition", one => one.GetPositionAsync(CancellationToken.None));

    public Task<StoredResult?> GetResultAsync(JobId id, CancellationToken cancellationToken) => CallAsync("GetResult", one => one.GetResultAsync(id, CancellationToken.None));

    public Task<PendingReason?> GetPendingReasonAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => CallAsync("GetPendingReason", one => one.GetPendingReasonAsync(id, now, CancellationToken.None));

    public Task<IReadOnlyList<JobLogLine>> ListLogAsync(JobId id, long after, int limit, CancellationToken cancellationToken) => CallAsync("ListLog", one => one.ListLogAsync(id, after, limit, CancellationToken.None));

    public Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken) => CallAsync("ListAttempts", one => one.ListAttemptsAsync(id, CancellationToken.None));

    public Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken) => CallAsync("ListLanes", one => one.ListLanesAsync(CancellationToken.None));

    /// <summary>The store behind is its owner's.</summary>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    protected virtual Task<T> CallAsync<T>(string call, Func<IJobStore, Task<T>> send) => send(store);
}
