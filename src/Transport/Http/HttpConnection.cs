using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>
/// One connection of a pool: sends a request, reads the head of its response, lends the body. While it is unused a read is pending all the same: the read that the next response
/// needs anyway tells at once when the server ends the connection or says what nobody asked for.
/// </summary>
internal sealed partial class HttpConnection
{
    /// <summary>Enough for any server that means well; a flood of them would hold a request for ever.</summary>
    private const int MaxInformational = 16;

    /// <summary>Reading the rest of a body that nobody wants is cheaper than a new connection, up to here.</summary>
    private const int MaxDrainBytes = 64 * 1024;

    private static readonly TimeSpan s_drainTime = TimeSpan.FromSeconds(1);

    private readonly HttpConnectionPool _pool;
    private readonly Connection _wire;
    private readonly PipeReader _input;
    private readonly Lock _gate = new();
    private readonly HttpHead _head;
    private readonly HttpBody _body;
    private readonly Action _onInput;
    private readonly Action _onFlushed;
    private readonly int _segmentBytes;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _flush;

    private HttpExchange? _exchange;
    private bool _isDead;
    private bool _isTaken;
    private bool _hasServed;
    private bool _hasResponse;
    private int _informational;
    private long _deadline = long.MaxValue;
    private string _deadlineOf = "";
    private string? _timedOut;

    public HttpConnection(HttpConnectionPool pool, Connection wire, HttpPoolOptions options)
    {
        _pool = pool;
        _wire = wire;
        _input = wire.Input;
        _segmentBytes = options.Connection.SegmentBytes;
        _head = new HttpHead(options.MaxHeadBytes);
        _body = new HttpBody(this, wire.Input, _segmentBytes, options.MaxHeadBytes);
        _onInput = OnInput;
        _onFlushed = OnFlushed;
    }

    public string Endpoint => _wire.Endpoint;

    public HttpHead Head => _head;

    public HttpBody Body => _body;

    /// <summary>Since when it is unused, by the pool's clock: the pool's own.</summary>
    public long IdleSince { get; set; }

    public bool IsDead => Volatile.Read(ref _isDead);

    /// <summary>Something on it has run out of time.</summary>
    public bool IsLate(long now) => now >= Volatile.Read(ref _deadline);

    /// <summary>Posts the first read.</summary>
    public void Open() => Receive();

    /// <summary>Sends the exchange's request; false when the connection is dead or the exchange over.</summary>
    public bool TryStart(HttpExchange exchange)
    {
        if (!exchange.TryAssign(this))
            return false;
        lock (_gate)
        {
            if (!_isDead)
                _exchange = exchange;
        }

        if (_exchange != exchange)
        {
            exchange.Unassign();
            return false;
        }

        _head.Reset();
        _informational = 0;
        Send(exchange);
        return true;
    }

    /// <summary>Closes the connection; what is pending on it fails.</summary>
    public void Abort(Exception reason)
    {
        lock (_gate)
            _isDead = true;
        CancelSending();
        _wire.Abort(reason);
    }

    /// <summary>Fails what has run out of time.</summary>
    public void Sweep(long now)
    {
        lock (_gate)
        {
            if (_exchange is null || _isTaken || now < Volatile.Read(ref _deadline) || _timedOut is not null)
                return;
            _timedOut = _deadlineOf;
        }

        Abort(new ConnectionClosedException($"The connection to {Endpoint} was closed: {_timedOut}"));
    }

    public void SetBodyDeadline() => SetDeadline(_exchange!.Timeouts.BodyIdle, "no bytes of the body came within the time-out");

    public void ClearBodyDeadline()
    {
        if (_exchange is { } exchange)
            Volatile.Write(ref _deadline, exchange.Deadline);
        _deadlineOf = WholeTimedOut;
    }

    /// <summary>The whole connection for the caller, who owns it from now on.</summary>
    public Connection Take()
    {
        if (_head.Status != 101 && !_body.IsUntilClose)
            throw new InvalidOperationException($"The server answered {_head.Status} and keeps the connection: only the connection of an upgrade (101), or of a body without a length, can be taken.");
        if (_exchange!.Request.Upgrade is null)
            throw new InvalidOperationException($"The request asked for no other protocol: only the connection of one with {nameof(HttpRequest.Upgrade)} can be taken.");
        lock (_gate)
        {
            if (_isTaken)
                throw new InvalidOperationException("The connection was taken already.");
            if (_isDead)
                throw _wire.CloseReason ?? new ConnectionClosedException($"The connection to {Endpoint} is closed.");
            _isTaken = _isDead = true;
        }

        _pool.Forget(this);
        return _wire;
    }

