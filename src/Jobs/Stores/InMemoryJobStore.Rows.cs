namespace Hypervisor.Sdk.Jobs.Stores;

internal sealed partial class InMemoryJobStore
{
    // A batch that is refused in its middle leaves everything as it was.
    private T AllOrNone<T>(Func<T> make)
    {
        var before = _jobs.ToDictionary(pair => pair.Key, pair => pair.Value.Copy());
        try
        {
            return make();
        }
        catch
        {
            _jobs = before;
            throw;
        }
    }

    private JobId Enqueue(NewJob made)
    {
        if (made.ChildName is not null && _jobs.Values.FirstOrDefault(job => job.Made.Parent == made.Parent && job.Made.ChildName == made.ChildName) is { } child)
            return child.Made.Id;
        if (Unique(made.UniqueKey) is { } there)
        {
            bool isPending = there.State == JobState.Pending;
            bool undoes = there.Undo is not null || there.Steps.Any(step => step.HasCompensation);
            if (made.Uniqueness == JobUniqueness.Ignore)
                return there.Made.Id;
            if (made.Uniqueness == JobUniqueness.Reject || !isPending || undoes)
            {
                throw new HypervisorException($"Job {there.Made.Id} has the unique key '{made.UniqueKey}' and {(!isPending ? "runs" : undoes ? "has something to undo before it ends" : "has not ended")}. Wait for it, cancel it, or take another key.",
                    ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = there.Made.Id.ToString() };
            }

            End(there, JobState.Cancelled, made.CreatedAt, $"Job {made.Id} replaced it.");
        }

        var waits = new HashSet<JobId>();
        foreach (var on in made.After)
        {
            if (!_jobs.TryGetValue(on, out var found))
                throw new HypervisorException($"There is no job {on} to wait for: it was never made here, or it was removed.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = on.ToString() };
            if (found.State is JobState.Failed or JobState.Cancelled && made.AfterRule == JobAfterRule.AllCompleted)
            {
                throw new HypervisorException($"Job {on}, to wait for, has ended {(found.State == JobState.Failed ? "FAILED" : "CANCELLED")}: run it again first, or wait for its end only.",
                    ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = on.ToString() };
            }

            if (!found.HasEnded)
                waits.Add(on);
        }

        _jobs.Add(made.Id, new Row
        {
            Made = made, Seq = ++_seq, Position = ++_change, OrderMs = made.OrderMs, DueAt = Whole(made.DueAt), DeadlineAt = made.DeadlineAt is { } deadline ? Whole(deadline) : null, Waits = waits,
            Progress = made.Progress,
        });
        return made.Id;
    }

    private Row? Unique(string? key) => key is null ? null : _jobs.Values.FirstOrDefault(job => job.Made.UniqueKey == key && !job.HasEnded);

    private Row? Held(JobId id, long fencingToken, DateTimeOffset? now) =>
        _jobs.TryGetValue(id, out var job) && job.State == JobState.InProgress && job.Token == fencingToken && (now is null || job.LeaseUntil > now) ? job : null;

    private int Recover(DateTimeOffset now)
    {
        var lost = _jobs.Values.Where(job => job.State == JobState.InProgress && job.LeaseUntil <= now).OrderBy(job => job.LeaseUntil).ThenBy(job => job.Seq).ToList();
        foreach (var job in lost)
        {
            const string Reason = "Its worker did not renew the lease.";
            CloseAttempt(job, now, AttemptEnd.LeaseLost, Reason);
            if (job.IsCancel)
            {
                End(job, JobState.Cancelled, now, "It was cancelled; " + Reason);
            }
            else if (job.Lost + 1 >= job.Made.MaxLostWorkers)
            {
                End(job, JobState.Failed, now, $"{Reason} That was time {job.Lost + 1} in a row: it may be what brings its workers down, and is not tried again by itself.");
            }
            else if (job.Counted >= job.Made.MaxAttempts)
            {
                End(job, JobState.Failed, now, Reason + " No attempt is left.");
            }
            else
            {
                job.State = JobState.Pending;
                job.Worker = null;
                job.Error = Reason;
                job.Lost++;
                job.Position = ++_change;
            }
        }

        foreach (var job in _jobs.Values.Where(job => job.State == JobState.Pending && job.DeadlineAt <= now).ToList())
            End(job, JobState.Failed, now, "Its deadline passed before it was done.");
        return lost.Count;
    }

    private List<Row> Choose(ClaimRequest request, RateBoard rates)
    {
        var board = new LaneBoard();
        foreach (var lane in _jobs.Values.Where(job => job.State == JobState.InProgress).SelectMany(job => job.Made.Lanes))
            board.Hold(lane);
        return [.. _jobs.Values
            .Where(job => job.State == JobState.Pending && job.Waits.Count == 0 && job.IsDue(request.Now) && Knows(request, job.Made.Type, job.Made.ArgsVersion) && !_paused.Contains(job.Made.Type))
            .OrderBy(job => job.OrderMs).ThenBy(job => job.Seq).Where(job => TryBegin(job.Made, board, rates)).Take(request.Limit)];
    }

    private static bool Knows(ClaimRequest request, string type, int version) => request.Types.TryGetValue(type, out int known) && version <= known;

    // Who has to wait for his rate closes no lane.
    private bool TryBegin(NewJob job, LaneBoard lanes, RateBoard rates)
    {
        if (job.Rate is { } rate && OpensAt(rate, rates) is not null)
            return false;
        if (job.Lanes.Count > 0 && !lanes.TryTake(job.Lanes))
            return false;
        if (job.Rate is not null)
            rates.Take(job.Rate);
        return true;
    }

    private DateTimeOffset? OpensAt(JobRate rate, RateBoard rates)
    {
        if (!rates.Knows(rate.Key))
            rates.Load(rate.Key, _starts.TryGetValue(rate.Key, out var starts) ? starts.Select(start => start.At) : []);
        return rates.OpensAt(rate);
    }

    private ClaimedJob Take(Row job, ClaimRequest request)
    {
        job.State = JobState.InProgress;
        job.Token = ++_token;
        job.Worker = request.Worker;
        job.LeaseUntil = request.LeaseUntil;
        job.Attempts++;
        job.Counted++;
        job.Position = ++_change;
        if (job.Made.Rate is { } rate)
        {
            if (!_starts.TryGetValue(rate.Key, out var starts))
                _starts[rate.Key] = starts = [];
            starts.Add((Whole(request.Now), Whole(request.Now) + rate.Period));
        }

        job.History.Add(new JobAttempt { Number = job.Attempts, Worker = request.Worker, FencingToken = job.Token, StartedAt = Whole(request.Now) });
        return new ClaimedJob
        {
            Id = job.Made.Id, Type = job.Made.Type, Args = job.Made.Args, ArgsVersion = job.Made.ArgsVersion, DueAt = job.DueAt, TraceParent = job.Made.TraceParent, Attempt = job.Attempts, CountedAttempts = job.Counted, MaxAttempts = job.Made.MaxAttempts, CompensatesTo = job.Undo,
            DeadlineAt = job.DeadlineAt, FencingToken = job.Token, Steps = job.Steps,
        };
    }

    private DateTimeOffset? NextAt(ClaimRequest request, RateBoard rates)
    {
        var due = _jobs.Values.Where(job => job.State == JobState.Pending && job.DueAt > request.Now).Min(job => (DateTimeOffset?)job.DueAt);
        var lease = _jobs.Values.Where(job => job.State == JobState.InProgress).Min(job => (DateTimeOffset?)Whole(job.LeaseUntil));
        var deadline = _jobs.Values.Where(job => job.State == JobState.Pending).Min(job => job.DeadlineAt);
        var schedule = _schedules.Values.Where(stored => Knows(request, stored.Type, stored.ArgsVersion)).Min(stored => stored.Schedule.NextAt);
        return new[] { due, lease, deadline, schedule, rates.NextAt }.Min();
    }

    // Of a job that no attempt runs.
    private void End(Row job, JobState state, DateTimeOffset now, string reason)
    {
        job.State = state;
        job.Error = reason;
        job.EndedAt = Whole(now);
        job.Worker = null;
        job.IsCancel = state == JobState.Cancelled;
        job.Position = ++_change;
        job.KeepUntil = state == JobState.Cancelled ? now + job.Made.Retention : null;
        if (!TryCompensate(job, state, now))
            Release(job, now);
    }

    // Where a job that has just ended has something to undo, it has not ended: it is handed out again, to be compensated.
    private static bool TryCompensate(Row job, JobState state, DateTimeOffset now)
    {
        if (job.Undo is not null || !job.Steps.Any(step => step.HasCompensation))
            return false;
        job.State = JobState.Pending;
        job.Undo = state;
        job.Counted = 0;
        job.Lost = 0;
        job.IsCancel = false;
        job.DueAt = Whole(now);
        job.EndedAt = null;
        job.KeepUntil = null;
        job.DeadlineAt = null;
        return true;
    }

    // Those who wait for a job that has ended are ready, or cancelled, and then those who wait for them.
    private void Release(Row first, DateTimeOffset now)
    {
        var ended = new Queue<Row>([first]);
        while (ended.TryDequeue(out var job))
        {
            foreach (var waiter in _jobs.Values.Where(one => one.Waits.Remove(job.Made.Id)).OrderBy(one => one.Seq).ToList())
            {
                if (job.State == JobState.Completed || waiter.Made.AfterRule == JobAfterRule.AllEnded)
                {
                    waiter.Position = ++_change;
                }
                else if (waiter.State == JobState.Pending)
                {
                    waiter.State = JobState.Cancelled;
                    waiter.IsCancel = true;
                    waiter.Position = ++_change;
                    waiter.EndedAt = Whole(now);
                    waiter.KeepUntil = now + waiter.Made.Retention;
                    waiter.Error = $"Job {job.Made.Id}, which it waited for, did not complete.";
                    ended.Enqueue(waiter);
                }
            }
        }
    }

    private static void CloseAttempt(Row job, DateTimeOffset now, AttemptEnd end, string? reason)
    {
        for (int i = 0; i < job.History.Count; i++)
        {
            var attempt = job.History[i];
            if (attempt.EndedAt is null)
                job.History[i] = new JobAttempt { Number = attempt.Number, Worker = attempt.Worker, FencingToken = attempt.FencingToken, StartedAt = attempt.StartedAt, EndedAt = Whole(now), End = end, Reason = reason };
        }
    }

    private sealed class Row
    {
        public required NewJob Made { get; init; }

        public required long Seq { get; init; }

        public long Position { get; set; }

        public long OrderMs { get; set; }

        public JobState State { get; set; } = JobState.Pending;

        public DateTimeOffset DueAt { get; set; }

        /// <summary>What was made without a delay is due from the beginning, also by a clock that was put back since; what is tried again waits its time.</summary>
        public bool IsDue(DateTimeOffset now) => DueAt <= now || (Attempts == 0 && DueAt <= Made.CreatedAt);

        public DateTimeOffset? DeadlineAt { get; set; }

        public DateTimeOffset? EndedAt { get; set; }

        public DateTimeOffset? KeepUntil { get; set; }

        public int Attempts { get; set; }

        public int Counted { get; set; }

        public int Lost { get; set; }

        public long Token { get; set; }

        public string? Worker { get; set; }

        public DateTimeOffset LeaseUntil { get; set; }

        public bool IsCancel { get; set; }

        public string? Result { get; set; }

        public string? Error { get; set; }

        public string? Progress { get; set; }

        public double? Fraction { get; set; }

        public JobState? Undo { get; set; }

        public bool IsUndone { get; set; }

        public long Lines { get; set; }

        public HashSet<JobId> Waits { get; set; } = [];

        // Handed out as they are, so never changed: replaced.
        public List<StoredStep> Steps { get; set; } = [];

        public List<JobLogLine> Log { get; private set; } = [];

        public List<JobAttempt> History { get; private set; } = [];

        public bool HasEnded => State is JobState.Completed or JobState.Failed or JobState.Cancelled;

        public Row Copy()
        {
            var copy = (Row)MemberwiseClone();
            copy.Waits = [.. Waits];
            copy.Log = [.. Log];
            copy.History = [.. History];
            return copy;
        }
    }
}
