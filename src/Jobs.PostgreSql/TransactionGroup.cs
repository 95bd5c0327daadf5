using System.Diagnostics;
using System.Net.Sockets;
using System.Threading.Channels;
using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.PostgreSql;

/// <summary>
/// The writer of this process. Calls that come while it commits are committed with the next group: jobs that want nothing of others, and ends that nobody waits for, by a handful of statements for all
/// of them; the rest one after the other in one transaction.
/// </summary>
internal sealed class TransactionGroup : IAsyncDisposable
{
    private const int MaxWaiting = 10_000;
    private const int MaxGroup = 512;
    private const int TurnsForEach = 64;
    private const int MostSkipped = 3;

    private readonly Channel<Write> _queue = Channel.CreateBounded<Write>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly Func<Task<NpgsqlConnection>> _open;
    private readonly string _name;
    private readonly string _sender;
    private readonly TimeSpan _stallLimit;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _loop;
    private readonly Task _watch;

    // When the commit that is on its way was begun, by Stopwatch; 0 where none is.
    private long _begun;

    // Calls that make jobs, waiting.
    private int _makes;

    public TransactionGroup(Func<Task<NpgsqlConnection>> open, string name, string sender, TimeSpan stallLimit)
    {
        _open = open;
        _name = name;
        _sender = sender;
        _stallLimit = stallLimit;
        _loop = LoopAsync();
        _watch = WatchAsync();
    }

    /// <summary>Runs <paramref name="body"/> in its turn; completes when it is committed. It may be run again from its beginning, after a rollback.</summary>
    public Task<T> WriteAsync<T>(Func<PostgreSqlSession, Task<T>> body, CancellationToken cancellationToken = default) => AddAsync(new BodyWrite<T>(body), cancellationToken);

    /// <summary>Makes jobs without a unique key, a name within a parent, or others to wait for.</summary>
    public Task<IReadOnlyList<JobId>> MakeAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) => AddAsync(new MakeWrite(jobs), cancellationToken);

    /// <summary>Ends an attempt COMPLETED; false where that takes more than one statement, or where the token does not hold the job: nothing was written then.</summary>
    public Task<bool> CompleteAsync(long seq, EndedAttempt attempt) => AddAsync(new CompleteWrite(seq, attempt), CancellationToken.None);

    /// <summary>Takes jobs that have neither lanes nor a rate, up to the first that has.</summary>
    public Task<FirstClaim> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken) => AddAsync(new ClaimWrite(request), cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
        await _stop.CancelAsync().ConfigureAwait(false);
        await _watch.ConfigureAwait(false);
        _stop.Dispose();
    }

    private async Task<T> AddAsync<T>(Write<T> write, CancellationToken cancellationToken)
    {
        try
        {
            await _queue.Writer.WriteAsync(write, cancellationToken).ConfigureAwait(false);
            if (write is MakeWrite)
                Interlocked.Increment(ref _makes);
        }
        catch (ChannelClosedException exception)
        {
            throw new ObjectDisposedException($"The job store '{_name}' is closed.", exception);
        }

        return await write.Task.ConfigureAwait(false);
    }

    private async Task LoopAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var group = new List<Write>();
        var later = new List<Write>();
        int makers = 0;
        int skipped = 0;
        while (later.Count > 0 || await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            // Who has just made a job mostly makes another one at once: without a word to wait for them every other commit would go without half of them.
            for (int turn = 0; turn < TurnsForEach * makers && Volatile.Read(ref _makes) < makers; turn++)
                await Task.Yield();
            group.Clear();
            group.AddRange(later);
            later.Clear();
            while (group.Count < MaxGroup && _queue.Reader.TryRead(out var write))
                group.Add(write);
            makers = group.OfType<MakeWrite>().Count();
            Interlocked.Add(ref _makes, -makers);
            // Ends and claims cost nearly the same for many as for few, and who makes jobs waits for every commit: while there are such, ends and claims go with every so many.
            if (makers > 0 && group.Count > makers && skipped < MostSkipped && !group.Exists(write => write.HasBody))
            {
                later.AddRange(group.Where(write => write is not MakeWrite));
                group.RemoveAll(write => write is not MakeWrite);
                skipped++;
            }
            else
            {
                skipped = 0;
            }

            await CommitAsync([.. group.Where(write => !write.HasBody)], CommitPlainAsync).ConfigureAwait(false);
            await CommitAsync([.. group.Where(write => write.HasBody)], CommitBodiesAsync).ConfigureAwait(false);
        }
    }

    private async Task CommitAsync(List<Write> writes, Func<NpgsqlConnection, List<Write>, Task> commit)
    {
        if (writes.Count == 0)
            return;
        bool isSent = false;
        try
        {
            var connection = await _open().ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                isSent = true;
                Volatile.Write(ref _begun, Stopwatch.GetTimestamp());
                await commit(connection, writes).ConfigureAwait(false);
            }

            foreach (var write in writes)
                write.Complete(null);
        }
#pragma warning disable CA1031 // Whatever it is, those who wait are told.
        catch (Exception exception)