    /// <summary>The caller has let go of the response: the connection serves the next, or is closed.</summary>
    public ValueTask EndAsync(HttpExchange exchange)
    {
        if (!_isTaken && _head.KeepsAlive && _head.Status != 101 && !_body.IsWaiting && !IsSendingBody && !_isDead)
        {
            try
            {
                _body.ReceiveArrived();
            }
            catch (Exception error) when (error is IOException)
            {
                Abort(error);
            }

            if (!_body.IsReceived && !_isDead && !_body.IsUntilClose && _body.UnreadBytes <= MaxDrainBytes)
                return DrainAsync(exchange);
        }

        Finish(exchange);
        return default;
    }

    /// <summary>What went wrong, in the words of the caller's request. The connection is closed.</summary>
    public Exception Explain(Exception error)
    {
        HttpExchange? exchange = _exchange;
        Exception explained = Explain(error, exchange?.Request, maybeSent: true);
        if (error is not InvalidOperationException)
            Abort(error);
        return explained;
    }

    private const string WholeTimedOut = "the whole of it was not there within the time-out";

    private Exception Explain(Exception error, HttpRequest? request, bool maybeSent)
    {
        if (_sendError is { } own)
            return own;
        string what = request is null ? $"The request at {Endpoint}" : $"{request} at {Endpoint}";
        if (_timedOut is { } timedOut)
            return new HttpException(HttpFailure.TimedOut, maybeSent, $"{what} failed: {timedOut}.", error);
        return error switch
        {
            HttpFault fault => new HttpException(fault.Failure, maybeSent, $"{what} failed: {fault.Message}.", fault),
            ConnectionClosedException { InnerException: HttpFault fault } => new HttpException(fault.Failure, maybeSent, $"{what} failed: {fault.Message}.", error),
            IOException => new HttpException(HttpFailure.ConnectionLost, maybeSent, $"{what} failed: {error.Message}", error),
            _ => error,
        };
    }

    private void SetDeadline(TimeSpan time, string what)
    {
        long step = _pool.DeadlineAfter(time);
        long whole = _exchange?.Deadline ?? long.MaxValue;
        _deadlineOf = step < whole ? what : WholeTimedOut;
        Volatile.Write(ref _deadline, Math.Min(step, whole));
    }

    private void Receive()
    {
        while (true)
        {
            bool goOn;
            try
            {
#pragma warning disable CA2012 // Consumed once, here or in OnInput.
                var read = _input.ReadAsync().ConfigureAwait(false).GetAwaiter();
                if (!read.IsCompleted)
                {
                    _read = read;
                    read.UnsafeOnCompleted(_onInput);
                    return;
                }
#pragma warning restore CA2012

                goOn = Accept(read.GetResult());
            }
            catch (Exception error) when (error is IOException)
            {
                Lose(error);
                return;
            }

            if (!goOn)
                return;
        }
    }

    private void OnInput()
    {
        bool goOn;
        try
        {
            goOn = Accept(_read.GetResult());
        }
        catch (Exception error) when (error is IOException)
        {
            Lose(error);
            return;
        }

        if (goOn)
            Receive();
    }

    /// <summary>Bytes have come, or the end; true when more are wanted.</summary>
    private bool Accept(in ReadResult read)
    {
        HttpExchange? exchange;
        lock (_gate)
        {
            exchange = _exchange;
            if (exchange is null)
                _isDead = true;
        }

        ReadOnlySequence<byte> buffer = read.Buffer;
        if (exchange is null)
            throw new ConnectionClosedException(buffer.IsEmpty ? $"The server at {Endpoint} ended the unused connection." : $"The server at {Endpoint} sent what was not asked for.");

        while (!buffer.IsEmpty && _head.TryRead(ref buffer))
        {
            if (_head.Status is >= 100 and < 200 and not 101)
            {
                OnInformational();
                continue;
            }

            Respond(exchange, buffer);
            return false;
        }

        _input.AdvanceTo(buffer.End);
        if (read.IsCompleted)
            HttpFault.Truncated(_head.Length == 0 ? "the server ended the connection without a response" : "the server ended the connection in the middle of the response's head");
        return true;
    }

