using System.Collections.Concurrent;
using System.Net.Sockets;
using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>Jobs in a PostgreSQL database, shared by any number of processes.</summary>
internal sealed partial class PostgreSqlJobStore : IJobStore
{
    /// <summary>The channel of the notifications.</summary>
    public const string Channel = "hvsdk_jobs";

    // The job that a call names.
    private const string Seq = "(SELECT seq FROM hvsdk_jobs.jobs WHERE id = $1)";

    private const int MostTurns = 5;

    private static readonly TimeSpan ListenAgainAfter = TimeSpan.FromSeconds(5);

    private readonly NpgsqlDataSource _source;
    private readonly TransactionGroup _writer;
    private readonly SemaphoreSlim _preparing = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _name;

    // How other processes' notifications are told from those of this one.
    private readonly string _sender = Guid.NewGuid().ToString("N");
    private readonly bool _notifications;
    private readonly TimeProvider _timeProvider;

    // The rows of the jobs that this process has taken, by their tokens: their ends need not look for them.
    private readonly ConcurrentDictionary<long, long> _taken = new();
    private Task _listening = Task.CompletedTask;
    private volatile bool _isPrepared;

    /// <param name="connectionString">Where the database is.</param>
    /// <param name="notifications">Whether other processes' work is told by the server.</param>
    /// <param name="timeProvider">The clock of the engine.</param>
    /// <param name="stallLimit">How long a session may keep its turn while the server waits for its client.</param>
    public PostgreSqlJobStore(string connectionString, bool notifications, TimeProvider timeProvider, TimeSpan? stallLimit = null)
    {
        _timeProvider = timeProvider;
        var settings = new NpgsqlConnectionStringBuilder(connectionString);
        _name = $"{settings.Host}/{settings.Database}";
        _notifications = notifications;
        // Nothing is left in a session: the reset of each connection would only make the server forget the plans of the functions.
        settings.NoResetOnClose = true;
        // Of several servers the one that takes writes: after a failover that is another one.
        bool isOneOfSeveral = settings.Host?.Contains(',', StringComparison.Ordinal) == true;
        if (isOneOfSeveral)
            settings.Remove("Target Session Attributes");
        var builder = new NpgsqlSlimDataSourceBuilder(settings.ConnectionString);
        builder.EnableArrays();
        builder.EnableTransportSecurity();
        _source = isOneOfSeveral ? builder.BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary) : builder.Build();
        _writer = new TransactionGroup(OpenAsync, _name, _sender, stallLimit ?? TimeSpan.FromSeconds(10));
    }

    /// <inheritdoc />
    public event Action? Changed;

    /// <summary>How many attempts of this process have not ended, as far as it knows.</summary>
    internal int Taken => _taken.Count;

    /// <summary>
    /// The server refused it, and nothing of it was kept. What ends the connection (class 08, the operator interventions of 57P, whatever is FATAL: an administrator, a crash, a pooler) may come after the commit,
    /// and says nothing of it.
    /// </summary>
    public static bool IsRefusal(Exception exception) => exception is PostgresException { IsTransient: false } refusal && refusal.InvariantSeverity is not ("FATAL" or "PANIC")
        && !refusal.SqlState.StartsWith("08", StringComparison.Ordinal) && !refusal.SqlState.StartsWith("57P", StringComparison.Ordinal);

    /// <summary>What went wrong at the server, on the way there, or before.</summary>
    public static HypervisorException Failure(string name, Exception exception, bool isSent)
    {
        bool isRefused = IsRefusal(exception) || (!isSent && exception is PostgresException { IsTransient: false });
        return PostgreSqlSchema.Refusal(name, $"does not answer as it should ({exception.Message.TrimEnd('.')}){(isRefused || !isSent ? ". Nothing of this was kept" : ". Whether this was kept is not known")}",
            isRefused ? RequestOutcome.Rejected : isSent ? RequestOutcome.Unknown : RequestOutcome.NotSent, exception);
    }

    public async Task<bool?> RenewAsync(JobId id, long fencingToken, DateTimeOffset now, DateTimeOffset until)
    {
        bool? isCancelled = await UseAsync(async session => await session.ReadAsync(
            $"UPDATE hvsdk_jobs.running SET lease_ms = $4 WHERE seq = {Seq} AND token = $2 AND lease_ms > $3 RETURNING cancel", row => row.GetBoolean(0),
            id.ToString(), fencingToken, Ms(now), Ms(until)).ConfigureAwait(false) is [bool cancel] ? (bool?)cancel : null).ConfigureAwait(false);
        Held(fencingToken, isCancelled is not null);
        return isCancelled;
    }

    // The row of the state is locked while the step is written: who takes the job over waits for it, and sees the step.
    public async Task<bool> BeginStepAsync(JobId id, long fencingToken, StoredStep step, DateTimeOffset now) => Held(fencingToken, await UseAsync(async session => await session.RunAsync($"""
        WITH own AS (SELECT seq FROM hvsdk_jobs.running WHERE seq = {Seq} AND token = $2 AND lease_ms > $3 FOR UPDATE)
        INSERT INTO hvsdk_jobs.steps (job, name, request, began_ms, undo) SELECT seq, $4, $5, $3, $6 FROM own
        ON CONFLICT (job, name) DO UPDATE SET request = excluded.request, began_ms = excluded.began_ms, undo = excluded.undo, ended_ms = NULL, result = NULL
        """, id.ToString(), fencingToken, Ms(now), step.Name, step.Request.ToString(), step.HasCompensation).ConfigureAwait(false) > 0).ConfigureAwait(false));

    public async Task<bool> EndStepAsync(JobId id, long fencingToken, string name, string result, DateTimeOffset now) => Held(fencingToken, await UseAsync(async session => await session.RunAsync($"""
        WITH own AS (SELECT seq FROM hvsdk_jobs.running WHERE seq = {Seq} AND token = $2 AND lease_ms > $3 FOR UPDATE)
        UPDATE hvsdk_jobs.steps SET result = $5, ended_ms = $3 FROM own WHERE name = $4 AND job = seq
        """, id.ToString(), fencingToken, Ms(now), name, result).ConfigureAwait(false) > 0).ConfigureAwait(false));

    public async Task<bool> ReportAsync(JobId id, long fencingToken, string progress, double? fraction) => Held(fencingToken, await _writer.WriteAsync(async session => await session.RunAsync(
        $"UPDATE hvsdk_jobs.running SET progress = $3, progress_part = $4, change = $5 WHERE seq = {Seq} AND token = $2",
        id.ToString(), fencingToken, progress, fraction, session.NextChange()).ConfigureAwait(false) > 0).ConfigureAwait(false));

    public async Task<bool> LogAsync(JobId id, long fencingToken, DateTimeOffset now, string text, int maxLines) => Held(fencingToken, await _writer.WriteAsync(async session =>
    {
        var jobs = await session.ReadAsync($"UPDATE hvsdk_jobs.running SET change = $3 WHERE seq = {Seq} AND token = $2 RETURNING seq, attempts", row => (Seq: row.GetInt64(0), Attempts: row.GetInt32(1)),
            id.ToString(), fencingToken, session.NextChange()).ConfigureAwait(false);
        if (jobs is not [var job])
            return false;
        long number = (await session.ReadAsync("""
            INSERT INTO hvsdk_jobs.logs SELECT $1, 1 + coalesce((SELECT max(number) FROM hvsdk_jobs.logs WHERE job = $1), 0), $2, $3, $4 RETURNING number
            """, row => row.GetInt64(0), job.Seq, job.Attempts, Ms(now), text).ConfigureAwait(false))[0];
        if (number > maxLines)
            await session.RunAsync("DELETE FROM hvsdk_jobs.logs WHERE job = $1 AND number <= $2", job.Seq, number - maxLines).ConfigureAwait(false);
        return true;
    }).ConfigureAwait(false));

    public async Task<bool> EndAttemptAsync(EndedAttempt attempt)
    {
        // What most jobs come to goes the short way; the long one says why it was not taken.
        if (_taken.TryRemove(attempt.FencingToken, out long seq) && attempt is { End: AttemptEnd.Completed, State: JobState.Completed, Reason: null }
            && await _writer.CompleteAsync(seq, attempt).ConfigureAwait(false))
        {
            return true;
        }

        return await _writer.WriteAsync(session => EndAttemptAsync(session, attempt)).ConfigureAwait(false);
    }

    private static async Task<bool> EndAttemptAsync(PostgreSqlSession session, EndedAttempt attempt)
    {
        string id = attempt.Id.ToString();
        var state = attempt.State;
        if (state == JobState.Pending && await session.ReadAsync($"SELECT cancel FROM hvsdk_jobs.running WHERE seq = {Seq}", row => row.GetBoolean(0), id).ConfigureAwait(false) is [true, ..])
            state = JobState.Cancelled;
        bool isPending = state == JobState.Pending;
        bool isReturned = attempt.End == AttemptEnd.Returned;
        var jobs = await session.ReadAsync($"""
            UPDATE hvsdk_jobs.states SET state = $4, lease_ms = NULL, due_ms = coalesce($5, due_ms), ended_ms = $6, error = coalesce($7, error), result = $8, counted = counted - $9, lost = 0,
                change = $10, keep_ms = CASE WHEN $4 IN (2, 4) THEN $3 + retention_ms END, undone = $11,
                closed_ms = $3, how = $12, reason = $13
            WHERE seq = {Seq} AND state = 1 AND token = $2 AND lease_ms > $3 RETURNING seq
            """, row => row.GetInt64(0), id, attempt.FencingToken, Ms(attempt.Now), (int)state, isPending ? Ms(attempt.DueAt) : null, isPending ? null : Ms(attempt.Now), isReturned ? null : attempt.Reason,
            attempt.Result, isReturned ? 1 : 0, session.NextChange(), attempt.End == AttemptEnd.Compensated, (int)attempt.End, attempt.Reason).ConfigureAwait(false);
        if (jobs is not [long seq])
            return false;
        if (state is JobState.Failed or JobState.Cancelled && await TryCompensateAsync(session, seq, state, attempt.Now).ConfigureAwait(false))
            return true;
        if (!isPending)
            await ReleaseAsync(session, seq, state, attempt.Now).ConfigureAwait(false);
        return true;
    }

    public Task<IReadOnlyList<JobId>> CancelAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => _writer.WriteAsync<IReadOnlyList<JobId>>(async session =>
    {
        var asked = new List<JobId>();
        var open = new Queue<string>([id.ToString()]);
        while (open.TryDequeue(out string? job))
        {
            if (await session.ReadAsync($"SELECT seq, state FROM hvsdk_jobs.states WHERE seq = {Seq} AND state < 2 AND undo IS NULL", row => (Seq: row.GetInt64(0), State: row.GetInt32(1)), job).ConfigureAwait(false)
                is [var found])
            {
                asked.Add(JobId.Parse(job));
                if (found.State == (int)JobState.Pending)
                    await EndAsync(session, found.Seq, JobState.Cancelled, now, "It was cancelled.").ConfigureAwait(false);
                else
                    await session.RunAsync("UPDATE hvsdk_jobs.running SET cancel = true, change = $2 WHERE seq = $1", found.Seq, session.NextChange()).ConfigureAwait(false);
            }

            foreach (string child in await session.ReadAsync("SELECT id FROM hvsdk_jobs.jobs WHERE parent = $1 ORDER BY seq", row => row.GetString(0), job).ConfigureAwait(false))
                open.Enqueue(child);
        }

        return asked;
    }, cancellationToken);

    // The unique key may have gone to another job meanwhile: this one then stays as it is. What was undone is done anew; what was not undone to its end is undone further.
    public Task<bool> RetryAsync(JobId id, DateTimeOffset now, CancellationToken cancellationToken) => _writer.WriteAsync(async session =>
    {
        if (await session.RunAsync($"""
            UPDATE hvsdk_jobs.states SET state = 0, counted = 0, lost = 0, cancel = false, deadline_ms = NULL, change = $3, due_ms = $2, ended_ms = NULL,
                order_ms = $2 - (SELECT priority FROM hvsdk_jobs.jobs WHERE id = $1) * 60000::bigint
            WHERE seq = {Seq} AND state = 3 AND NOT EXISTS (SELECT 1 FROM hvsdk_jobs.states AS other WHERE other.unique_key = states.unique_key AND other.state < 2)
            """, id.ToString(), Ms(now), session.NextChange()).ConfigureAwait(false) == 0)
            return false;
        await session.RunAsync($"DELETE FROM hvsdk_jobs.steps WHERE job = (SELECT seq FROM hvsdk_jobs.pending WHERE seq = {Seq} AND undone)", id.ToString()).ConfigureAwait(false);
        await session.RunAsync($"UPDATE hvsdk_jobs.pending SET undo = NULL, undone = false WHERE seq = {Seq} AND undone", id.ToString()).ConfigureAwait(false);
        return true;
    }, cancellationToken);

    public Task<bool> DiscardAsync(JobId id, CancellationToken cancellationToken) =>
        _writer.WriteAsync(async session => (await session.ReadAsync($"""
            WITH gone AS (DELETE FROM hvsdk_jobs.ended WHERE seq = {Seq} RETURNING seq), jobs AS (DELETE FROM hvsdk_jobs.jobs USING gone WHERE jobs.seq = gone.seq) SELECT seq FROM gone
            """, row => row.GetInt64(0), id.ToString()).ConfigureAwait(false)).Count > 0, cancellationToken);

    public Task<bool> PauseAsync(string? type, bool isPaused, DateTimeOffset now, CancellationToken cancellationToken) => _writer.WriteAsync(async session =>
    {
        // The place of the change is nobody's: it only wakes the workers of other processes.
        session.NextChange();
        return (isPaused ? await session.RunAsync("INSERT INTO hvsdk_jobs.paused VALUES ($1, $2) ON CONFLICT DO NOTHING", type ?? "", Ms(now)).ConfigureAwait(false)
            : await session.RunAsync("DELETE FROM hvsdk_jobs.paused WHERE type = $1", type ?? "").ConfigureAwait(false)) > 0;
    }, cancellationToken);

    public Task<int> PurgeAsync(DateTimeOffset now, int limit) => _writer.WriteAsync(async session =>
    {
        await session.RunAsync("DELETE FROM hvsdk_jobs.starts WHERE until_ms <= $1", Ms(now)).ConfigureAwait(false);
        return (await session.ReadAsync("""
            WITH gone AS (DELETE FROM hvsdk_jobs.ended WHERE seq IN (SELECT seq FROM hvsdk_jobs.ended WHERE keep_ms <= $1 ORDER BY keep_ms LIMIT $2) RETURNING seq),
            jobs AS (DELETE FROM hvsdk_jobs.jobs USING gone WHERE jobs.seq = gone.seq) SELECT seq FROM gone
            """, row => row.GetInt64(0), Ms(now), limit).ConfigureAwait(false)).Count;
    });

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _writer.DisposeAsync().ConfigureAwait(false);
        await _listening.ConfigureAwait(false);
        await _source.DisposeAsync().ConfigureAwait(false);
        _preparing.Dispose();
        _stop.Dispose();
    }

    public static long Ms(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    // Who has lost his lease never ends the attempt.
    private bool Held(long fencingToken, bool isHeld)
    {
        if (!isHeld)
            _taken.TryRemove(fencingToken, out _);
        return isHeld;
    }

    private async Task<NpgsqlConnection> OpenAsync()
    {
        if (!_isPrepared)
        {
            await _preparing.WaitAsync().ConfigureAwait(false);
            try
            {
                if (!_isPrepared)
                {
                    await PostgreSqlSchema.PrepareAsync(_source, _name, CancellationToken.None).ConfigureAwait(false);
                    if (_notifications)
                        _listening = ListenAsync();
                    _isPrepared = true;
                }
            }
            finally
            {
                _preparing.Release();
            }
        }

        return await _source.OpenConnectionAsync().ConfigureAwait(false);
    }

    // One statement, which is its own transaction.
    private async Task<T> UseAsync<T>(Func<PostgreSqlSession, Task<T>> use, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        bool isSent = false;
        try
        {
            for (int turn = 1; ; turn++)
            {
                var connection = await OpenAsync().ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    isSent = true;
                    try
                    {
                        return await use(new PostgreSqlSession(connection)).ConfigureAwait(false);
                    }
                    catch (PostgresException exception) when (exception.SqlState == PostgresErrorCodes.SerializationFailure && turn < MostTurns)
                    {
                        // The row that it waited for went to another state meanwhile: the statement did nothing, and finds it there.
                    }
                }
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or SocketException or IOException)
        {
            throw Failure(_name, exception, isSent);
        }
    }

    // Without this the workers find by polling what others did: it only makes it quicker, and is begun anew after whatever ended it.
    private async Task ListenAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var connection = await _source.OpenConnectionAsync(_stop.Token).ConfigureAwait(false);
                await using (connection.ConfigureAwait(false))
                {
                    connection.Notification += (_, told) =>
                    {
                        if (told.Payload != _sender)
                            Changed?.Invoke();
                    };
                    await new PostgreSqlSession(connection).RunAsync($"LISTEN {Channel}").ConfigureAwait(false);
                    // What was told before is not told again.
                    Changed?.Invoke();
                    while (true)
                        await connection.WaitAsync(_stop.Token).ConfigureAwait(false);
                }
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception) when (exception is NpgsqlException or TimeoutException or SocketException or IOException)
            {
                await Task.Delay(ListenAgainAfter, _timeProvider, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }
}
