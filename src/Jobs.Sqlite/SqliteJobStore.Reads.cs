using Microsoft.Data.Sqlite;

namespace Hypervisor.Sdk.Jobs.Sqlite;

internal sealed partial class SqliteJobStore
{
    private const string Columns = "id, type, state, priority, attempts, created_ms, due_ms, ended_ms, worker, cancel, error, progress";

    public Task<JobInfo?> GetAsync(JobId id, CancellationToken cancellationToken) =>
        ReadAsync(session => session.Read($"SELECT {Columns} FROM jobs WHERE id = $0", Info, id.ToString()).FirstOrDefault(), cancellationToken);

    public Task<IReadOnlyList<JobInfo>> ListAsync(JobState? state, int limit, CancellationToken cancellationToken) => ReadAsync<IReadOnlyList<JobInfo>>(session => state is { } only
        ? session.Read($"SELECT {Columns} FROM jobs WHERE state = $0 ORDER BY seq DESC LIMIT $1", Info, (int)only, limit)
        : session.Read($"SELECT {Columns} FROM jobs ORDER BY seq DESC LIMIT $0", Info, limit), cancellationToken);

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
    };

    private static string? Text(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);

    private static DateTimeOffset? Time(SqliteDataReader row, int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
}