    private void OnInformational()
    {
        if (++_informational > MaxInformational)
            HttpFault.Malformed($"the server sent more than {MaxInformational} interim responses");
        if (_head.Status == 100)
            _continue?.TrySetResult(true);
        _head.Reset();
    }

    private void Respond(HttpExchange exchange, in ReadOnlySequence<byte> rest)
    {
        int status = _head.Status;
        if (status == 101 && exchange.Request.Upgrade is null)
            HttpFault.Malformed("the server changes to a protocol that nobody asked for");
        bool hasNoBody = exchange.Request.IsHead || status is 101 or 204 or 304;
        _body.Start(_head, hasNoBody, !rest.IsEmpty);
        _input.AdvanceTo(rest.Start);
        _hasServed = _hasResponse = true;
        _continue?.TrySetResult(false);
        lock (_gate)
        {
            // Who takes the connection writes to it at once, and the response may be here before the call that sent the request has returned: Sent hands it out then.
            _isHeld = _isSending && exchange.Request.Upgrade is not null && (status == 101 || (_body.IsUntilClose && !IsSendingBody));
            if (_isHeld)
                return;
            // The rest of the request could not be sent: the server has agreed to what it will not hear.
            if (_isDead && status == 101)
                throw _wire.CloseReason ?? new ConnectionClosedException($"The connection to {Endpoint} is closed.");
        }

        HandOut(exchange);
    }

    private void HandOut(HttpExchange exchange)
    {
        ClearBodyDeadline();
        exchange.Respond(_head.Status);
    }

    /// <summary>The connection is over, whoever ended it.</summary>
    private void Lose(Exception error)
    {
        HttpExchange? exchange;
        lock (_gate)
        {
            _isDead = true;
            exchange = _exchange;
            _exchange = null;
        }

        _pool.Forget(this);
        if (exchange is null)
        {
            _wire.Abort(error);
            return;
        }

        bool maybeSent = _maybeSent;
        bool isDeath = _timedOut is null && _sendError is null && error is not HttpFault { Failure: not HttpFailure.ConnectionLost } && _head.Length == 0 && _informational == 0;
        bool canRepeat = isDeath && _hasServed && (!maybeSent || exchange.Request.IsIdempotent) && exchange.Body is not { CanRepeat: false };
        Exception explained = Explain(error, exchange.Request, maybeSent);
        CancelSending();
        _wire.Abort(error);
        exchange.Lose(explained, canRepeat);
    }

    private void Finish(HttpExchange exchange)
    {
        bool isReusable = !_isTaken && _head.KeepsAlive && _head.Status != 101 && !_body.IsWaiting && _body.Finish();
        bool isFree;
        lock (_gate)
        {
            isReusable &= !_isDead && !IsSendingBody;
            // The response may be here before the call that sent the request has returned.
            isFree = isReusable && !_isSending;
            _isFinished = isReusable && !isFree;
            if (!_isFinished)
                _exchange = null;
            Volatile.Write(ref _deadline, long.MaxValue);
        }

        exchange.Recycle();
        if (isFree)
            Release();
        else if (!isReusable && !_isTaken)
            Close();
    }

    private void Close()
    {
        Abort(new ConnectionClosedException($"The connection to {Endpoint} was closed by this side."));
        _pool.Forget(this);
    }

    /// <summary>Reads on, which finds what should not be there, then serves the next.</summary>
    private void Release()
    {
        lock (_gate)
            _exchange = null;
        Receive();
        _pool.Return(this);
    }

    private async ValueTask DrainAsync(HttpExchange exchange)
    {
        try
        {
            long drained = 0;
            while (!_body.IsReceived && drained <= MaxDrainBytes)
            {
                ValueTask<ReadResult> reading = _body.ReadAsync(CancellationToken.None);
                SetDeadline(s_drainTime, "the rest of the body did not come");
                ReadResult read = await reading.ConfigureAwait(false);
                drained += read.Buffer.Length;
                _body.AdvanceTo(read.Buffer.End, read.Buffer.End);
            }
        }
        catch (Exception error) when (error is IOException)
        {
            // Nobody wants the body: the connection is closed, and that is all there is to it.
            Abort(error);
        }

        Finish(exchange);
    }
}
