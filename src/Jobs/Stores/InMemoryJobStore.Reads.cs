namespace Hypervisor.Sdk.Jobs.Stores;

internal sealed partial class InMemoryJobStore
{
    public Task<IReadOnlyList<JobId>> ListCancelRequestsAsync(IReadOnlyCollection<JobId> running, CancellationToken cancellationToken) => Do<IReadOnlyList<JobId>>(() =>
        [.. running.Where(id => _jobs.TryGetValue(id, out var job) && job is { State: JobState.InProgress, IsCancel: true })], cancellationToken);

    public Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken) => Do(() => _jobs.TryGetValue(id, out var job) ? Info(job) : null, cancellationToken);

    public Task<IReadOnlyList<JobInfo>> ListAsync(JobQuery query, int limit, CancellationToken cancellationToken) => Do<IReadOnlyList<JobInfo>>(() =>
    {
        string? before = query.Before.IsDefault ? null : query.Before.ToString();
        return [.. _jobs.Values.Where(job => (query.State is null || job.State == query.State) && (query.Type is null || job.Made.Type == query.Type))
            .Select(job => (Id: job.Made.Id.ToString(), Job: job)).Where(pair => before is null || string.CompareOrdinal(pair.Id, before) < 0)
            .OrderByDescending(pair => pair.Id, StringComparer.Ordinal).Take(limit).Select(pair => Info(pair.Job))];
    }, cancellationToken);

    public Task<IReadOnlyList<JobInfo>> ListChangesAsync(long after, int limit, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<JobInfo>>(() => [.. _jobs.Values.Where(job => job.Position > after).OrderBy(job => job.Position).Take(limit).Select(Info)], cancellationToken);

    public Task<long> GetPositionAsync(CancellationToken cancellationToken) => Do(() => _change, cancellationToken);

    public Task<StoredResult?> GetResultAsync(JobId id, CancellationToken cancellationToken) =>
        Do(() => _jobs.TryGetValue(id, out var job) ? new StoredResult { Type = job.Made.Type, Json = job.Result } : null, cancellationToken);

    public Task<IReadOnlyList<JobLogLine>> ListLogAsync(JobId id, long after, int limit, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<JobLogLine>>(() => _jobs.TryGetValue(id, out var job) ? [.. job.Log.Where(line => line.Number > after).Take(limit)] : [], cancellationToken);

    public Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken) => Do<IReadOnlyList<string>>(() => [.. _paused.Order(StringComparer.Ordinal)], cancellationToken);

    public Task<int> CountRunningAsync(string? type, CancellationToken cancellationToken) =>
        Do(() => _jobs.Values.Count(job => job.State == JobState.InProgress && (type is null || job.Made.Type == type)), cancellationToken);

    public Task<IReadOnlyList<StoredSchedule>> ListSchedulesAsync(DateTimeOffset? dueAt, CancellationToken cancellationToken) => Do<IReadOnlyList<StoredSchedule>>(
        () => [.. _schedules.Values.Where(stored => dueAt is null || stored.Schedule.NextAt <= dueAt).OrderBy(stored => stored.Schedule.Name, StringComparer.Ordinal)], cancellationToken);

    public Task<IReadOnlyList<ReadyJobs>> ListReadyAsync(DateTimeOffset now, CancellationToken cancellationToken) => Do<IReadOnlyList<ReadyJobs>>(
        () => [.. _jobs.Values.Where(job => job.State == JobState.Pending && job.Waits.Count == 0 && job.IsDue(now)).GroupBy(job => (job.Made.Type, job.Made.ArgsVersion))
            .OrderBy(group => group.Key.Type, StringComparer.Ordinal).ThenBy(group => group.Key.ArgsVersion)
            .Select(group => new ReadyJobs { Type = group.Key.Type, ArgsVersion = group.Key.ArgsVersion, Count = group.Count(), OldestDueAt = group.Min(job => job.DueAt) })], cancellationToken);

    public Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken) => Do<IReadOnlyList<JobLane>>(
        () => [.. _jobs.Values.Where(job => job.State == JobState.InProgress).SelectMany(job => job.Made.Lanes.Select(lane => new JobLane { Holder = job.Made.Id, Claim = lane }))
            .OrderBy(lane => lane.Claim.Key.ToString(), StringComparer.Ordinal).ThenBy(lane => lane.Holder.ToString(), StringComparer.Ordinal)], cancellationToken);

    public Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<JobAttempt>>(() => _jobs.TryGetValue(id, out var job) ? [.. job.History] : [], cancellationToken);

    public Task<PendingReason?> GetPendingReasonAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => Do(() =>
    {
        if (!_jobs.TryGetValue(id, out var job) || job.State != JobState.Pending)
            return null;
        if (job.Waits.Count > 0)
            return new PendingReason { Kind = PendingKind.WaitsForJob, Job = job.Waits.MinBy(on => _jobs.TryGetValue(on, out var found) ? found.Seq : long.MaxValue) };
        if (!job.IsDue(now))
            return new PendingReason { Kind = job.Attempts > 0 ? PendingKind.WaitsForRetry : PendingKind.Delayed, Until = job.DueAt };
        if (_paused.Contains("") || _paused.Contains(job.Made.Type))
            return new PendingReason { Kind = PendingKind.Paused };
        if (job.Made.Rate is { } rate && OpensAt(rate, new RateBoard(now)) is { } opens)
            return new PendingReason { Kind = PendingKind.WaitsForRate, Until = opens };
        return LaneReason(job, now) ?? new PendingReason { Kind = PendingKind.Queued };
    }, cancellationToken);

    // The board is played as a claim plays it, up to this job.
    private PendingReason? LaneReason(Row job, DateTimeOffset now)
    {
        var board = new LaneBoard();
        var before = _jobs.Values.Where(one => one.State == JobState.InProgress).OrderBy(one => one.OrderMs).ThenBy(one => one.Seq).ToList();
        foreach (var lane in before.SelectMany(one => one.Made.Lanes))
            board.Hold(lane);
        var earlier = _jobs.Values.Where(one => one.State == JobState.Pending && one.IsDue(now) && (one.OrderMs < job.OrderMs || (one.OrderMs == job.OrderMs && one.Seq < job.Seq)))
            .OrderBy(one => one.OrderMs).ThenBy(one => one.Seq).ToList();
        foreach (var one in earlier)
            board.TryTake(one.Made.Lanes);
        if (board.FirstClosed(job.Made.Lanes) is not { } closed)
            return null;
        var first = before.Concat(earlier).FirstOrDefault(one => one.Made.Lanes.Any(lane => lane.Key == closed.Key));
        return new PendingReason { Kind = PendingKind.WaitsForLane, Lane = closed.Key, Job = first?.Made.Id };
    }

    private static JobInfo Info(Row job) => new()
    {
        Id = job.Made.Id, Type = job.Made.Type, ArgsVersion = job.Made.ArgsVersion, State = job.State, Priority = job.Made.Priority, Attempts = job.Attempts, CreatedAt = Whole(job.Made.CreatedAt), DueAt = job.DueAt,
        DeadlineAt = job.DeadlineAt, Parent = job.Made.Parent, EndedAt = job.EndedAt, Worker = job.Worker, IsCompensating = job.Undo is not null, IsCancelRequested = job.IsCancel, Error = job.Error,
        Progress = job.Progress, ProgressFraction = job.Fraction, Position = job.Position,
    };
}
