using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Lxd;

/// <summary>What a server says that happens, from the moment that it has confirmed. A lost connection is made again, and a gap stands where events may be missing. Read once, by one reader; dispose it to end it.</summary>
public sealed class LxdEventStream : IAsyncEnumerable<LxdNews>, IAsyncDisposable
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(60);

    private readonly Func<WebSocketOptions, CancellationToken, Task<WebSocketConnection>> _open;
    private readonly int _capacity;
    private readonly TimeSpan _timeout;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _disposed = new();
    private readonly Lock _lock = new();
    private readonly Queue<LxdNews> _queue = [];
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _hasDropped;
    private Task _loop = Task.CompletedTask;
    private int _isRead;
    private int _isDisposed;

    internal LxdEventStream(Func<WebSocketOptions, CancellationToken, Task<WebSocketConnection>> open, int capacity, TimeSpan timeout, TimeProvider? time = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _open = open;
        _capacity = capacity;
        _timeout = timeout;
        _time = time ?? TimeProvider.System;
    }

    /// <summary>Told when the connection is lost, with the reason, and with null when it is there again. Must return at once.</summary>
    internal Action<HypervisorException?>? ConnectionChanged { get; set; }

    /// <summary>The events, until the stream is disposed.</summary>
    /// <exception cref="InvalidOperationException">It is being read already.</exception>
    public IAsyncEnumerator<LxdNews> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        Interlocked.Exchange(ref _isRead, 1) == 0 ? ReadAsync(cancellationToken) : throw new InvalidOperationException("The events are being read already.");

    /// <summary>Ends the stream. Idempotent; never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _disposed.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Wake();
        _disposed.Dispose();
    }

    internal async Task BeginAsync(CancellationToken cancellationToken)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _disposed.Token);
        var session = await OpenAsync(null, either.Token).ConfigureAwait(false);
        _loop = RunAsync(session, _disposed.Token);
    }

    /// <summary>
    /// Opens the WebSocket and waits until the server listens for us. Both servers answer the handshake before they do, and send a ping when they do (<c>events/connections.go</c> of LXD 5.0.2 and Incus 6.0.4): what happens
    /// after that ping is told.
    /// </summary>
    private async Task<Session> OpenAsync(string? gap, CancellationToken cancellationToken)
    {
        var confirmed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var socket = await _open(new WebSocketOptions { PingInterval = s_silence, Pinged = Confirm }, cancellationToken).ConfigureAwait(false);
        var session = new Session(socket, ReceiveAsync(socket, Confirm, _disposed.Token));
        try
        {
            await Task.WhenAny(confirmed.Task, session.Receiving).WaitAsync(_timeout, _time, cancellationToken).ConfigureAwait(false);
            if (!confirmed.Task.IsCompleted)
                throw new BackendConnectionException($"The server at {socket.Endpoint} ended the stream of events before it began.", ErrorCode.Unavailable, RequestOutcome.Unknown);
            return session;
        }
        catch (Exception error)
        {
            await session.DisposeAsync().ConfigureAwait(false);
            if (error is TimeoutException)
                throw new BackendConnectionException($"The server at {socket.Endpoint} did not begin to tell events within {_timeout.TotalSeconds:0.###} s.", ErrorCode.Timeout, RequestOutcome.Unknown, error);
            throw;
        }

        // Called while receiving: what is missing stands before what comes.
        void Confirm()
        {
            if (confirmed.TrySetResult() && gap is not null)
                Offer(new LxdNews(null, gap));
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "However a connection ends, it is made again.")]
    private async Task RunAsync(Session session, CancellationToken cancellationToken)
    {
        while (true)
        {
            var reason = await session.Receiving.ConfigureAwait(false);
            await session.DisposeAsync().ConfigureAwait(false);
            cancellationToken.ThrowIfCancellationRequested();
            ConnectionChanged?.Invoke(reason);
            for (var pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
            {
                try
                {
                    session = await OpenAsync($"The connection was lost: {reason.Message}", cancellationToken).ConfigureAwait(false);
                    break;
                }
                catch (Exception) when (!cancellationToken.IsCancellationRequested)
                {
                    // The server is not there yet, or will not have us now: again later.
                    await Task.Delay(pause, _time, cancellationToken).ConfigureAwait(false);
                }
            }

            ConnectionChanged?.Invoke(null);
        }
    }

    /// <summary>Queues events until the connection ends.</summary>
    /// <returns>Why it ended.</returns>
    private async Task<HypervisorException> ReceiveAsync(WebSocketConnection socket, Action confirm, CancellationToken cancellationToken)
    {
        await Task.Yield();
        try
        {
            while (true)
            {
                var message = await socket.ReceiveAsync(cancellationToken).ConfigureAwait(false);
                if (message.Kind == WebSocketMessageKind.Close)
                    return new BackendConnectionException($"The server at {socket.Endpoint} closed the stream of events.", ErrorCode.Unavailable, RequestOutcome.Unknown);

                // To whom an event is told, the server listens.
                if (Read(message) is { } told)
                {
                    confirm();
                    Offer(new LxdNews(told, null));
                }
            }
        }
        catch (JsonException error)
        {
            return new BackendProtocolException($"The server at {socket.Endpoint} told an event that is none: {error.Message}", ErrorCode.Protocol, RequestOutcome.Unknown, error);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
            return new BackendConnectionException($"The stream of events of the server at {socket.Endpoint} ended: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Unknown, error);
        }
    }

    private static LxdEvent? Read(WebSocketMessage message)
    {
        if (message.Payload.IsEmpty)
            return null;
        var reader = new Utf8JsonReader(message.Payload);
        return JsonSerializer.Deserialize(ref reader, LxdJson.Default.LxdEvent);
    }

    private void Offer(LxdNews news)
    {
        lock (_lock)
        {
            _queue.Enqueue(news);
            if (_queue.Count > _capacity)
            {
                _queue.Dequeue();
                _hasDropped = true;
            }

            _arrived.TrySetResult();
        }
    }

    private void Wake()
    {
        lock (_lock)
            _arrived.TrySetResult();
    }

    private async IAsyncEnumerator<LxdNews> ReadAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            LxdNews? next = null;
            Task arrived;
            lock (_lock)
            {
                if (_hasDropped)
                    next = new LxdNews(null, "The reader was too slow: the oldest events were dropped.");
                else if (_queue.TryDequeue(out var queued))
                    next = queued;
                else if (Volatile.Read(ref _isDisposed) != 0)
                    yield break;
                else if (_arrived.Task.IsCompleted)
                    _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                _hasDropped = false;
                arrived = _arrived.Task;
            }

            if (next is not null)
                yield return next;
            else
                await arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private sealed record Session(WebSocketConnection Socket, Task<HypervisorException> Receiving) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Socket.DisposeAsync().ConfigureAwait(false);
            await ((Task)Receiving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }
}
