using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Hypervisor.Sdk.Transport;

/// <summary>
/// A writer whose flush hands its segments to the socket itself, at once when the socket takes them. While a flush is pending the next bytes go to segments of their own.
/// </summary>
internal abstract class ConnectionWriter(Connection connection, int segmentBytes) : PipeWriter, IValueTaskSource<FlushResult>
{
    private readonly Lock _gate = new();
    private readonly SegmentCache _segments = new(segmentBytes);
    private ManualResetValueTaskSourceCore<FlushResult> _flush;
    private CancellationTokenRegistration _cancellation;

    // Written and not flushed: the writer's own.
    private BufferSegment? _head;
    private BufferSegment? _tail;
    private long _unflushedBytes;

    // Flushed and not sent: from _sentBytes in _sending to the end of _sendingTail.
    private BufferSegment? _sending;
    private BufferSegment? _sendingTail;
    private int _sentBytes;

    private bool _active;
    private bool _waiting;
    private bool _cancelRequested;
    private bool _completed;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _unflushedBytes;

    protected Connection Connection => connection;

    public override Memory<byte> GetMemory(int sizeHint = 0) => Room(sizeHint).Free;

    public override Span<byte> GetSpan(int sizeHint = 0) => Room(sizeHint).FreeSpan;

    public override void Advance(int bytes)
    {
        if (bytes < 0)
            ThrowHelper.NegativeCount(nameof(bytes), bytes);
        int free = _tail?.FreeBytes ?? 0;
        if (bytes > free)
            ThrowHelper.AdvancedTooFar(bytes, free);
        if (bytes == 0)
            return;
        _tail!.Fill(bytes);
        _unflushedBytes += bytes;
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        if (_completed)
            ThrowHelper.WriterCompleted();
        return SendAsync(cancellationToken);
    }

    public override void CancelPendingFlush()
    {
        lock (_gate)
        {
            if (!_waiting)
            {
                _cancelRequested = true;
                return;
            }

            _waiting = false;
        }

        _flush.RunContinuationsAsynchronously = true;
        _flush.SetResult(new FlushResult(isCanceled: true, isCompleted: false));
    }

