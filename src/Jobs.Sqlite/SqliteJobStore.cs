using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.Jobs.Sqlite;

/// <summary>Jobs in a SQLite file. Several processes of one machine may share it.</summary>
internal sealed partial class SqliteJobStore : IJobStore, IDisposable
{
    private const string Change = "change";

    private readonly GroupCommit _writer;
    private readonly SqliteSession _reader;
    private readonly Lock _readerGate = new();
    private readonly string _path;
    private readonly TimeSpan? _backupInterval;
    private readonly ILogger? _logger;
    private Task _backup = Task.CompletedTask;

    private SqliteJobStore(string path, SqliteSession writer, TimeSpan? backupInterval, ILogger? logger)
    {
        _path = path;
        _backupInterval = backupInterval;
        _logger = logger;
        _reader = new SqliteSession(path, isReader: true);
        _writer = new GroupCommit(writer, path);
    }

    /// <summary>Opens the file, checks it, and brings it to this version.</summary>
    /// <exception cref="HypervisorException">It is damaged, of a newer version or of another program, or cannot be opened.</exception>
    public static SqliteJobStore Open(string path, TimeSpan? backupInterval = null, ILogger? logger = null, TimeProvider? timeProvider = null)
    {
        SQLitePCL.Batteries_V2.Init();
        SqliteSession? writer = null;
        try
        {
            JobsSqliteBackup.GoOn(path);
            writer = new SqliteSession(path, isReader: false);
            SqliteSchema.Prepare(writer, path, now: (timeProvider ?? TimeProvider.System).GetUtcNow());
            return new SqliteJobStore(path, writer, backupInterval, logger);
        }
        catch (SqliteException exception)
        {
            writer?.Dispose();
            throw SqliteSchema.Refusal(path, $"cannot be opened ({exception.Message.TrimEnd('.')}). It was left as it is: check the path, the rights and the disk{SqliteSchema.Offer(path)}", exception);
        }
        catch
        {
            writer?.Dispose();
            throw;
        }
    }

    /// <inheritdoc />
    /// <remarks>A file does not tell.</remarks>
    public event Action? Changed
    {
        add { }
        remove { }
    }

    public Task<bool?> RenewAsync(JobId id, long fencingToken, DateTimeOffset now, DateTimeOffset until) => _writer.WriteAsync(session =>
        session.Run("UPDATE jobs SET lease_ms = $3 WHERE id = $0 AND state = 1 AND token = $1 AND lease_ms > $2", id.ToString(), fencingToken, Ms(now), Ms(until)) == 0
            ? (bool?)null
            : session.Read("SELECT cancel FROM jobs WHERE id = $0", row => row.GetInt64(0) != 0, id.ToString())[0]);

