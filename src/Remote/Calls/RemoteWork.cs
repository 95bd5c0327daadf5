using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Remote.Wire;

namespace Hypervisor.Sdk.Remote.Calls;

/// <summary>
/// Work that was begun over there: an open call, which ends with the work and what it led to once somebody waits, or with the last who could wait. One whose connection was lost is looked up by its token, where it has one.
/// </summary>
internal sealed class RemoteWork
{
    private readonly RemoteCalls _calls;
    private RemoteSession _session;

    private RemoteWork(RemoteSession session)
    {
        _calls = session.Calls;
        _session = session;
        Token = session.Opened.Find<OperationToken?>();
        RequestId = session.Opened.Next<RequestId>();
        Kind = session.Opened.Find<string>();
    }

    // Nobody waits for it any more: then nobody needs to keep it over there either.
    ~RemoteWork() => _session.Abandon();

    public OperationToken? Token { get; }

    public RequestId RequestId { get; }

    /// <summary>What the work makes or changes; null when nothing.</summary>
    public string? Kind { get; }

    public static Operation Make(RemoteSession session) => new RemoteOperation(Read(session));

    public static Operation<T> Make<T>(RemoteSession session) => new RemoteOperation<T>(Read(session));

    /// <summary>Of whichever kind the other end says.</summary>
    public static Operation MakeOfItsKind(RemoteSession session)
    {
        var work = Read(session);
        return work.Kind switch
        {
            "instance" => new RemoteOperation<Instance>(work),
            "snapshot" => new RemoteOperation<Snapshot>(work),
            "volume" => new RemoteOperation<Volume>(work),
            "storagePool" => new RemoteOperation<StoragePool>(work),
            _ => new RemoteOperation(work),
        };
    }

    /// <summary>The word for what work makes or changes.</summary>
    public static string? KindOf(Operation operation) => operation switch
    {
        Operation<Instance> => "instance",
        Operation<Snapshot> => "snapshot",
        Operation<Volume> => "volume",
        Operation<StoragePool> => "storagePool",
        _ => null,
    };

    public async ValueTask<OperationProgress> GetProgressAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            return await FollowAsync(async session => session.IsEnded ? (await EndAsync(session, cancellationToken).ConfigureAwait(false)).Progress : await session.Ask("operation.progress").SendAsync<OperationProgress>(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
        }
        catch (BackendConnectionException error) when (Volatile.Read(ref _session).IsLost)
        {
            return new OperationProgress { State = OperationState.Unknown, Error = error };
        }
    }

    public async Task<T?> WaitAsync<T>(CancellationToken cancellationToken)
    {
        var (result, error, _) = await FollowAsync(
            async session =>
            {
                if (!session.IsEnded)
                    await session.Ask("operation.await").SendAsync(cancellationToken).ConfigureAwait(false);
                return await EndAsync<T>(session, cancellationToken).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        return error is null ? result : throw error;
    }

    public async Task<bool> TryCancelAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await FollowAsync(async session => !session.IsEnded && await session.Ask("operation.cancel").SendAsync<bool>(cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    public async IAsyncEnumerable<OperationProgress> WatchAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var session = Volatile.Read(ref _session);
        if (!session.IsEnded)
        {
            OperationProgress? last = null;
            await foreach (var moment in session.Ask("operation.watch").ListAsync<OperationProgress>(cancellationToken).ConfigureAwait(false))
                yield return last = moment;
            if (last is not null && last.State != OperationState.Running)
                yield break;
        }

        // It had ended before it could be watched.
        yield return await GetProgressAsync(cancellationToken).ConfigureAwait(false);
    }

    private static RemoteWork Read(RemoteSession session)
    {
        try
        {
            return new RemoteWork(session);
        }
        catch (System.Text.Json.JsonException error)
        {
            session.Abandon();
            throw WireFailure.Unreadable(error, "work", session.Calls.Backend, changes: true);
        }
    }

    /// <summary>Does something with the work, and once more with what its token leads to when the connection is lost meanwhile.</summary>
    private async Task<T> FollowAsync<T>(Func<RemoteSession, Task<T>> act, CancellationToken cancellationToken)
    {
        while (true)
        {
            var session = Volatile.Read(ref _session);
            try
            {
                return await act(session).ConfigureAwait(false);
            }
            catch (HypervisorException error) when (session.IsLost)
            {
                if (Token is null || !await TryResumeAsync(session, Token.Value, cancellationToken).ConfigureAwait(false))
                    throw new BackendConnectionException($"The connection to the backend '{_calls.Backend}' was lost before the work of the request '{RequestId}' ended: look the request up. {error.Message}", ErrorCode.Unavailable, RequestOutcome.Unknown, error) { Backend = _calls.Backend };
            }
        }
    }

    private async Task<bool> TryResumeAsync(RemoteSession lost, OperationToken token, CancellationToken cancellationToken)
    {
        try
        {
            var session = await _calls.Change("operations.resume").With(token).OpenAsync(cancellationToken).ConfigureAwait(false);
            if (!session.Opened.Next<bool>())
            {
                session.Abandon();
                return false;
            }

            if (Interlocked.CompareExchange(ref _session, session, lost) != lost)
                session.Abandon();
            return true;
        }
        catch (HypervisorException)
        {
            // That it was lost is what the caller is told.
            return false;
        }
    }

    private static async Task<(object? Result, HypervisorException? Error, OperationProgress Progress)> EndAsync(RemoteSession session, CancellationToken cancellationToken)
    {
        var end = await session.EndedAsync(cancellationToken).ConfigureAwait(false);
        return (null, end?.Find<HypervisorException>(), end?.Next<OperationProgress>() ?? new OperationProgress { State = OperationState.Unknown });
    }

    private static async Task<(T? Result, HypervisorException? Error, OperationProgress Progress)> EndAsync<T>(RemoteSession session, CancellationToken cancellationToken)
    {
        var end = await session.EndedAsync(cancellationToken).ConfigureAwait(false);
        if (end is null)
            return default;
        var error = end.Find<HypervisorException>();
        var progress = end.Next<OperationProgress>();
        return (end.Find<T>(), error, progress);
    }
}
