namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>Jobs in the memory of this process, gone with it. Each call is one step under a lock; a look at what is due looks at every job.</summary>
internal sealed partial class InMemoryJobStore(long lastToken = 0) : IJobStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, StoredSchedule> _schedules = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<(DateTimeOffset At, DateTimeOffset Until)>> _starts = new(StringComparer.Ordinal);
    private readonly HashSet<string> _paused = new(StringComparer.Ordinal);
    private Dictionary<JobId, Row> _jobs = [];
    private long _seq;
    private long _change;
    private long _token = lastToken;

    /// <inheritdoc />
    /// <remarks>Nobody else has this store.</remarks>
    public event Action? Changed
    {
        add { }
        remove { }
    }

    public Task<IReadOnlyList<JobId>> EnqueueAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) => Do<IReadOnlyList<JobId>>(() =>
    {
        // One alone is refused before it changes anything, unless it replaces.
        if (jobs is [{ Uniqueness: not JobUniqueness.Replace } only])
            return [Enqueue(only)];
        return AllOrNone(() => jobs.Select(Enqueue).ToArray());
    }, cancellationToken);

    public Task<ClaimedJobs> ClaimAsync(ClaimRequest asked, CancellationToken cancellationToken) => Do(() =>
    {
        var request = asked.Settle();
        int lost = Recover(request.Now);
        var rates = new RateBoard(request.Now);
        List<Row> chosen = request.Limit > 0 && !_paused.Contains("") ? Choose(request, rates) : [];
        return new ClaimedJobs { Jobs = [.. chosen.Select(job => Take(job, request))], LeasesLost = lost, NextAt = NextAt(request, rates) };
    }, cancellationToken);

    public Task<bool?> RenewAsync(JobId id, long fencingToken, DateTimeOffset now, DateTimeOffset until) => Do<bool?>(() =>
    {
        if (Held(id, fencingToken, now) is not { } job)
            return null;
        job.LeaseUntil = until;
        return job.IsCancel;
    });

    public Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now) => Do(() =>
    {
        if (Held(id, fencingToken, now) is not { } job)
            return false;
        job.Steps = job.Steps.Where(one => one.Name != step.Name).Append(new StoredStep { Name = step.Name, Request = step.Request, HasCompensation = step.HasCompensation }).ToList();
        return true;
    });

    public Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now) => Do(() =>
    {
        if (Held(id, fencingToken, now) is not { } job || job.Steps.FirstOrDefault(step => step.Name == name) is not { } found)
            return false;
        job.Steps = job.Steps.Select(step => step == found ? new StoredStep { Name = name, Request = step.Request, HasCompensation = step.HasCompensation, Result = result } : step).ToList();
        return true;
    });

    public Task<bool> ReportAsync(JobId id, long fencingToken, string progress, double? fraction) => Do(() =>
    {
        if (Held(id, fencingToken, null) is not { } job)
            return false;
        job.Progress = progress;
        job.Fraction = fraction;
        job.Position = ++_change;
        return true;
    });

    public Task<bool> LogAsync(JobId id, long fencingToken, DateTimeOffset now, string text, int maxLines) => Do(() =>
    {
        if (Held(id, fencingToken, null) is not { } job)
            return false;
        job.Position = ++_change;
        job.Log.Add(new JobLogLine { Number = ++job.Lines, Attempt = job.Attempts, At = Whole(now), Text = text });
        if (job.Log.Count > maxLines)
            job.Log.RemoveRange(0, job.Log.Count - maxLines);
        return true;
    });

    public Task<bool> EndAttemptAsync(EndedAttempt attempt) => Do(() =>
    {
        if (Held(attempt.Id, attempt.FencingToken, attempt.Now) is not { } job)
            return false;
        var state = attempt.State == JobState.Pending && job.IsCancel ? JobState.Cancelled : attempt.State;
        bool isPending = state == JobState.Pending;
        bool isReturned = attempt.End == AttemptEnd.Returned;
        job.State = state;
        job.Worker = null;
        job.DueAt = isPending ? Whole(attempt.DueAt) : job.DueAt;
        job.EndedAt = isPending ? null : Whole(attempt.Now);
        job.Error = isReturned ? job.Error : attempt.Reason ?? job.Error;
        job.Result = attempt.Result;
        job.Counted -= isReturned ? 1 : 0;
        job.Lost = 0;
        job.Position = ++_change;
        job.KeepUntil = state is JobState.Completed or JobState.Cancelled ? attempt.Now + job.Made.Retention : null;
        job.IsUndone = attempt.End == AttemptEnd.Compensated;
        CloseAttempt(job, attempt.Now, attempt.End, attempt.Reason);
        if (!isPending && !(state != JobState.Completed && TryCompensate(job, state, attempt.Now)))
            Release(job, attempt.Now);
        return true;
    });

    public Task<IReadOnlyList<JobId>> CancelAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => Do<IReadOnlyList<JobId>>(() =>
    {
        var asked = new List<JobId>();
        var open = new Queue<JobId>([id]);
        while (open.TryDequeue(out var next))
        {
            if (_jobs.TryGetValue(next, out var job) && !job.HasEnded && job.Undo is null)
            {
                asked.Add(next);
                if (job.State == JobState.Pending)
                {
                    End(job, JobState.Cancelled, now, "It was cancelled.");
                }
                else
                {
                    job.IsCancel = true;
                    job.Position = ++_change;
                }
            }

            foreach (var child in _jobs.Values.Where(one => one.Made.Parent == next).OrderBy(one => one.Seq))
                open.Enqueue(child.Made.Id);
        }

        return asked;
    }, cancellationToken);

    // The unique key may have gone to another job meanwhile: this one then stays as it is. What was undone is done anew; what was not undone to its end is undone further.
    public Task<bool> RetryAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => Do(() =>
    {
        if (!_jobs.TryGetValue(id, out var job) || job.State != JobState.Failed || Unique(job.Made.UniqueKey) is not null)
            return false;
        job.State = JobState.Pending;
        job.Counted = 0;
        job.Lost = 0;
        job.IsCancel = false;
        job.DeadlineAt = null;
        job.Position = ++_change;
        job.DueAt = Whole(now);
        job.OrderMs = now.ToUnixTimeMilliseconds() - (job.Made.Priority * 60_000L);
        job.EndedAt = null;
        if (job.IsUndone)
        {
            job.Steps = [];
            job.Undo = null;
            job.IsUndone = false;
        }

        return true;
    }, cancellationToken);

    public Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken) => Do(() => _jobs.TryGetValue(id, out var job) && job.HasEnded && _jobs.Remove(id), cancellationToken);

    public Task<bool> PauseAsync(string? type, bool isPaused, DateTimeOffset now, CancellationToken cancellationToken) => Do(() =>
    {
        _change++;
        return isPaused ? _paused.Add(type ?? "") : _paused.Remove(type ?? "");
    }, cancellationToken);

    public Task<bool> PutScheduleAsync(StoredSchedule schedule, CancellationToken cancellationToken) => Do(() =>
    {
        _change++;
        _schedules[schedule.Schedule.Name] = schedule;
        return true;
    }, cancellationToken);

    public Task<bool> RemoveScheduleAsync(string name, CancellationToken cancellationToken) => Do(() => _schedules.Remove(name), cancellationToken);

    public Task<bool> FireAsync(string name, DateTimeOffset expected, DateTimeOffset? next, IReadOnlyList<NewJob> jobs) => Do(() =>
    {
        if (!_schedules.TryGetValue(name, out var stored) || stored.Schedule.NextAt != expected)
            return false;
        AllOrNone(() => jobs.Select(Enqueue).ToArray());
        var old = stored.Schedule;
        var moved = new JobSchedule { Name = old.Name, Cron = old.Cron, Zone = old.Zone, CatchUp = old.CatchUp, AllowsOverlap = old.AllowsOverlap, Jitter = old.Jitter, Rate = old.Rate, NextAt = next };
        _schedules[name] = new StoredSchedule { Schedule = moved, Type = stored.Type, Args = stored.Args, ArgsVersion = stored.ArgsVersion };
        return true;
    });

    public Task<int> PurgeAsync(DateTimeOffset now, int limit) => Do(() =>
    {
        List<JobId> over = [.. _jobs.Values.Where(job => job.KeepUntil <= now).OrderBy(job => job.KeepUntil).Take(limit).Select(job => job.Made.Id)];
        over.ForEach(id => _jobs.Remove(id));
        foreach (var starts in _starts.Values)
            starts.RemoveAll(start => start.Until <= now);
        return over.Count;
    });

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    // As the other stores keep them.
    private static DateTimeOffset Whole(DateTimeOffset time) => DateTimeOffset.FromUnixTimeMilliseconds(time.ToUnixTimeMilliseconds());

    private Task<T> Do<T>(Func<T> call, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            lock (_gate)
                return Task.FromResult(call());
        }
        catch (HypervisorException exception)
        {
            return Task.FromException<T>(exception);
        }
    }
}
