using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <content>Sending.</content>
public sealed partial class WebSocketConnection : IValueTaskSource
{
    private const int MaxHeaderBytes = 14;

#pragma warning disable CA2213 // Those who wait for their turn get it after the connection is closed, and are told so; it holds no handle.
    private readonly SemaphoreSlim _turn = new(1, 1);
#pragma warning restore CA2213
    private readonly WebSocketMask _mask = new();
    private readonly Action _onFlushed;
    private readonly Action _onControlFlushed;
    private readonly Lock _controlGate = new();
    private readonly byte[] _pong = new byte[WebSocketFrame.MaxControlBytes];
    private ManualResetValueTaskSourceCore<bool> _sent;
    private ConfiguredValueTaskAwaitable<FlushResult>.ConfiguredValueTaskAwaiter _flush;
    private int _pongBytes = -1;
    private bool _isPingDue;
    private bool _isCloseDue;
    private byte[] _closePayload = [];
    private bool _isContinuing;
    private bool _isCloseSent;

    /// <summary>Sends a message, or a part of one. Completes when the operating system has taken it.</summary>
    /// <param name="kind">Text, which must be UTF-8, or binary.</param>
    /// <param name="payload">The bytes; not changed.</param>
    /// <param name="endOfMessage">False when more parts follow, which must be of the same kind and sent by the same caller.</param>
    /// <param name="cancellationToken">Cancels waiting for other senders; what is being sent is sent to its end.</param>
    /// <exception cref="ConnectionClosedException">The connection is lost.</exception>
    /// <exception cref="InvalidOperationException">A close was sent: nothing may follow it.</exception>
    public ValueTask SendAsync(WebSocketMessageKind kind, ReadOnlyMemory<byte> payload, bool endOfMessage = true, CancellationToken cancellationToken = default)
    {
        if (kind is not (WebSocketMessageKind.Text or WebSocketMessageKind.Binary))
            throw new ArgumentOutOfRangeException(nameof(kind), kind, $"A message is text or binary; {nameof(CloseAsync)} closes.");
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled(cancellationToken);
        return _turn.Wait(0, CancellationToken.None) ? SendNow((int)kind, payload.Span, endOfMessage) : SendLaterAsync(kind, payload, endOfMessage, cancellationToken);
    }

    /// <summary>Sends a ping; the answer is seen by nobody but <see cref="WebSocketOptions.PingInterval"/>.</summary>
    /// <param name="payload">At most 125 bytes.</param>
    /// <param name="cancellationToken">Cancels waiting for other senders.</param>
    public async ValueTask PingAsync(ReadOnlyMemory<byte> payload = default, CancellationToken cancellationToken = default)
    {
        if (payload.Length > WebSocketFrame.MaxControlBytes)
            throw new ArgumentException($"A ping has at most {WebSocketFrame.MaxControlBytes} bytes, not {payload.Length}.", nameof(payload));
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        await SendNow(WebSocketFrame.Ping, payload.Span, isFinal: true).ConfigureAwait(false);
    }

    void IValueTaskSource.GetResult(short token)
    {
        // The next sender uses the same source: not before this one has its result.
        try
        {
            _sent.GetResult(token);
        }
        finally
        {
            EndTurn();
        }
    }

    ValueTaskSourceStatus IValueTaskSource.GetStatus(short token) => _sent.GetStatus(token);

