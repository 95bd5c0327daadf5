using System.Buffers;
using System.IO.Pipelines;
using System.Threading.Tasks.Sources;

namespace Hypervisor.Sdk.Transport;

/// <summary>
/// A reader that receives straight into its own segments when somebody reads: no pump, no second buffer, no thread hop. A receive that outlives its cancelled read stays in flight, and
/// the next read takes its bytes.
/// </summary>
internal abstract class ConnectionReader(Connection connection, int segmentBytes) : PipeReader, IValueTaskSource<ReadResult>
{
    private readonly Lock _gate = new();
    private readonly SegmentCache _segments = new(segmentBytes);
    private readonly int _minimumReceiveBytes = segmentBytes / 4;
    private ManualResetValueTaskSourceCore<ReadResult> _read;
    private CancellationTokenRegistration _cancellation;

    // The bytes that are received and not consumed: from _headIndex in _head to the end of _tail. _unexaminedBytes of them are news for the caller.
    private BufferSegment? _head;
    private int _headIndex;
    private BufferSegment? _tail;
    private long _unexaminedBytes;

    private bool _receiving;
    private bool _waiting;
    private bool _ended;
    private bool _failed;
    private bool _cancelRequested;
    private bool _completed;

    protected Connection Connection => connection;

    public override bool TryRead(out ReadResult result)
    {
        lock (_gate)
            return TryTake(out result);
    }

    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);

        bool start;
        Memory<byte> memory = default;
        lock (_gate)
        {
            if (TryTake(out ReadResult buffered))
                return new ValueTask<ReadResult>(buffered);
            if (_waiting)
                ThrowHelper.ConcurrentRead();
            _read.Reset();
            _waiting = true;
            start = !_receiving;
            if (start)
            {
                _receiving = true;
                memory = ReceiveMemory();
            }
        }

        if (start && TryReceive(memory, out int bytes, out Exception? error) && CompleteAtOnce(bytes, error, out ReadResult result))
            return new ValueTask<ReadResult>(result);

        // Nobody can complete the read and have its registration disposed before this returns: the caller has no task to wait on yet.
        if (cancellationToken.CanBeCanceled)
            _cancellation = cancellationToken.UnsafeRegister(static (state, token) => ((ConnectionReader)state!).Cancel(token), this);
        return new ValueTask<ReadResult>(this, _read.Version);
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        lock (_gate)
        {
            // The empty buffer of an end or a cancelled read has no segments.
            if (_completed || _tail is null || consumed.GetObject() is not BufferSegment last || examined.GetObject() is not BufferSegment seen)
                return;

            long end = _tail.RunningIndex + _tail.End;
            _unexaminedBytes = Math.Min(end - (seen.RunningIndex + examined.GetInteger()), end - (last.RunningIndex + consumed.GetInteger()));
            while (_head != last)
            {
                BufferSegment segment = _head ?? throw new ArgumentException("The position is not in the buffer that was read last.", nameof(consumed));
                _head = segment.NextSegment;
                _segments.Return(segment);
            }

            _headIndex = consumed.GetInteger();
            while (_head != _tail && _headIndex == _head.End)
            {
                BufferSegment segment = _head;
                _head = segment.NextSegment!;
                _headIndex = 0;
                _segments.Return(segment);
            }

            if (_head == _tail && _headIndex == _tail.End && !_receiving)
            {
                _tail.Reset();
                _headIndex = 0;
            }
        }
    }

    public override void CancelPendingRead()
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

        // The caller of the read must not run inside the one who cancels it.
        _read.RunContinuationsAsynchronously = true;
        _read.SetResult(new ReadResult(default, isCanceled: true, isCompleted: false));
    }

    public override void Complete(Exception? exception = null)
    {
        lock (_gate)
        {
            if (_completed)
                return;
            _completed = true;
        }

        if (exception is not null)
            connection.Abort(exception);
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        // Waits for a cancellation that is just running, so that it cannot meet the next read.
        _cancellation.Dispose();
        _cancellation = default;
        return _read.GetResult(token);
    }

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _read.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _read.OnCompleted(continuation, state, token, flags);

    /// <summary>
    /// Receives into <paramref name="memory"/>: true with the bytes (0 at the end) or the error when it is done at once; false when <see cref="OnReceived"/> will be called, possibly
    /// before this returns. Must not throw.
    /// </summary>
    protected abstract bool TryReceive(Memory<byte> memory, out int bytes, out Exception? error);

    /// <summary>The receive that <see cref="TryReceive"/> left pending is done.</summary>
    protected void OnReceived(int bytes, Exception? error)
    {
        ConnectionClosedException? failure = Failure(error);
        ReadResult result = default;
        lock (_gate)
        {
            Store(bytes, failure is not null);
            if (!_waiting)
                return;
            _waiting = false;
            if (failure is null)
                result = Take(isCanceled: false);
        }

        _read.RunContinuationsAsynchronously = false;
        if (failure is null)
            _read.SetResult(result);
        else
            _read.SetException(failure);
    }

    /// <summary>The receive was done at once. False when the read was cancelled meanwhile and the caller must be given that.</summary>
    private bool CompleteAtOnce(int bytes, Exception? error, out ReadResult result)
    {
        ConnectionClosedException? failure = Failure(error);
        lock (_gate)
        {
            Store(bytes, failure is not null);
            result = default;
            if (!_waiting)
                return false;
            _waiting = false;
            if (failure is null)
            {
                result = Take(isCanceled: false);
                return true;
            }
        }

        _read.SetException(failure);
        return false;
    }

    /// <summary>Why the receive failed, or null. On an aborted connection it did, whatever the operating system says: a socket that this side shuts down looks like the peer's end.</summary>
    private ConnectionClosedException? Failure(Exception? error)
    {
        if (error is not null)
            return connection.CloseBy("Receiving from", error);
        return connection.IsAborted ? connection.CloseReason : null;
    }

    private void Cancel(CancellationToken token)
    {
        lock (_gate)
        {
            if (!_waiting)
                return;
            _waiting = false;
        }

        _read.RunContinuationsAsynchronously = true;
        _read.SetException(new OperationCanceledException(token));
    }

    /// <summary>What a read can return without receiving. Under the lock.</summary>
    private bool TryTake(out ReadResult result)
    {
        if (_completed)
            ThrowHelper.ReaderCompleted();
        if (_cancelRequested)
        {
            _cancelRequested = false;
            result = Take(isCanceled: true);
            return true;
        }

        if (connection.IsAborted || _failed)
            ThrowHelper.Closed(connection);
        if (_unexaminedBytes > 0 || _ended)
        {
            result = Take(isCanceled: false);
            return true;
        }

        result = default;
        return false;
    }

    private ReadResult Take(bool isCanceled)
    {
        ReadOnlySequence<byte> buffer = _head is null ? default : new ReadOnlySequence<byte>(_head, _headIndex, _tail!, _tail!.End);
        return new ReadResult(buffer, isCanceled, _ended);
    }

    /// <summary>Where the next bytes go. Under the lock; nothing moves the tail until they are there.</summary>
    private Memory<byte> ReceiveMemory()
    {
        if (_tail is null)
        {
            _head = _tail = _segments.Rent();
            _headIndex = 0;
        }
        else if (_tail.FreeBytes < _minimumReceiveBytes)
        {
            _segments.Grow();
            BufferSegment next = _segments.Rent();
            _tail.Append(next);
            _tail = next;
        }

        return _tail.Free;
    }

    private void Store(int bytes, bool failed)
    {
        _receiving = false;
        _failed |= failed;
        if (bytes > 0)
        {
            _tail!.Fill(bytes);
            _unexaminedBytes += bytes;
        }
        else if (!failed)
        {
            _ended = true;
            connection.InputEnded();
        }
    }
}
