using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;

namespace Hypervisor.Sdk.Jobs.Sqlite;

/// <summary>The only writer of the file: those who come together are committed together, each within a savepoint of its own. A thread, as SQLite waits for the disk in the call.</summary>
internal sealed class GroupCommit : IDisposable
{
    private const int MaxWaiting = 10_000;
    private const int MaxGroup = 512;
    private const int TurnsForEach = 16;

    private readonly BlockingCollection<Write> _queue = new(MaxWaiting);
    private readonly SqliteSession _session;
    private readonly string _path;
    private readonly Thread _thread;

    // Calls that make jobs, waiting.
    private int _makes;

    public GroupCommit(SqliteSession session, string path)
    {
        _session = session;
        _path = path;
        _thread = new Thread(Loop) { IsBackground = true, Name = "Hypervisor.Sdk.Jobs.Sqlite" };
        _thread.Start();
    }

    /// <summary>Runs <paramref name="body"/> within a transaction; completes when it is on the disk.</summary>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> body, CancellationToken cancellationToken = default) => AddAsync(new Write<T>(body, isWhole: false), cancellationToken);

    /// <summary>Makes jobs that refuse nothing: who has made one mostly makes another one at once, and is waited for by the next group.</summary>
    public Task<T> MakeAsync<T>(Func<SqliteSession, T> body, CancellationToken cancellationToken)
    {
        var made = AddAsync(new Write<T>(body, isWhole: true, isMake: true), cancellationToken);
        Interlocked.Increment(ref _makes);
        return made;
    }

    /// <summary>The same for what refuses nothing once it has written something, so that nothing has to be undone for it alone.</summary>
    public Task<T> WriteWholeAsync<T>(Func<SqliteSession, T> body, CancellationToken cancellationToken = default) => AddAsync(new Write<T>(body, isWhole: true), cancellationToken);

    private Task<T> AddAsync<T>(Write<T> write, CancellationToken cancellationToken)
    {
        try
        {
            _queue.Add(write, cancellationToken);
        }
        catch (InvalidOperationException exception)
        {
            return Task.FromException<T>(new ObjectDisposedException($"The job store '{_path}' is closed.", exception));
        }

        return write.Task;
    }

    public void Dispose()
    {
        if (_queue.IsAddingCompleted)
            return;
        _queue.CompleteAdding();
        _thread.Join();
        _session.Dispose();
        _queue.Dispose();
    }

    private void Loop()
    {
        var group = new List<Write>();
        int makers = 0;
        foreach (var first in _queue.GetConsumingEnumerable())
        {
            for (int turn = 0; turn < TurnsForEach * makers && Volatile.Read(ref _makes) < makers; turn++)
                Thread.Yield();
            group.Clear();
            group.Add(first);
            while (group.Count < MaxGroup && _queue.TryTake(out var next))
                group.Add(next);
            makers = group.Count(write => write.IsMake);
            Interlocked.Add(ref _makes, -makers);
            Commit(group);
        }
    }

    private void Commit(List<Write> group)
    {
        bool isOpen = false;
        try
        {
            _session.Run("BEGIN IMMEDIATE");
            isOpen = true;
            foreach (var write in group)
            {
                if (write.IsWhole)
                {
                    write.TryRun(_session);
                    continue;
                }

                _session.Run("SAVEPOINT one");
                if (!write.TryRun(_session))
                    _session.Run("ROLLBACK TO one");
                _session.Run("RELEASE one");
            }

            _session.KeepCounters();
            _session.Run("COMMIT");
            isOpen = false;
        }
        catch (SqliteException exception)
        {
            var failure = SqliteSchema.WriteFailure(_path, exception);
            foreach (var write in group)
                write.Fail(failure);
            if (isOpen)
                RollBack();
            _session.ForgetCounters();
        }

        foreach (var write in group)
            write.Complete();
    }

    private void RollBack()
    {
        try
        {
            _session.Run("ROLLBACK");
        }
        catch (SqliteException)
        {
            // SQLite rolls back by itself on some errors (a full disk among them), and then says that there is no transaction.
        }
    }

    private abstract class Write(bool isWhole, bool isMake)
    {
        public bool IsMake => isMake;

        public bool IsWhole => isWhole;

        public abstract bool TryRun(SqliteSession session);

        public abstract void Fail(Exception exception);

        public abstract void Complete();
    }

    private sealed class Write<T>(Func<SqliteSession, T> body, bool isWhole, bool isMake = false) : Write(isWhole, isMake)
    {
        private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private Exception? _failure;
        private T? _result;

        public Task<T> Task => _done.Task;

        // An error of the database itself ends the whole group; what the body refuses ends the body.
        public override bool TryRun(SqliteSession session)
        {
            try
            {
                _result = body(session);
                return true;
            }
            catch (Exception exception) when (exception is not SqliteException)
            {
                _failure = exception;
                return false;
            }
        }

        public override void Fail(Exception exception) => _failure = exception;

        public override void Complete()
        {
            if (_failure is null)
                _done.SetResult(_result!);
            else
                _done.SetException(_failure);
        }
    }
}
