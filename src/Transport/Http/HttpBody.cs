using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// The body of the response that a connection is receiving. What has a length stays in the pipe's own memory; chunks are copied out of their framing. Used again for every response, and
/// its waits as well.
/// </summary>
internal sealed class HttpBody : IValueTaskSource<ReadResult>, IValueTaskSource<ReadOnlySequence<byte>>
{
    private readonly HttpConnection _connection;
    private readonly PipeReader _input;
    private readonly BodyBuffer _chunks;
    private readonly ChunkedDecoder _decoder;
    private readonly Action _completed;
    private ManualResetValueTaskSourceCore<ReadResult> _wait;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;

    private Kind _kind;
    private long _remaining;
    private long _examined;
    private long _maxBytes;
    private bool _isWhole;
    private bool _isWaiting;
    private CancellationToken _cancellationToken;

    // What the caller was given and has not advanced over; with it the end of the body in the pipe, when that was in sight.
    private ReadResult _given;
    private bool _isGiven;
    private SequencePosition _end;
    private bool _isEndHeld;
    private bool _hasMoreAfterEnd;

    public HttpBody(HttpConnection connection, PipeReader input, int segmentBytes, int maxTrailerBytes)
    {
        _connection = connection;
        _input = input;
        _chunks = new BodyBuffer(segmentBytes);
        _decoder = new ChunkedDecoder(maxTrailerBytes);
        _completed = Complete;
    }

    private enum Kind
    {
        None,
        Fixed,
        Chunked,
        UntilClose,
    }

    /// <summary>The length that was announced, 0 for no body, null when it was not said.</summary>
    public long? AnnouncedBytes { get; private set; }

    /// <summary>All of it has arrived.</summary>
    public bool IsReceived { get; private set; }

    /// <summary>Somebody reads it.</summary>
    public bool IsWaiting => _isWaiting;

    /// <summary>What is left to receive, where that is known.</summary>
    public long UnreadBytes => _kind == Kind.Fixed ? _remaining : 0;

    /// <summary>It ends with the connection.</summary>
    public bool IsUntilClose => _kind == Kind.UntilClose;

    public void Start(HttpHead head, bool hasNone, bool hasMore)
    {
        _kind = hasNone ? Kind.None : head.IsChunked ? Kind.Chunked : head.ContentLength >= 0 ? Kind.Fixed : Kind.UntilClose;
        _remaining = _kind == Kind.Fixed ? head.ContentLength : long.MaxValue;
        if (_remaining == 0)
            _kind = Kind.None;
        AnnouncedBytes = _kind switch { Kind.None => 0, Kind.Fixed => _remaining, _ => null };
        IsReceived = _kind == Kind.None;
        _examined = 0;
        _isGiven = _isEndHeld = false;
        _hasMoreAfterEnd = IsReceived && hasMore;
        _given = default;
        _chunks.Clear();
        _decoder.Reset();
    }

