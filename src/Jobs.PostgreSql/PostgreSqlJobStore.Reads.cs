using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

internal sealed partial class PostgreSqlJobStore
{
    private const string Columns = """
        id, jobs.type, state, priority, attempts, created_ms, due_ms, ended_ms, CASE WHEN state = 1 THEN worker END, cancel, error, progress, progress_part, change, deadline_ms, parent, undo, jobs.args_version
        """;

    // The newest of all: the index of the ids is walked, and the state of each looked up, whatever the server believes about its tables.
    private const string Newest = $"""
        SELECT {Columns} FROM hvsdk_jobs.jobs, LATERAL (SELECT * FROM hvsdk_jobs.states WHERE states.seq = jobs.seq AND ($3::int IS NULL OR state = $3) OFFSET 0) AS states
        WHERE id < $1 AND ($2::text IS NULL OR jobs.type = $2) ORDER BY id DESC LIMIT $4
        """;

    // By their numbers one after the other: what ran since the last vacuum is walked over otherwise.
    public Task<IReadOnlyList<JobId>> ListCancelRequestsAsync(IReadOnlyCollection<JobId> running, CancellationToken cancellationToken) => UseAsync<IReadOnlyList<JobId>>(async session =>
        await session.ReadAsync("SELECT id FROM hvsdk_jobs.jobs WHERE id = ANY ($1) AND (SELECT cancel FROM hvsdk_jobs.running WHERE running.seq = jobs.seq)", row => JobId.Parse(row.GetString(0)),
            (object)running.Select(id => id.ToString()).ToArray()).ConfigureAwait(false), cancellationToken);

