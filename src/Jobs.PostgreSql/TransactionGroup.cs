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

    private readonly Channel<Write> _queue = Channel.CreateBounded<Write>(new BoundedChannelOptions(MaxWaiting) { SingleReader = true });
    private readonly Func<Task<NpgsqlConnection>> _open;
    private readonly string _name;
    private readonly string _sender;
    private readonly Task _loop;

    public TransactionGroup(Func<Task<NpgsqlConnection>> open, string name, string sender)
    {
        _open = open;
        _name = name;
        _sender = sender;
        _loop = LoopAsync();
    }

    /// <summary>Runs <paramref name="body"/> in its turn; completes when it is committed. It may be run again from its beginning, after a rollback.</summary>
    public Task<T> WriteAsync<T>(Func<PostgreSqlSession, Task<T>> body, CancellationToken cancellationToken = default) => AddAsync(new BodyWrite<T>(body), cancellationToken);

    /// <summary>Makes jobs without a unique key, a name within a parent, or others to wait for.</summary>
    public Task<IReadOnlyList<JobId>> MakeAsync(IReadOnlyList<NewJob> jobs, CancellationToken cancellationToken) => AddAsync(new MakeWrite(jobs), cancellationToken);

    /// <summary>Ends an attempt COMPLETED; false where that takes more than one statement, or where the token does not hold the job: nothing was written then.</summary>
    public Task<bool> CompleteAsync(EndedAttempt attempt) => AddAsync(new CompleteWrite(attempt), CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await _loop.ConfigureAwait(false);
    }

    private async Task<T> AddAsync<T>(Write<T> write, CancellationToken cancellationToken)
    {
        try
        {
            await _queue.Writer.WriteAsync(write, cancellationToken).ConfigureAwait(false);
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
        while (await _queue.Reader.WaitToReadAsync().ConfigureAwait(false))
        {
            group.Clear();
            while (group.Count < MaxGroup && _queue.Reader.TryRead(out var write))
                group.Add(write);
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
            if (writes.Count > 1 && exception is HypervisorException { Outcome: RequestOutcome.Rejected } or PostgresException { IsTransient: false })
            {
                foreach (var write in writes)
                    await CommitAsync([write], commit).ConfigureAwait(false);
                return;
            }

            var failure = exception as HypervisorException ?? PostgreSqlJobStore.Failure(_name, exception, isSent);
            foreach (var write in writes)
                write.Complete(failure);
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

    // One round trip, which is one transaction. The turn is a statement of its own, so that the others see all that was committed before it.
    private async Task CommitPlainAsync(NpgsqlConnection connection, List<Write> writes)
    {
        List<NewJob> jobs = [.. writes.OfType<MakeWrite>().SelectMany(write => write.Jobs)];
        List<CompleteWrite> ends = [.. writes.OfType<CompleteWrite>()];
        var batch = new NpgsqlBatch(connection);
        await using (batch.ConfigureAwait(false))
        {
            batch.BatchCommands.Add(PlainStatements.Turn(jobs.Count + ends.Count));
            if (jobs.Count > 0)
                batch.BatchCommands.Add(PlainStatements.Make(jobs, ends.Count));
            batch.BatchCommands.Add(PlainStatements.Notify(_sender));
            if (ends.Count > 0)
                batch.BatchCommands.Add(PlainStatements.Complete([.. ends.Select(end => end.Attempt)]));
            var ended = new HashSet<string>(StringComparer.Ordinal);
            var reader = await batch.ExecuteReaderAsync().ConfigureAwait(false);
            await using (reader.ConfigureAwait(false))
            {
                // The notification and the ends answer with rows; only the latter with a text.
                do
                {
                    while (await reader.ReadAsync().ConfigureAwait(false))
                    {
                        if (reader.GetValue(0) is string id && id.Length > 0)
                            ended.Add(id);
                    }
                }
                while (await reader.NextResultAsync().ConfigureAwait(false));
            }

            foreach (var end in ends)
                end.IsDone = ended.Contains(end.Attempt.Id.ToString());
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

    private sealed class CompleteWrite(EndedAttempt attempt) : Write<bool>
    {
        public EndedAttempt Attempt => attempt;

        public bool IsDone { get; set; }

        public override bool HasBody => false;

        protected override bool Result => IsDone;

        public override Task RunAsync(PostgreSqlSession session) => System.Threading.Tasks.Task.CompletedTask;
    }
}