    public Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now) => _writer.WriteAsync(session => session.Run("""
        INSERT INTO steps (job, name, request, began_ms, undo) SELECT seq, $3, $4, $2, $5 FROM jobs WHERE id = $0 AND state = 1 AND token = $1 AND lease_ms > $2
        ON CONFLICT (job, name) DO UPDATE SET request = excluded.request, began_ms = excluded.began_ms, undo = excluded.undo, ended_ms = NULL, result = NULL
        """, id.ToString(), fencingToken, Ms(now), step.Name, step.Request.ToString(), step.HasCompensation ? 1 : 0) > 0);

    public Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now) => _writer.WriteAsync(session => session.Run("""
        UPDATE steps SET result = $4, ended_ms = $2 WHERE name = $3 AND job = (SELECT seq FROM jobs WHERE id = $0 AND state = 1 AND token = $1 AND lease_ms > $2)
        """, id.ToString(), fencingToken, Ms(now), name, result) > 0);

    public Task<bool> ReportAsync(JobId id, long fencingToken, string progress, double? fraction) => _writer.WriteAsync(session =>
        session.Run("UPDATE jobs SET progress = $2, progress_part = $3, change = $4 WHERE id = $0 AND state = 1 AND token = $1", id.ToString(), fencingToken, progress, fraction, session.Next(Change)) > 0);

    public Task<bool> LogAsync(JobId id, long fencingToken, DateTimeOffset now, string text, int maxLines) => _writer.WriteAsync(session =>
    {
        string job = id.ToString();
        if (session.Run("UPDATE jobs SET change = $2 WHERE id = $0 AND state = 1 AND token = $1", job, fencingToken, session.Next(Change)) == 0)
            return false;
        session.Run("""
            INSERT INTO logs SELECT seq, 1 + coalesce((SELECT max(number) FROM logs WHERE job = seq), 0), attempts, $1, $2 FROM jobs WHERE id = $0
            """, job, Ms(now), text);
        session.Run("""
            DELETE FROM logs WHERE job = (SELECT seq FROM jobs WHERE id = $0) AND number <= (SELECT max(number) FROM logs WHERE job = (SELECT seq FROM jobs WHERE id = $0)) - $1
            """, job, maxLines);
        return true;
    });

    public Task<bool> EndAttemptAsync(EndedAttempt attempt) => _writer.WriteWholeAsync(session =>
    {
        string id = attempt.Id.ToString();
        var state = attempt.State;
        if (state == JobState.Pending && session.Read("SELECT cancel FROM jobs WHERE id = $0", row => row.GetInt64(0) != 0, id) is [true, ..])
            state = JobState.Cancelled;
        var ended = session.Read("""
            UPDATE jobs SET state = $3, worker = NULL, lease_ms = NULL, due_ms = coalesce($4, due_ms), ended_ms = $5, error = coalesce($6, error), result = $7, counted = counted - $8, lost = 0,
            change = $9, keep_ms = CASE WHEN $3 IN (2, 4) THEN $2 + retention_ms END, undone = $10
            WHERE id = $0 AND state = 1 AND token = $1 AND lease_ms > $2 RETURNING seq, EXISTS (SELECT 1 FROM waits WHERE on_job = seq)
            """, row => (Seq: row.GetInt64(0), IsAwaited: row.GetBoolean(1)), id, attempt.FencingToken, Ms(attempt.Now), (int)state, state == JobState.Pending ? Ms(attempt.DueAt) : null, state == JobState.Pending ? null : Ms(attempt.Now),
            attempt.End == AttemptEnd.Returned ? null : attempt.Reason, attempt.Result, attempt.End == AttemptEnd.Returned ? 1 : 0, session.Next(Change),
            attempt.End == AttemptEnd.Compensated ? 1 : 0);
        if (ended is not [var (seq, isAwaited)])
            return false;
        session.Run("UPDATE attempts SET ended_ms = $1, end = $2, reason = $3 WHERE job = $0 AND ended_ms IS NULL", seq, Ms(attempt.Now), (int)attempt.End, attempt.Reason);
        if (state is JobState.Failed or JobState.Cancelled && TryCompensate(session, seq, state, attempt.Now))
            return true;
        if (state != JobState.Pending && isAwaited)
            Release(session, seq, state, attempt.Now);
        return true;
    });

    public Task<IReadOnlyList<JobId>> CancelAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => _writer.WriteAsync<IReadOnlyList<JobId>>(session =>
    {
        var asked = new List<JobId>();
        var open = new Queue<string>([id.ToString()]);
        while (open.TryDequeue(out string? job))
        {
            if (session.Read("SELECT seq, state FROM jobs WHERE id = $0 AND state < 2 AND undo IS NULL", row => (Seq: row.GetInt64(0), State: row.GetInt32(1)), job) is [var found])
            {
                asked.Add(JobId.Parse(job));
                if (found.State == (int)JobState.Pending)
                    End(session, found.Seq, JobState.Cancelled, now, "It was cancelled.");
                else
                    session.Run("UPDATE jobs SET cancel = 1, change = $1 WHERE seq = $0", found.Seq, session.Next(Change));
            }

            foreach (string child in session.Read("SELECT id FROM jobs WHERE parent = $0", row => row.GetString(0), job))
                open.Enqueue(child);
        }

        return asked;
    }, cancellationToken);

    // The unique key may have gone to another job meanwhile: this one then stays as it is. What was undone is done anew; what was not undone to its end is undone further.
    public Task<bool> RetryAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => _writer.WriteAsync(session =>
    {
        if (session.Run("""
            UPDATE jobs SET state = 0, counted = 0, lost = 0, cancel = 0, deadline_ms = NULL, change = $2, due_ms = $1, order_ms = $1 - priority * 60000, ended_ms = NULL WHERE id = $0 AND state = 3
            AND NOT EXISTS (SELECT 1 FROM jobs AS other WHERE other.unique_key = jobs.unique_key AND other.state < 2)
            """, id.ToString(), Ms(now), session.Next(Change)) == 0)
            return false;
        session.Run("DELETE FROM steps WHERE job = (SELECT seq FROM jobs WHERE id = $0 AND undone = 1)", id.ToString());
        session.Run("UPDATE jobs SET undo = NULL, undone = 0 WHERE id = $0 AND undone = 1", id.ToString());
        return true;
    }, cancellationToken);

    public Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken) =>
        _writer.WriteAsync(session => session.Run("DELETE FROM jobs WHERE id = $0 AND state > 1", id.ToString()) > 0, cancellationToken);

    public Task<bool> PauseAsync(string? type, bool isPaused, DateTimeOffset now, CancellationToken cancellationToken) => _writer.WriteAsync(session =>
    {
        // The place of the change is nobody's: it only wakes the workers of other processes.
        session.Next(Change);
        return (isPaused ? session.Run("INSERT OR IGNORE INTO paused VALUES ($0, $1)", type ?? "", Ms(now)) : session.Run("DELETE FROM paused WHERE type = $0", type ?? "")) > 0;
    }, cancellationToken);

    public Task<int> PurgeAsync(DateTimeOffset now, int limit)
    {
        if (_backup.IsCompleted && _backupInterval is { } interval && (JobsSqliteBackup.TakenAt(_path) is not { } taken || taken + interval <= now))
            _backup = Task.Run(Backup);
        return _writer.WriteAsync(session =>
        {
            session.Run("DELETE FROM starts WHERE until_ms <= $0", Ms(now));
            return session.Run("DELETE FROM jobs WHERE seq IN (SELECT seq FROM jobs WHERE keep_ms <= $0 ORDER BY keep_ms LIMIT $1)", Ms(now), limit);
        });
    }

    // Jobs go on without a backup; that there is none is said, and tried again at the next purge.
    private void Backup()
    {
        try
        {
            JobsSqliteBackup.Take(_path);
        }
        catch (Exception exception) when (exception is SqliteException or IOException or UnauthorizedAccessException)
        {
            _logger?.LogError(exception, "The job store '{Path}' could not be backed up; the backup before it, if there is one, stays.", _path);
        }
    }

    /// <summary>Commits what waits, then closes the file.</summary>
    public void Dispose()
    {
        lock (_readerGate)
            _reader.Dispose();
        _writer.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await _backup.ConfigureAwait(false);
        Dispose();
    }

    private static long Ms(DateTimeOffset time) => time.ToUnixTimeMilliseconds();
}