    void IValueTaskSource.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) => _sent.OnCompleted(continuation, state, token, flags);

    private async ValueTask SendLaterAsync(WebSocketMessageKind kind, ReadOnlyMemory<byte> payload, bool endOfMessage, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        await SendNow((int)kind, payload.Span, endOfMessage).ConfigureAwait(false);
    }

    private async ValueTask SendCloseAsync(byte[] payload, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        if (_isCloseSent)
            EndTurn();
        else
            await SendNow(WebSocketFrame.Close, payload, isFinal: true).ConfigureAwait(false);
    }

    /// <summary>Sends a frame; the turn is the caller's and is given on when the frame is sent.</summary>
    private ValueTask SendNow(int opcode, ReadOnlySpan<byte> payload, bool isFinal)
    {
        try
        {
            if (_isCloseSent)
                throw _connection.CloseReason ?? (Exception)new InvalidOperationException($"The WebSocket to {Endpoint} is closed: nothing can be sent after a close.");
            bool isData = opcode < WebSocketFrame.Close;
            Write(isData && _isContinuing ? WebSocketFrame.Continuation : opcode, payload, isFinal);
            if (isData)
                _isContinuing = !isFinal;
            _isCloseSent |= opcode == WebSocketFrame.Close;
#pragma warning disable CA2012 // Consumed once, here or in OnFlushed.
            var flush = _connection.Output.FlushAsync().ConfigureAwait(false).GetAwaiter();
            if (!flush.IsCompleted)
            {
                _sent.Reset();
                _flush = flush;
                flush.UnsafeOnCompleted(_onFlushed);
                return new ValueTask(this, _sent.Version);
            }
#pragma warning restore CA2012

            flush.GetResult();
        }
        catch (Exception error) when (error is IOException or InvalidOperationException)
        {
            EndTurn();
            return ValueTask.FromException(error);
        }

        EndTurn();
        return default;
    }

    private void OnFlushed()
    {
        try
        {
            _flush.GetResult();
        }
        catch (IOException error)
        {
            _sent.SetException(error);
            return;
        }

        _sent.SetResult(true);
    }

    /// <summary>The frame is sent: what the receiver wants to say goes next, then the next sender.</summary>
    private void EndTurn()
    {
        if (!SendDue())
            return;
        _turn.Release();
        // Something may have become due between the two.
        if (IsDue && _turn.Wait(0, CancellationToken.None))
            EndTurn();
    }

    private bool IsDue
    {
        get
        {
            lock (_controlGate)
                return _pongBytes >= 0 || _isPingDue || _isCloseDue;
        }
    }

    /// <summary>A ping is answered as soon as nobody is sending; of several the last one (RFC 6455, 5.5.3).</summary>
    private void SendPong(in ReadOnlySequence<byte> payload)
    {
        lock (_controlGate)
        {
            payload.CopyTo(_pong);
            _pongBytes = (int)payload.Length;
        }

        StartDue();
    }

    private void SendControl(int opcode, ReadOnlySpan<byte> payload)
    {
        lock (_controlGate)
        {
            if (opcode == WebSocketFrame.Ping)
                _isPingDue = true;
            else
            {
                _isCloseDue = true;
                _closePayload = payload.ToArray();
            }
        }

        StartDue();
    }

    private void AnswerClose(ReadOnlySpan<byte> payload) => SendControl(WebSocketFrame.Close, payload);

    private void StartDue()
    {
        if (_turn.Wait(0, CancellationToken.None))
            EndTurn();
    }

    /// <summary>Sends what is due, in the sender's turn; false when the turn goes on until it is sent.</summary>
    private bool SendDue()
    {
        try
        {
            if (!WriteDue())
                return true;
#pragma warning disable CA2012 // Consumed once, here or in OnControlFlushed.
            var flush = _connection.Output.FlushAsync().ConfigureAwait(false).GetAwaiter();
            if (!flush.IsCompleted)
            {
                _flush = flush;
                flush.UnsafeOnCompleted(_onControlFlushed);
                return false;
            }
#pragma warning restore CA2012

            flush.GetResult();
        }
        catch (IOException)
        {
            // Nothing more can be sent, as the next sender is told. What the server sent before it went is still to be received: its own end follows.
        }
        catch (InvalidOperationException error)
        {
            _connection.Abort(error);
        }

        return true;
    }

    private void OnControlFlushed()
    {
        try
        {
            _flush.GetResult();
        }
        catch (IOException)
        {
            // As above.
        }

        EndTurn();
    }

    private bool WriteDue()
    {
        lock (_controlGate)
        {
            bool any = (_pongBytes >= 0 || _isPingDue || _isCloseDue) && !_isCloseSent;
            if (any && _pongBytes >= 0)
                Write(WebSocketFrame.Pong, _pong.AsSpan(0, _pongBytes), isFinal: true);
            if (any && _isPingDue)
                Write(WebSocketFrame.Ping, [], isFinal: true);
            if (any && _isCloseDue)
            {
                Write(WebSocketFrame.Close, _closePayload, isFinal: true);
                _isCloseSent = true;
            }

            _pongBytes = -1;
            _isPingDue = _isCloseDue = false;
            return any;
        }
    }

    private void Write(int opcode, ReadOnlySpan<byte> payload, bool isFinal)
    {
        PipeWriter output = _connection.Output;
        Span<byte> header = output.GetSpan(MaxHeaderBytes);
        header[0] = (byte)(opcode | (isFinal ? 0x80 : 0));
        int headerBytes;
        if (payload.Length < 126)
        {
            header[1] = (byte)(0x80 | payload.Length);
            headerBytes = 2;
        }
        else if (payload.Length <= ushort.MaxValue)
        {
            header[1] = 0x80 | 126;
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)payload.Length);
            headerBytes = 4;
        }
        else
        {
            header[1] = 0x80 | 127;
            BinaryPrimitives.WriteUInt64BigEndian(header[2..], (ulong)payload.Length);
            headerBytes = 10;
        }

        ReadOnlySpan<byte> key = _mask.NextKey();
        key.CopyTo(header[headerBytes..]);
        output.Advance(headerBytes + 4);
        for (int at = 0; at < payload.Length;)
        {
            Span<byte> room = output.GetSpan(1);
            int count = Math.Min(room.Length, payload.Length - at);
            WebSocketMask.Apply(payload.Slice(at, count), room, key, at);
            output.Advance(count);
            at += count;
        }
    }
}
