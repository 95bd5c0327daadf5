using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <content>Receiving.</content>
public sealed partial class WebSocketConnection : IValueTaskSource<WebSocketMessage>
{
    private const int FragmentSegmentBytes = 16 * 1024;

    private readonly PipeReader _input;
    private readonly BodyBuffer _fragments;
    private readonly Action _onInput;
    private ManualResetValueTaskSourceCore<WebSocketMessage> _received;
    private ConfiguredValueTaskAwaitable<ReadResult>.ConfiguredValueTaskAwaiter _read;
    private CancellationToken _receiveCancellation;
    private bool _isReceiving;
    private int _messageOpcode;

    // The end of the frame whose payload the caller has, in the pipe.
    private SequencePosition _lent;
    private bool _isLent;
    private bool _isClosed;
    private WebSocketMessage _close;

    // Frames received, and what the pinger saw of them.
    private int _frames;
    private int _framesSeen;
    private bool _isPinged;

    /// <summary>Receives the next message. After a close it is the close again.</summary>
    /// <exception cref="WebSocketProtocolException">The server broke the protocol or sent too much.</exception>
    /// <exception cref="ConnectionClosedException">The connection is lost, or ended without a close.</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled; nothing is lost.</exception>
    /// <exception cref="InvalidOperationException">Somebody receives already.</exception>
    public ValueTask<WebSocketMessage> ReceiveAsync(CancellationToken cancellationToken = default)
    {
        if (_isReceiving)
            throw new InvalidOperationException("A receive is pending already: a WebSocket has one receiver at a time.");
        if (_isClosed)
            return new ValueTask<WebSocketMessage>(_close);
        GiveBack();
        _receiveCancellation = cancellationToken;
        _received.Reset();
        _isReceiving = true;
        try
        {
            if (!Receive(out WebSocketMessage message))
                return new ValueTask<WebSocketMessage>(this, _received.Version);
            _isReceiving = false;
            return new ValueTask<WebSocketMessage>(message);
        }
        catch (Exception error)
        {
            // Whatever it is belongs to the caller who receives.
            _isReceiving = false;
            return ValueTask.FromException<WebSocketMessage>(Fail(error));
        }
    }

    WebSocketMessage IValueTaskSource<WebSocketMessage>.GetResult(short token) => _received.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<WebSocketMessage>.GetStatus(short token) => _received.GetStatus(token);

    void IValueTaskSource<WebSocketMessage>.OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _received.OnCompleted(continuation, state, token, flags);

    /// <summary>Gives the last message's bytes back to the pipe.</summary>
    private void GiveBack()
    {
        if (_isLent)
            _input.AdvanceTo(_lent, _lent);
        else if (_messageOpcode == 0)
            _fragments.Clear();
        _isLent = false;
    }

    private bool Receive(out WebSocketMessage message)
    {
        while (true)
        {
#pragma warning disable CA2012 // Consumed once, here or in OnInput.
            var read = _input.ReadAsync(_receiveCancellation).ConfigureAwait(false).GetAwaiter();
            if (!read.IsCompleted)
            {
                _read = read;
                read.UnsafeOnCompleted(_onInput);
                message = default;
                return false;
            }
#pragma warning restore CA2012

            if (Take(read.GetResult(), out message))
                return true;
        }
    }

    private void OnInput()
    {
        WebSocketMessage message;
        try
        {
            if (!Take(_read.GetResult(), out message) && !Receive(out message))
                return;
        }
        catch (Exception error)
        {
            _isReceiving = false;
            _received.SetException(Fail(error));
            return;
        }

        _isReceiving = false;
        _received.SetResult(message);
    }

    /// <summary>Bytes have come, or the end; true with a message.</summary>
    private bool Take(in ReadResult read, out WebSocketMessage message)
    {
        ReadOnlySequence<byte> rest = read.Buffer;
        while (WebSocketFrame.TryRead(rest, _options.MaxFrameBytes, out WebSocketFrame frame))
        {
            CheckOrder(frame);
            if (rest.Length < frame.HeaderBytes + frame.PayloadBytes)
                break;
            ReadOnlySequence<byte> payload = rest.Slice(frame.HeaderBytes, frame.PayloadBytes);
            rest = rest.Slice(payload.End);
            _frames++;
            bool isMessage = frame.IsControl ? TakeControl(frame, payload, out message) : TakeData(frame, payload, out message);
            if (!isMessage)
                continue;
            _lent = rest.Start;
            if (!_isLent)
                _input.AdvanceTo(rest.Start, rest.Start);
            return true;
        }

        _input.AdvanceTo(rest.Start, rest.End);
        if (read.IsCompleted)
            throw new ConnectionClosedException($"The server at {Endpoint} ended the connection without closing the WebSocket.");
        message = default;
        return false;
    }