    public Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken) => UseAsync(async session =>
        (await session.ReadAsync($"SELECT {Columns} FROM hvsdk_jobs.jobs JOIN hvsdk_jobs.states USING (seq) WHERE id = $1", Info, id.ToString()).ConfigureAwait(false)).FirstOrDefault(), cancellationToken);

    // Ids sort by the time of their making.
    public Task<IReadOnlyList<JobInfo>> ListAsync(JobQuery query, int limit, CancellationToken cancellationToken) => UseAsync<IReadOnlyList<JobInfo>>(async session =>
        await session.ReadAsync(query.State is { } state and not JobState.Completed ? OfState(state) : Newest, Info,
            query.Before.IsDefault ? "~" : query.Before.ToString(), query.Type, (int?)query.State, limit).ConfigureAwait(false), cancellationToken);

    public Task<IReadOnlyList<JobInfo>> ListChangesAsync(long after, int limit, CancellationToken cancellationToken) => UseAsync<IReadOnlyList<JobInfo>>(async session =>
        await session.ReadAsync($"SELECT {Columns} FROM (SELECT * FROM hvsdk_jobs.states WHERE change > $1 ORDER BY change LIMIT $2) AS states JOIN hvsdk_jobs.jobs USING (seq) ORDER BY change", Info, after, limit).ConfigureAwait(false), cancellationToken);

    public Task<long> GetPositionAsync(CancellationToken cancellationToken) => UseAsync(async session =>
        (await session.ReadAsync("SELECT change FROM hvsdk_jobs.counters", row => row.GetInt64(0)).ConfigureAwait(false))[0], cancellationToken);

    public Task<StoredResult?> GetResultAsync(JobId id, CancellationToken cancellationToken) => UseAsync(async session => (await session.ReadAsync(
        "SELECT jobs.type, result FROM hvsdk_jobs.jobs JOIN hvsdk_jobs.states USING (seq) WHERE id = $1", row => new StoredResult { Type = row.GetString(0), Json = Text(row, 1) }, id.ToString()).ConfigureAwait(false)).FirstOrDefault(), cancellationToken);

    public Task<IReadOnlyList<JobLogLine>> ListLogAsync(JobId id, long after, int limit, CancellationToken cancellationToken) => UseAsync<IReadOnlyList<JobLogLine>>(async session =>
        await session.ReadAsync("SELECT number, attempt, at_ms, line FROM hvsdk_jobs.logs WHERE job = (SELECT seq FROM hvsdk_jobs.jobs WHERE id = $1) AND number > $2 ORDER BY number LIMIT $3", row => new JobLogLine
        {
            Number = row.GetInt64(0),
            Attempt = row.GetInt32(1),
            At = Time(row, 2)!.Value,
            Text = row.GetString(3),
        }, id.ToString(), after, limit).ConfigureAwait(false), cancellationToken);

    public Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken) => UseAsync<IReadOnlyList<string>>(async session =>
        await session.ReadAsync("SELECT type FROM hvsdk_jobs.paused ORDER BY type COLLATE \"C\"", row => row.GetString(0)).ConfigureAwait(false), cancellationToken);

    public Task<int> CountRunningAsync(string? type, CancellationToken cancellationToken) => UseAsync(async session =>
        (await session.ReadAsync("SELECT count(*)::int FROM hvsdk_jobs.running WHERE $1::text IS NULL OR type = $1", row => row.GetInt32(0), type).ConfigureAwait(false))[0], cancellationToken);

    public Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken) => UseAsync<IReadOnlyList<JobLane>>(async session =>
        [.. (await session.ReadAsync("SELECT id, lanes FROM hvsdk_jobs.running JOIN hvsdk_jobs.jobs USING (seq) WHERE lanes IS NOT NULL", row => (Id: JobId.Parse(row.GetString(0)), Lanes: LaneText.Read(row.GetString(1))))
            .ConfigureAwait(false)).SelectMany(job => job.Lanes.Select(lane => new JobLane { Holder = job.Id, Claim = lane }))
            .OrderBy(lane => lane.Claim.Key.ToString(), StringComparer.Ordinal).ThenBy(lane => lane.Holder.ToString(), StringComparer.Ordinal)], cancellationToken);

    public Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken) => UseAsync<IReadOnlyList<JobAttempt>>(async session => await session.ReadAsync($"""
        SELECT number, worker, token, started_ms, ended_ms, how, reason FROM hvsdk_jobs.attempts WHERE job = {Seq}
        UNION ALL SELECT attempts, worker, token, started_ms, closed_ms, how, reason FROM hvsdk_jobs.states WHERE seq = {Seq} AND attempts > 0 ORDER BY number
        """, row => new JobAttempt
        {
            Number = row.GetInt32(0),
            Worker = row.GetString(1),
            FencingToken = row.GetInt64(2),
            StartedAt = Time(row, 3)!.Value,
            EndedAt = Time(row, 4),
            End = row.IsDBNull(5) ? null : (AttemptEnd)row.GetInt32(5),
            Reason = Text(row, 6),
        }, id.ToString()).ConfigureAwait(false), cancellationToken);

    public Task<IReadOnlyList<ReadyJobs>> ListReadyAsync(DateTimeOffset now, CancellationToken cancellationToken) => UseAsync<IReadOnlyList<ReadyJobs>>(async session => await session.ReadAsync("""
        SELECT type COLLATE "C", args_version, count(*), min(due_ms) FROM hvsdk_jobs.pending WHERE waiting = 0 AND (due_ms <= $1 OR attempts = 0 AND due_ms <= created_ms) GROUP BY 1, 2 ORDER BY 1, 2
        """, row => new ReadyJobs { Type = row.GetString(0), ArgsVersion = row.GetInt32(1), Count = row.GetInt64(2), OldestDueAt = Time(row, 3)!.Value }, Ms(now)).ConfigureAwait(false), cancellationToken);

    public Task<PendingReason?> GetPendingReasonAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => UseAsync(async session =>
    {
        var jobs = await session.ReadAsync($"SELECT seq, CASE WHEN attempts > 0 OR due_ms > created_ms THEN due_ms ELSE 0 END, attempts, order_ms, waiting, type, lanes, rate_key, rate_limit, rate_ms FROM hvsdk_jobs.pending WHERE seq = {Seq}", row =>
            (Seq: row.GetInt64(0), Due: row.GetInt64(1), Attempts: row.GetInt32(2), Order: row.GetInt64(3), Waiting: row.GetInt32(4), Type: row.GetString(5), Lanes: Text(row, 6), Rate: Rate(row, 7)), id.ToString()).ConfigureAwait(false);
        if (jobs is not [var job])
            return null;
        if (job.Waiting > 0)
        {
            var on = await session.ReadAsync("SELECT id FROM hvsdk_jobs.jobs JOIN hvsdk_jobs.waits ON on_job = seq WHERE job = $1 ORDER BY seq LIMIT 1", row => JobId.Parse(row.GetString(0)), job.Seq).ConfigureAwait(false);
            return new PendingReason { Kind = PendingKind.WaitsForJob, Job = on is [var first] ? first : null };
        }

        if (job.Due > Ms(now))
            return new PendingReason { Kind = job.Attempts > 0 ? PendingKind.WaitsForRetry : PendingKind.Delayed, Until = DateTimeOffset.FromUnixTimeMilliseconds(job.Due) };
        if ((await session.ReadAsync("SELECT type FROM hvsdk_jobs.paused WHERE type IN ('', $1)", row => row.GetString(0), job.Type).ConfigureAwait(false)).Count > 0)
            return new PendingReason { Kind = PendingKind.Paused };
        if (job.Rate is not null)
        {
            var rates = new RateBoard(now);
            rates.Load(job.Rate.Key, await session.ReadAsync("SELECT at_ms FROM hvsdk_jobs.starts WHERE key = $1", row => Time(row, 0)!.Value, job.Rate.Key).ConfigureAwait(false));
            if (rates.OpensAt(job.Rate) is { } opens)
                return new PendingReason { Kind = PendingKind.WaitsForRate, Until = opens };
        }

        return await LaneReasonAsync(session, job.Seq, job.Order, LaneText.Read(job.Lanes), now).ConfigureAwait(false) ?? new PendingReason { Kind = PendingKind.Queued };
    }, cancellationToken);

    // The board is played as a claim plays it, up to this job.
    private static async Task<PendingReason?> LaneReasonAsync(PostgreSqlSession session, long seq, long order, IReadOnlyList<LaneClaim> claims, DateTimeOffset now)
    {
        if (claims.Count == 0)
            return null;
        var board = new LaneBoard();
        var before = new List<(JobId Id, IReadOnlyList<LaneClaim> Lanes)>();
        foreach (var (id, isRunning, lanes) in await session.ReadAsync("""
            SELECT id, state, lanes FROM hvsdk_jobs.states JOIN hvsdk_jobs.jobs USING (seq)
            WHERE lanes IS NOT NULL AND (state = 1 OR (state = 0 AND (due_ms <= $1 OR attempts = 0 AND due_ms <= created_ms) AND (order_ms, seq) < ($2, $3))) ORDER BY state DESC, order_ms, seq
            """, row => (JobId.Parse(row.GetString(0)), row.GetInt32(1) == 1, LaneText.Read(row.GetString(2))), Ms(now), order, seq).ConfigureAwait(false))
        {
            before.Add((id, lanes));
            if (!isRunning)
            {
                board.TryTake(lanes);
                continue;
            }

            foreach (var lane in lanes)
                board.Hold(lane);
        }

        if (board.FirstClosed(claims) is not { } closed)
            return null;
        var first = before.FirstOrDefault(job => job.Lanes.Any(lane => lane.Key == closed.Key));
        return new PendingReason { Kind = PendingKind.WaitsForLane, Lane = closed.Key, Job = first.Id.IsDefault ? null : first.Id };
    }

    // Those of a state that few are in: these are looked through.
    private static string OfState(JobState state) => $"""
        SELECT {Columns} FROM hvsdk_jobs.{(state switch { JobState.Pending => "pending", JobState.InProgress => "running", _ => "ended" })} AS states JOIN hvsdk_jobs.jobs USING (seq)
        WHERE state = {(int)state} AND state = $3 AND id < $1 AND ($2::text IS NULL OR jobs.type = $2) ORDER BY id DESC LIMIT $4
        """;

    private static JobInfo Info(NpgsqlDataReader row) => new()
    {
        Id = JobId.Parse(row.GetString(0)),
        Type = row.GetString(1),
        State = (JobState)row.GetInt32(2),
        Priority = row.GetInt32(3),
        Attempts = row.GetInt32(4),
        CreatedAt = Time(row, 5)!.Value,
        DueAt = Time(row, 6)!.Value,
        EndedAt = Time(row, 7),
        Worker = Text(row, 8),
        IsCancelRequested = row.GetBoolean(9),
        Error = Text(row, 10),
        Progress = Text(row, 11),
        ProgressFraction = row.IsDBNull(12) ? null : row.GetDouble(12),
        Position = row.GetInt64(13),
        DeadlineAt = Time(row, 14),
        Parent = Text(row, 15) is { } parent ? JobId.Parse(parent) : null,
        IsCompensating = !row.IsDBNull(16),
        ArgsVersion = row.GetInt32(17),
    };

    private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Time(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
