using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.Libvirt.Rpc;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>The connection of a backend, made again when it ends. A call that was under way is never repeated: whoever made it is told that its outcome is unknown.</summary>
internal sealed class LibvirtLink(Func<CancellationToken, Task<LibvirtConnection>> connect, TimeProvider time) : IAsyncDisposable
{
    private static readonly TimeSpan s_firstDelay = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(30);

    [SuppressMessage("Usage", "CA2213", Justification = "Who waits at it when the backend is closed has to be let in, to be told so; it has nothing to give back.")]
    private readonly SemaphoreSlim _gate = new(1, 1);

    private readonly CancellationTokenSource _closing = new();
    private LibvirtConnection? _current;
    private Task _watching = Task.CompletedTask;
    private int _isClosed;

    /// <summary>Is called with each new connection before it is used; what it throws is the failure of connecting.</summary>
    public Func<LibvirtConnection, CancellationToken, Task>? Opening { get; set; }

    /// <summary>Is told that the connection has ended, or that there is one again (null).</summary>
    public Action<HypervisorException?>? Changed { get; set; }

    /// <summary>The connection; makes one where there is none.</summary>
    /// <exception cref="HypervisorException">None can be made; nothing was sent.</exception>
    /// <exception cref="ObjectDisposedException">The backend is closed.</exception>
    public ValueTask<LibvirtConnection> GetAsync(CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        return Volatile.Read(ref _current) is { CloseReason: null } current ? new(current) : new(ConnectAsync(cancellationToken));
    }

    /// <summary>A connection beside, for what would hold up the others; the caller's to dispose.</summary>
    public async Task<LibvirtConnection> OpenAnotherAsync(CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(Volatile.Read(ref _isClosed) != 0, typeof(LibvirtBackend));
        return await connect(cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
            return;
        await _closing.CancelAsync().ConfigureAwait(false);
        // A connection that is just being made would be nobody's: it is given up, or is the current one, when the gate opens. Whoever still waits there is told that the backend is closed.
        await _gate.WaitAsync().ConfigureAwait(false);
        try
        {
            if (_current is { } current)
                await current.DisposeAsync().ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }

        await _watching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _closing.Dispose();
    }

    private async Task<LibvirtConnection> ConnectAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            ThrowIfClosed();
            if (_current is { CloseReason: null } current)
                return current;
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _closing.Token);
            var made = await OpenAsync(either.Token).ConfigureAwait(false);
            // What ended has a carrier that has to end too.
            bool isFirst = _current is null;
            if (_current is { } ended)
                await ended.DisposeAsync().ConfigureAwait(false);
            Volatile.Write(ref _current, made);
            if (!isFirst)
                Changed?.Invoke(null);
            if (_watching.IsCompleted)
                _watching = WatchAsync(_closing.Token);
            return made;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            ThrowIfClosed();
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    private async Task<LibvirtConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var made = await connect(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Opening is { } opening)
                await opening(made, cancellationToken).ConfigureAwait(false);
            return made;
        }
        catch (Exception error)
        {
            await made.DisposeAsync().ConfigureAwait(false);
            if (error is HypervisorException { Outcome: not RequestOutcome.NotSent } failed)
                throw LibvirtErrors.NotSent(failed, "The call");
            throw;
        }
    }

    private void ThrowIfClosed() => ObjectDisposedException.ThrowIf(Volatile.Read(ref _isClosed) != 0, typeof(LibvirtBackend));

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var watched = _current!;
            await watched.Closed.WaitAsync(cancellationToken).ConfigureAwait(false);
            Changed?.Invoke(watched.CloseReason);
            for (var delay = s_firstDelay; ReferenceEquals(_current, watched); delay = delay * 2 < s_longestDelay ? delay * 2 : s_longestDelay)
            {
                try
                {
                    await ConnectAsync(cancellationToken).ConfigureAwait(false);
                }
                catch (HypervisorException)
                {
                    // The daemon is not there yet: again later.
                    await Task.Delay(delay, time, cancellationToken).ConfigureAwait(false);
                }
            }
        }
    }
}
