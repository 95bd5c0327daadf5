using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Data.Sqlite;

namespace Hypervisor.Sdk.Jobs.Sqlite;

internal sealed partial class SqliteJobStore
{
    private const string Columns = "id, type, state, priority, attempts, created_ms, due_ms, ended_ms, worker, cancel, error, progress, progress_part, change, deadline_ms, parent, undo, args_version";

    // What runs is few.
    public Task<IReadOnlyList<JobId>> ListCancelRequestsAsync(IReadOnlyCollection<JobId> running, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<JobId>>(session =>
        [.. session.Read("SELECT id FROM jobs WHERE state = 1 AND cancel = 1", row => JobId.Parse(row.GetString(0))).Intersect(running)], cancellationToken);

    public Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken) =>
        ReadAsync(session => session.Read($"SELECT {Columns} FROM jobs WHERE id = $0", Info, id.ToString()).FirstOrDefault(), cancellationToken);

    // Ids sort by the time of their making.
    public Task<IReadOnlyList<JobInfo>> ListAsync(JobQuery query, int limit, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<JobInfo>>(session =>
        session.Read(ListOf(query.State), Info, query.Before.IsDefault ? "~" : query.Before.ToString(), query.Type, limit), cancellationToken);

    /// <summary>Jobs before an id, newest first. Those of a state that few are in are found by its index, which is named: the ids of all that ended since would be walked otherwise. Those that wait may be many, and the newest.</summary>
    internal static string ListOf(JobState? state) => state is { } one
        ? $"SELECT {Columns} FROM jobs {IndexOf(one)} WHERE state = {(int)one} AND id < $0 AND ($1 IS NULL OR type = $1) ORDER BY id DESC LIMIT $2"
        : $"SELECT {Columns} FROM jobs WHERE id < $0 AND ($1 IS NULL OR type = $1) ORDER BY id DESC LIMIT $2";

    private static string IndexOf(JobState state) => state switch
    {
        JobState.InProgress => "INDEXED BY jobs_running",
        JobState.Failed => "INDEXED BY jobs_failed",
        JobState.Cancelled => "INDEXED BY jobs_cancelled",
        _ => "",
    };

    public Task<IReadOnlyList<JobInfo>> ListChangesAsync(long after, int limit, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<JobInfo>>(session =>
        session.Read($"SELECT {Columns} FROM jobs WHERE change > $0 ORDER BY change LIMIT $1", Info, after, limit), cancellationToken);

    public Task<long> GetPositionAsync(CancellationToken cancellationToken) =>
        ReadAsync(session => session.Read("SELECT value FROM counters WHERE name = 'change'", row => row.GetInt64(0))[0], cancellationToken);

    public Task<StoredResult?> GetResultAsync(JobId id, CancellationToken cancellationToken) => ReadAsync(session =>
        session.Read("SELECT type, result FROM jobs WHERE id = $0", row => new StoredResult { Type = row.GetString(0), Json = Text(row, 1) }, id.ToString()).FirstOrDefault(), cancellationToken);

    public Task<IReadOnlyList<JobLogLine>> ListLogAsync(JobId id, long after, int limit, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<JobLogLine>>(session =>
        session.Read("SELECT number, attempt, at_ms, text FROM logs WHERE job = (SELECT seq FROM jobs WHERE id = $0) AND number > $1 ORDER BY number LIMIT $2", row => new JobLogLine
        {
            Number = row.GetInt64(0),
            Attempt = row.GetInt32(1),
            At = Time(row, 2)!.Value,
            Text = row.GetString(3),
        }, id.ToString(), after, limit), cancellationToken);

    public Task<IReadOnlyList<string>> ListPausedAsync(CancellationToken cancellationToken) =>
        ReadAsync<IReadOnlyList<string>>(session => session.Read("SELECT type FROM paused ORDER BY type", row => row.GetString(0)), cancellationToken);

    public Task<int> CountRunningAsync(string? type, CancellationToken cancellationToken) =>
        ReadAsync(session => session.Read("SELECT count(*) FROM jobs WHERE state = 1 AND ($0 IS NULL OR type = $0)", row => row.GetInt32(0), type)[0], cancellationToken);

    public Task<IReadOnlyList<ReadyJobs>> ListReadyAsync(DateTimeOffset now, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<ReadyJobs>>(session =>
        session.Read("SELECT type, args_version, count(*), min(due_ms) FROM jobs WHERE state = 0 AND waiting = 0 AND (due_ms <= $0 OR attempts = 0 AND due_ms <= created_ms) GROUP BY type, args_version ORDER BY type, args_version",
            row => new ReadyJobs { Type = row.GetString(0), ArgsVersion = row.GetInt32(1), Count = row.GetInt64(2), OldestDueAt = Time(row, 3)!.Value }, Ms(now)), cancellationToken);

    public Task<PendingReason?> GetPendingReasonAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => ReadAsync(session =>
    {
        var jobs = session.Read("SELECT seq, CASE WHEN attempts > 0 OR due_ms > created_ms THEN due_ms ELSE 0 END, attempts, order_ms, waiting, type, rate_key, rate_limit, rate_ms FROM jobs WHERE id = $0 AND state = 0",
            row => (Seq: row.GetInt64(0), Due: row.GetInt64(1), Attempts: row.GetInt32(2), Order: row.GetInt64(3), Waiting: row.GetInt32(4), Type: row.GetString(5), Rate: Rate(row, 6)), id.ToString());
        if (jobs is not [var job])
            return null;
        if (job.Waiting > 0)
        {
            var on = session.Read("SELECT id FROM jobs JOIN waits ON on_job = seq WHERE job = $0 ORDER BY seq LIMIT 1", row => JobId.Parse(row.GetString(0)), job.Seq);
            return new PendingReason { Kind = PendingKind.WaitsForJob, Job = on is [var first] ? first : null };
        }

        if (job.Due > Ms(now))
            return new PendingReason { Kind = job.Attempts > 0 ? PendingKind.WaitsForRetry : PendingKind.Delayed, Until = DateTimeOffset.FromUnixTimeMilliseconds(job.Due) };
        if (session.Read("SELECT type FROM paused WHERE type IN ('', $0)", row => row.GetString(0), job.Type).Count > 0)
            return new PendingReason { Kind = PendingKind.Paused };
        if (job.Rate is not null && OpensAt(session, job.Rate, new RateBoard(now)) is { } opens)
            return new PendingReason { Kind = PendingKind.WaitsForRate, Until = opens };
        return LaneReason(session, job.Seq, job.Order, now) ?? new PendingReason { Kind = PendingKind.Queued };
    }, cancellationToken);

    // The board is played as a claim plays it, up to this job.
    private static PendingReason? LaneReason(SqliteSession session, long seq, long order, DateTimeOffset now)
    {
        var claims = session.Read(LanesOfJob, Lane, seq);
        if (claims.Count == 0)
            return null;
        var board = new LaneBoard();
        foreach (var held in session.Read(LanesHeld, Lane))
            board.Hold(held);
        foreach (long earlier in session.Read("""
            SELECT seq FROM jobs WHERE state = 0 AND (due_ms <= $0 OR attempts = 0 AND due_ms <= created_ms) AND lane_count > 0 AND (order_ms, seq) < ($1, $2) ORDER BY order_ms, seq
            """, row => row.GetInt64(0), Ms(now), order, seq))
            board.TryTake(session.Read(LanesOfJob, Lane, earlier));
        if (board.FirstClosed(claims) is not { } closed)
            return null;
        var before = session.Read("""
            SELECT id FROM jobs JOIN lanes ON job = seq WHERE key = $0 AND (state = 1 OR (state = 0 AND (due_ms <= $1 OR attempts = 0 AND due_ms <= created_ms) AND (order_ms, seq) < ($2, $3))) ORDER BY state DESC, order_ms, seq LIMIT 1
            """, row => JobId.Parse(row.GetString(0)), closed.Key.ToString(), Ms(now), order, seq);
        return new PendingReason { Kind = PendingKind.WaitsForLane, Lane = closed.Key, Job = before is [var first] ? first : null };
    }

    public Task<IReadOnlyList<JobLane>> ListLanesAsync(CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<JobLane>>(session =>
        session.Read("SELECT key, exclusive, weight, capacity, id FROM lanes JOIN jobs ON seq = job WHERE state = 1 AND lane_count > 0 ORDER BY key, id",
            row => new JobLane { Holder = JobId.Parse(row.GetString(4)), Claim = Lane(row) }), cancellationToken);

    public Task<IReadOnlyList<JobAttempt>> ListAttemptsAsync(JobId id, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<JobAttempt>>(session =>
        session.Read("SELECT number, worker, token, started_ms, ended_ms, end, reason FROM attempts WHERE job = (SELECT seq FROM jobs WHERE id = $0) ORDER BY number", row => new JobAttempt
        {
            Number = row.GetInt32(0),
            Worker = row.GetString(1),
            FencingToken = row.GetInt64(2),
            StartedAt = Time(row, 3)!.Value,
            EndedAt = Time(row, 4),
            End = row.IsDBNull(5) ? null : (AttemptEnd)row.GetInt32(5),
            Reason = Text(row, 6),
        }, id.ToString()), cancellationToken);

    // A reader of its own sees the last commit and is blocked by no writer.
    private Task<T> ReadAsync<T>(Func<SqliteSession, T> read, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            lock (_readerGate)
                return Task.FromResult(read(_reader));
        }
        catch (SqliteException exception)
        {
            return Task.FromException<T>(SqliteSchema.Refusal(_path, $"cannot be read ({exception.Message.TrimEnd('.')})", exception));
        }
    }

    private static JobInfo Info(SqliteDataReader row) => new()
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
        IsCancelRequested = row.GetInt64(9) != 0,
        Error = Text(row, 10),
        Progress = Text(row, 11),
        ProgressFraction = row.IsDBNull(12) ? null : row.GetDouble(12),
        Position = row.GetInt64(13),
        DeadlineAt = Time(row, 14),
        Parent = Text(row, 15) is { } parent ? JobId.Parse(parent) : null,
        IsCompensating = !row.IsDBNull(16),
        ArgsVersion = row.GetInt32(17),
    };

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Time(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