    /// <summary>Sends the rest in the background and ends this direction. With an exception: closes the connection.</summary>
    public override void Complete(Exception? exception = null)
    {
        // What goes wrong is the connection's close reason already.
        if (BeginCompletion(exception))
            _ = SendRestAndEndAsync().ContinueWith(
                static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Sends the rest, then ends this direction. With an exception: closes the connection.</summary>
    public override ValueTask CompleteAsync(Exception? exception = null) => BeginCompletion(exception) ? new ValueTask(SendRestAndEndAsync()) : default;

    FlushResult IValueTaskSource<FlushResult>.GetResult(short token)
    {
        _cancellation.Dispose();
        _cancellation = default;
        return _flush.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<FlushResult>.GetStatus(short token) => _flush.GetStatus(token);

    void IValueTaskSource<FlushResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _flush.OnCompleted(continuation, state, token, flags);

    /// <summary>
    /// Sends <paramref name="memory"/>: true with the bytes that were sent, or the error, when that is done at once; false when <see cref="OnSent"/> will be called, possibly before
    /// this returns. Must not throw.
    /// </summary>
    protected abstract bool TrySend(ReadOnlyMemory<byte> memory, out int bytes, out Exception? error);

    /// <summary>Tells the peer that no more will come. All that was flushed has been sent.</summary>
    protected abstract ValueTask EndSendingAsync();

    /// <summary>The send that <see cref="TrySend"/> left pending is done.</summary>
    protected void OnSent(int bytes, Exception? error)
    {
        ConnectionClosedException? failure = error is null ? null : connection.CloseBy("Sending to", error);
        if (HasMore(bytes, failure, out bool wake) && !SendRest(out failure, out wake))
            return;
        if (!wake)
            return;

        _flush.RunContinuationsAsynchronously = false;
        if (failure is null)
            _flush.SetResult(default);
        else
            _flush.SetException(failure);
    }

    private bool BeginCompletion(Exception? exception)
    {
        lock (_gate)
        {
            if (_completed)
                return false;
            if (_waiting && exception is null)
                ThrowHelper.ConcurrentFlush();
            _completed = true;
        }

        if (exception is not null)
            connection.Abort(exception);
        return connection.CloseReason is null;
    }

    private async Task SendRestAndEndAsync()
    {
        bool hasRest;
        lock (_gate)
            hasRest = _unflushedBytes > 0 || _active;
        if (hasRest)
            await SendAsync(CancellationToken.None).ConfigureAwait(false);
        // A program that has ended before it was told that no more comes, and for whom nothing was left, has missed nothing.
        else if (connection.CloseReason is not null)
            return;
        try
        {
            await EndSendingAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            var reason = connection.CloseBy("Ending the output to", error);
            if (hasRest)
                throw reason;
            return;
        }

        connection.OutputEnded();
    }

    private ValueTask<FlushResult> SendAsync(CancellationToken cancellationToken)
    {
        bool start;
        lock (_gate)
        {
            if (_cancelRequested)
            {
                _cancelRequested = false;
                return new ValueTask<FlushResult>(new FlushResult(isCanceled: true, isCompleted: false));
            }

            if (connection.CloseReason is { } reason)
                return ValueTask.FromException<FlushResult>(reason);
            if (_waiting)
                ThrowHelper.ConcurrentFlush();
            start = !_active;
            if (_unflushedBytes == 0 && start)
                return default;
            Enqueue();
            _flush.Reset();
            _active = true;
            _waiting = true;
        }

        // Not to be woken here means that the flush was cancelled meanwhile, and that its caller must be given that.
        if (start && SendRest(out ConnectionClosedException? failure, out bool wake) && wake)
            return failure is null ? default : ValueTask.FromException<FlushResult>(failure);

        if (cancellationToken.CanBeCanceled)
            _cancellation = cancellationToken.UnsafeRegister(static (state, token) => ((ConnectionWriter)state!).Cancel(token), this);
        return new ValueTask<FlushResult>(this, _flush.Version);
    }

    private void Cancel(CancellationToken token)
    {
        lock (_gate)
        {
            if (!_waiting)
                return;
            _waiting = false;
        }

        _flush.RunContinuationsAsynchronously = true;
        _flush.SetException(new OperationCanceledException(token));
    }

    /// <summary>
    /// Sends until all is sent or an error is there (true, and whether a flush waits for it), or until a send is pending (false). Only the one who made <see cref="_active"/> true,
    /// or the completion of the send that it left pending, calls it.
    /// </summary>
    private bool SendRest(out ConnectionClosedException? failure, out bool wake)
    {
        failure = null;
        wake = false;
        int bytes;
        do
        {
            if (!TrySend(_sending!.Memory[_sentBytes..], out bytes, out Exception? error))
                return false;
            if (error is not null)
                failure = connection.CloseBy("Sending to", error);
        }
        while (HasMore(bytes, failure, out wake));
        return true;
    }

    /// <summary>Takes the bytes that were sent off the front and says whether any are left. When none are, or after a failure, nothing is being sent any more.</summary>
    private bool HasMore(int bytes, ConnectionClosedException? failure, out bool wake)
    {
        lock (_gate)
        {
            _sentBytes += bytes;
            DropSent();
            if (_sending is not null && failure is null)
            {
                wake = false;
                return true;
            }

            _sending = _sendingTail = null;
            _active = false;
            wake = _waiting;
            _waiting = false;
            return false;
        }
    }

    private void DropSent()
    {
        while (_sending is { } segment && _sentBytes == segment.End)
        {
            _sending = segment.NextSegment;
            _sentBytes = 0;
            _segments.Return(segment);
        }
    }

    /// <summary>Moves what was written behind what is being sent. Under the lock.</summary>
    private void Enqueue()
    {
        if (_unflushedBytes == 0)
            return;
        if (_sending is null)
        {
            _sending = _head;
            _sentBytes = 0;
        }
        else
        {
            _sendingTail!.Append(_head!);
        }

        _sendingTail = _tail;
        _head = _tail = null;
        _unflushedBytes = 0;
        if (!_active)
            DropSent();
    }

    private BufferSegment Room(int sizeHint)
    {
        if (sizeHint < 0)
            ThrowHelper.NegativeCount(nameof(sizeHint), sizeHint);
        if (_completed)
            ThrowHelper.WriterCompleted();
        BufferSegment? tail = _tail;
        return tail is not null && tail.FreeBytes >= Math.Max(sizeHint, 1) ? tail : NextRoom(sizeHint);
    }

    private BufferSegment NextRoom(int sizeHint)
    {
        lock (_gate)
        {
            if (_tail is not null)
                _segments.Grow();
            BufferSegment next = _segments.Rent(sizeHint);
            if (_tail is null)
                _head = next;
            else
                _tail.Append(next);
            _tail = next;
            return next;
        }
    }
}