#pragma warning restore CA1031
        {
            // What a body refused spoils the transaction of all others: each is tried alone then.
            if (writes.Count > 1 && (exception is HypervisorException { Outcome: RequestOutcome.Rejected } || PostgreSqlJobStore.IsRefusal(exception)))
            {
                foreach (var write in writes)
                    await CommitAsync([write], commit).ConfigureAwait(false);
                return;
            }

            var failure = exception as HypervisorException ?? PostgreSqlJobStore.Failure(_name, exception, isSent);
            foreach (var write in writes)
                write.Complete(failure);
        }
        finally
        {
            Volatile.Write(ref _begun, 0);
        }
    }

    // A process that is stopped while the server sends to it, or waits for the rest of what it sends, keeps its turn, and no limit of the server ends that. Who waits for the turn ends the session of whom it waits
    // for, where that one has written, and is found waiting for its client.
    private async Task WatchAsync()
    {
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        using var timer = new PeriodicTimer(_stallLimit / 2);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
            {
                if (Volatile.Read(ref _begun) is var begun and not 0 && Stopwatch.GetElapsedTime(begun) > _stallLimit)
                    await EndStalledAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    private async Task EndStalledAsync()
    {
        try
        {
            var connection = await _open().ConfigureAwait(false);
            await using (connection.ConfigureAwait(false))
            {
                await new PostgreSqlSession(connection).ReadAsync("""
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE usename = current_user AND wait_event_type = 'Client' AND state <> 'idle' AND backend_xid IS NOT NULL AND state_change < now() - make_interval(secs => $1)
                        AND pid IN (SELECT unnest(pg_blocking_pids(waits.pid)) FROM pg_stat_activity AS waits
                            WHERE waits.datname = current_database() AND waits.wait_event_type = 'Lock' AND waits.query LIKE '%hvsdk_jobs.%')
                    """, row => row.GetBoolean(0), _stallLimit.TotalSeconds).ConfigureAwait(false);
            }
        }
        catch (Exception exception) when (exception is NpgsqlException or TimeoutException or SocketException or IOException or HypervisorException)
        {
            // It is tried again at the next turn; the call that waits says what is wrong.
        }
    }

    private async Task CommitBodiesAsync(NpgsqlConnection connection, List<Write> writes)
    {
        var transaction = await connection.BeginTransactionAsync().ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            var session = new PostgreSqlSession(connection, transaction);
            await session.TakeTurnAsync().ConfigureAwait(false);
            foreach (var write in writes)
                await write.RunAsync(session).ConfigureAwait(false);
            await session.KeepCountersAsync(_sender).ConfigureAwait(false);
            await transaction.CommitAsync().ConfigureAwait(false);
        }
    }

    // One round trip, which is one transaction: what ends frees places and lanes for what is taken in it.
    private async Task CommitPlainAsync(NpgsqlConnection connection, List<Write> writes)
    {
        List<NewJob> jobs = [.. writes.OfType<MakeWrite>().SelectMany(write => write.Jobs)];
        List<CompleteWrite> ends = [.. writes.OfType<CompleteWrite>()];
        ends.ForEach(end => end.IsDone = false);
        List<ClaimWrite> claims = [.. writes.OfType<ClaimWrite>()];
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            if (jobs.Count > 0)
                batch.BatchCommands.Add(PlainStatements.Make(jobs, _sender));
            if (ends.Count > 0)
                batch.BatchCommands.Add(PlainStatements.Finish([.. ends.Select(end => (end.Seq, end.Attempt))], _sender));
            foreach (var claim in claims)
                batch.BatchCommands.Add(PlainStatements.Take(claim.Settle(), _sender));
            var reader = await batch.ExecuteReaderAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                if (jobs.Count > 0)
                    await reader.NextResultAsync().ConfigureAwait(false);
                if (ends.Count > 0)
                {
                    while (await reader.ReadAsync().ConfigureAwait(false))
                        ends[(int)reader.GetInt64(0) - 1].IsDone = true;
                    await reader.NextResultAsync().ConfigureAwait(false);
                }

                foreach (var claim in claims)
                    claim.Claimed = await PostgreSqlJobStore.ReadTakenAsync(reader).ConfigureAwait(false);

                // To the end: what fails there fails all.
                while (await reader.NextResultAsync().ConfigureAwait(false))
                {
                }
            }
        }
    }

    private abstract class Write
    {
        public abstract bool HasBody { get; }

        public abstract Task RunAsync(PostgreSqlSession session);

        public abstract void Complete(Exception? failure);
    }

    private abstract class Write<T> : Write
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<T> Task => _done.Task;

        protected abstract T Result { get; }

        public override void Complete(Exception? failure)
        {
            if (failure is null)
                _done.SetResult(Result);
            else
                _done.SetException(failure);
        }
    }

    private sealed class BodyWrite<T>(Func<PostgreSqlSession, Task<T>> body) : Write<T>
    {
        private T? _result;

        public override bool HasBody => true;

        protected override T Result => _result!;

        public override async Task RunAsync(PostgreSqlSession session) => _result = await body(session).ConfigureAwait(false);
    }

    private sealed class MakeWrite(IReadOnlyList<NewJob> jobs) : Write<IReadOnlyList<JobId>>
    {
        public IReadOnlyList<NewJob> Jobs => jobs;

        public override bool HasBody => false;

        protected override IReadOnlyList<JobId> Result => [.. jobs.Select(job => job.Id)];

        public override Task RunAsync(PostgreSqlSession session) => System.Threading.Tasks.Task.CompletedTask;
    }

    private sealed class CompleteWrite(long seq, EndedAttempt attempt) : Write<bool>
    {
        public long Seq => seq;

        public EndedAttempt Attempt => attempt;

        public bool IsDone { get; set; }

        public override bool HasBody => false;

        protected override bool Result => IsDone;

        public override Task RunAsync(PostgreSqlSession session) => System.Threading.Tasks.Task.CompletedTask;
    }

    private sealed class ClaimWrite(ClaimRequest request) : Write<FirstClaim>
    {
        // What ended since it was asked has free places by now, and its end is mostly in this group.
        public ClaimRequest Settle() => request.Settle();

        public FirstClaim? Claimed { get; set; }

        public override bool HasBody => false;

        protected override FirstClaim Result => Claimed!;

        public override Task RunAsync(PostgreSqlSession session) => System.Threading.Tasks.Task.CompletedTask;
    }
}