    private void CheckOrder(in WebSocketFrame frame)
    {
        if (frame.Opcode == WebSocketFrame.Continuation && _messageOpcode == 0)
            throw new WebSocketProtocolException(WebSocketFrame.ProtocolError, "The server continues a message that it has not begun.");
        if (frame.Opcode is WebSocketFrame.Text or WebSocketFrame.Binary && _messageOpcode != 0)
            throw new WebSocketProtocolException(WebSocketFrame.ProtocolError, "The server begins a message within another.");
        if (!frame.IsControl && _fragments.Length + frame.PayloadBytes > _options.MaxMessageBytes)
            throw new WebSocketProtocolException(WebSocketFrame.TooBig, $"The server sent a message of more than {_options.MaxMessageBytes} bytes.");
    }

    private bool TakeData(in WebSocketFrame frame, in ReadOnlySequence<byte> payload, out WebSocketMessage message)
    {
        int opcode = frame.Opcode == WebSocketFrame.Continuation ? _messageOpcode : frame.Opcode;
        if (frame.IsFinal && _messageOpcode == 0)
        {
            // The usual case: the caller reads where it was received.
            message = new WebSocketMessage((WebSocketMessageKind)opcode, payload);
            _isLent = true;
        }
        else
        {
            foreach (ReadOnlyMemory<byte> memory in payload)
                _fragments.Append(memory.Span);
            _messageOpcode = frame.IsFinal ? 0 : opcode;
            message = new WebSocketMessage((WebSocketMessageKind)opcode, _fragments.Bytes);
            if (!frame.IsFinal)
                return false;
        }

        if (opcode == WebSocketFrame.Text && !Utf8Text.IsValid(message.Payload))
            throw new WebSocketProtocolException(WebSocketFrame.NotUtf8, "The server sent text that is not UTF-8.");
        return true;
    }

    private bool TakeControl(in WebSocketFrame frame, in ReadOnlySequence<byte> payload, out WebSocketMessage message)
    {
        message = default;
        if (frame.Opcode == WebSocketFrame.Ping)
        {
            _options.Pinged?.Invoke();
            SendPong(payload);
        }

        if (frame.Opcode != WebSocketFrame.Close)
            return false;

        byte[] bytes = payload.ToArray();
        int code = bytes.Length >= 2 ? (bytes[0] << 8) | bytes[1] : NoCode;
        if (bytes.Length == 1 || (bytes.Length >= 2 && !IsSendable(code)))
            throw new WebSocketProtocolException(WebSocketFrame.ProtocolError, bytes.Length == 1 ? "The server sent a close of one byte." : $"The server sent a close with the code {code}, which is not to be sent.");
        var reason = new ReadOnlySequence<byte>(bytes.AsMemory(Math.Min(2, bytes.Length)));
        if (!Utf8Text.IsValid(reason))
            throw new WebSocketProtocolException(WebSocketFrame.NotUtf8, "The server closed with a reason that is not UTF-8.");
        message = _close = new WebSocketMessage(WebSocketMessageKind.Close, reason, code);
        _isClosed = true;
        AnswerClose(bytes.AsSpan(0, Math.Min(2, bytes.Length)));
        _closeReceived.TrySetResult();
        return true;
    }

    /// <summary>What receiving failed by. Of a server that breaks the protocol nothing more is taken, and it is told why.</summary>
    private Exception Fail(Exception error)
    {
        if (error is OperationCanceledException or InvalidOperationException)
            return error;
        if (error is WebSocketProtocolException broken)
        {
            AnswerClose([(byte)(broken.CloseCode >> 8), (byte)broken.CloseCode]);
            _connection.Abort(broken);
        }
        else
        {
            _connection.Abort(error);
        }

        _closeReceived.TrySetResult();
        return error;
    }

    private void LookForSilence()
    {
        if (!_isReceiving || Volatile.Read(ref _frames) != _framesSeen)
        {
            _framesSeen = Volatile.Read(ref _frames);
            _isPinged = false;
        }
        else if (_isPinged)
        {
            _connection.Abort(new ConnectionClosedException($"The server at {Endpoint} has not answered a ping within {_options.PingInterval!.Value.TotalSeconds:0.###} s."));
        }
        else
        {
            _isPinged = true;
            SendControl(WebSocketFrame.Ping, []);
        }
    }
}