    /// <summary>What has arrived beyond what was examined before; waits for more when there is nothing.</summary>
    public ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken)
    {
        Begin(isWhole: false, long.MaxValue, cancellationToken);
        return TryRead(out ReadResult result) ? new ValueTask<ReadResult>(result) : new ValueTask<ReadResult>(this, _wait.Version);
    }

    /// <summary>All of it, borrowed until the response is disposed.</summary>
    public ValueTask<ReadOnlySequence<byte>> ReadWholeAsync(long maxBytes, CancellationToken cancellationToken)
    {
        Begin(isWhole: true, maxBytes, cancellationToken);
        return TryRead(out ReadResult result) ? new ValueTask<ReadOnlySequence<byte>>(result.Buffer) : new ValueTask<ReadOnlySequence<byte>>(this, _wait.Version);
    }

    public void CancelPendingRead() => _input.CancelPendingRead();

    public void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (!_isGiven)
            return;
        ReadOnlySequence<byte> buffer = _given.Buffer;
        if (_given.IsCompleted)
        {
            _given = new ReadResult(buffer.Slice(consumed), isCanceled: false, isCompleted: true);
            return;
        }

        _isGiven = false;
        if (_kind == Kind.Chunked)
        {
            _examined = buffer.Slice(consumed, buffer.End).Length - buffer.Slice(examined).Length;
            _chunks.Consume(consumed);
            return;
        }

        if (_kind == Kind.Fixed)
            _remaining -= buffer.Slice(0, consumed).Length;
        _input.AdvanceTo(consumed, examined);
    }

    /// <summary>Like <see cref="ReadAsync"/>, of what has arrived; false when that is nothing.</summary>
    public bool TryReadArrived(out ReadResult result)
    {
        Begin(isWhole: false, long.MaxValue, CancellationToken.None);
        try
        {
            return TryGive(out result) || (_input.TryRead(out ReadResult read) && TryTake(read, out result));
        }
        catch (Exception error)
        {
            throw Translate(error);
        }
    }

    /// <summary>Takes what has arrived already, without waiting.</summary>
    public void ReceiveArrived()
    {
        if (IsReceived || _isGiven || _isWaiting)
            return;
        _isWhole = true;
        _maxBytes = long.MaxValue;
        if (_input.TryRead(out ReadResult read))
            Take(read);
    }

    /// <summary>Gives the pipe back behind the end of a body that has been received: true when nothing follows it.</summary>
    public bool Finish()
    {
        if (_isEndHeld)
            _input.AdvanceTo(_end, _end);
        _isGiven = _isEndHeld = false;
        _given = default;
        _chunks.Clear();
        return IsReceived && !_hasMoreAfterEnd && _kind != Kind.UntilClose;
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token) => _wait.GetResult(token);

    ReadOnlySequence<byte> IValueTaskSource<ReadOnlySequence<byte>>.GetResult(short token) => _wait.GetResult(token).Buffer;

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => _wait.GetStatus(token);

    ValueTaskSourceStatus IValueTaskSource<ReadOnlySequence<byte>>.GetStatus(short token) => _wait.GetStatus(token);

    void IValueTaskSource<ReadResult>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    void IValueTaskSource<ReadOnlySequence<byte>>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _wait.OnCompleted(continuation, state, token, flags);

    private void Begin(bool isWhole, long maxBytes, CancellationToken cancellationToken)
    {
        if (_isWaiting)
            throw new InvalidOperationException("A read of the body is pending already: a body has one reader at a time.");
        if (isWhole && _kind == Kind.Fixed && _remaining > maxBytes)
            throw _connection.Explain(new HttpFault(HttpFailure.TooLarge, $"the body has {_remaining} bytes, more than {maxBytes}"));
        if (isWhole && _isGiven && !_given.IsCompleted)
            AdvanceTo(_given.Buffer.Start, _given.Buffer.End);
        _isWhole = isWhole;
        _maxBytes = maxBytes;
        _cancellationToken = cancellationToken;
    }

    /// <summary>True with the result when it is there at once; false when the wait was begun.</summary>
    private bool TryRead(out ReadResult result)
    {
        if (TryGive(out result))
            return true;
        _wait.Reset();
        _isWaiting = true;
        try
        {
            return Receive(out result);
        }
        catch (Exception error)
        {
            // Whatever went wrong belongs to the caller who reads.
            _isWaiting = false;
            throw Translate(error);
        }
    }

    private bool Receive(out ReadResult result)
    {
        while (true)
        {
#pragma warning disable CA2012 // Consumed once, here or in Complete.
            var read = _input.ReadAsync(_cancellationToken).ConfigureAwait(false).GetAwaiter();
            if (!read.IsCompleted)
            {
                _read = read;
                _connection.SetBodyDeadline();
                read.UnsafeOnCompleted(_completed);
                result = default;
                return false;
            }
#pragma warning restore CA2012

            if (TryTake(read.GetResult(), out result))
            {
                _isWaiting = false;
                return true;
            }
        }
    }

    private void Complete()
    {
        ReadResult result;
        try
        {
            ReadResult read = _read.GetResult();
            _connection.ClearBodyDeadline();
            if (!TryTake(read, out result) && !Receive(out result))
                return;
        }
        catch (Exception error)
        {
            _isWaiting = false;
            _wait.SetException(Translate(error));
            return;
        }

        _isWaiting = false;
        _wait.SetResult(result);
    }

    private Exception Translate(Exception error)
    {
        _connection.ClearBodyDeadline();
        return error is OperationCanceledException ? error : _connection.Explain(error);
    }

    /// <summary>What can be given without receiving.</summary>
    private bool TryGive(out ReadResult result)
    {
        if (!_isGiven)
        {
            if (_kind == Kind.None)
                _given = new ReadResult(default, isCanceled: false, isCompleted: true);
            else if (_kind == Kind.Chunked && (IsReceived || (!_isWhole && _chunks.Length > _examined)))
                _given = new ReadResult(_chunks.Bytes, isCanceled: false, IsReceived);
            else
            {
                result = default;
                return false;
            }

            _isGiven = true;
        }

        result = _given;
        return !_isWhole || result.IsCompleted;
    }

    private bool TryTake(in ReadResult read, out ReadResult result)
    {
        if (!read.IsCanceled)
        {
            result = default;
            return Take(read) && TryGive(out result);
        }

        // Nothing was consumed or examined: the next read finds it again.
        result = new ReadResult(default, isCanceled: true, isCompleted: false);
        return true;
    }

    /// <summary>Bytes have come, or the end; true when there may be something to give.</summary>
    private bool Take(in ReadResult read) => _kind == Kind.Chunked ? TakeChunks(read) : TakePlain(read);

    private bool TakePlain(in ReadResult read)
    {
        ReadOnlySequence<byte> buffer = read.Buffer;
        ReadOnlySequence<byte> body = buffer.Length > _remaining ? buffer.Slice(0, _remaining) : buffer;
        IsReceived = _kind == Kind.Fixed ? body.Length == _remaining : read.IsCompleted;
        if (IsReceived)
        {
            _end = body.End;
            _isEndHeld = true;
            _hasMoreAfterEnd = buffer.Length > body.Length;
        }
        else if (read.IsCompleted)
        {
            HttpFault.Truncated($"the connection ended {_remaining - body.Length} bytes before the end of the body");
        }

        if (_isWhole && body.Length > _maxBytes)
        {
            _input.AdvanceTo(buffer.Start, buffer.End);
            HttpFault.TooLarge($"the body has more than {_maxBytes} bytes");
        }

        if (IsReceived || (!_isWhole && !body.IsEmpty))
        {
            _given = new ReadResult(body, isCanceled: false, IsReceived);
            _isGiven = true;
            return true;
        }

        _input.AdvanceTo(buffer.Start, buffer.End);
        return false;
    }

    private bool TakeChunks(in ReadResult read)
    {
        ReadOnlySequence<byte> buffer = read.Buffer;
        long taken = 0;
        foreach (ReadOnlyMemory<byte> memory in buffer)
        {
            taken += _decoder.Decode(memory.Span, _chunks);
            if (_decoder.IsDone)
                break;
        }

        IsReceived = _decoder.IsDone;
        _hasMoreAfterEnd = taken < buffer.Length;
        _input.AdvanceTo(IsReceived ? buffer.GetPosition(taken) : buffer.End);
        if (!IsReceived && read.IsCompleted)
            HttpFault.Truncated("the connection ended in the middle of a chunked body");
        if (_isWhole && _chunks.Length > _maxBytes)
            HttpFault.TooLarge($"the body has more than {_maxBytes} bytes");
        return IsReceived || !_isWhole;
    }
}
