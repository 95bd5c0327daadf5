using System.Buffers;
using System.Buffers.Binary;
using System.Net.WebSockets;

namespace Hypervisor.Sdk.AspNetCore;

internal sealed partial class SocketSession
{
    private const int FirstBufferBytes = 16 << 10;

    /// <summary>Reads until the client closes or is gone. Once the socket is ending, what still comes is read and dropped, so that the close frame behind it is found.</summary>
    private async Task ReceiveLoopAsync()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(FirstBufferBytes);
        try
        {
            while (true)
            {
                (buffer, var type, int length) = await ReceiveMessageAsync(buffer).ConfigureAwait(false);
                if (type == WebSocketMessageType.Close)
                    break;
                if (!_ending.IsCancellationRequested)
                    await TakeAsync(type, buffer.AsMemory(0, length)).ConfigureAwait(false);
            }
        }
        catch (Exception failure) when (failure is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone without a word.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            End();
        }
    }

    private async Task TakeAsync(WebSocketMessageType type, ReadOnlyMemory<byte> message)
    {
        try
        {
            if (type == WebSocketMessageType.Binary)
                TakeBytes(message.Span);
            else
                await TakeRequestAsync(SocketRequest.Parse(message.Span)).ConfigureAwait(false);
        }
        catch (SocketProtocolException failure)
        {
            Fail(WebSocketCloseStatus.PolicyViolation, failure.Message);
        }
        catch (Exception failure) when (failure is OperationCanceledException or System.Threading.Channels.ChannelClosedException)
        {
            // The socket is ending: the answer is not needed.
        }
    }

    private async Task<(byte[] Buffer, WebSocketMessageType Type, int Length)> ReceiveMessageAsync(byte[] buffer)
    {
        int length = 0;
        while (true)
        {
            var received = await _socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None).ConfigureAwait(false);
            length += received.Count;
            bool isText = received.MessageType == WebSocketMessageType.Text;
            if (length > (isText ? MaxTextBytes : MaxBinaryBytes + HeaderBytes))
            {
                Fail(WebSocketCloseStatus.MessageTooBig, isText ? $"A text message is longer than {MaxTextBytes} bytes." : $"A binary message is longer than {MaxBinaryBytes} bytes.");
                length = 0;
            }

            if (received.EndOfMessage || received.MessageType == WebSocketMessageType.Close)
                return (buffer, received.MessageType, length);
            if (length == buffer.Length)
                buffer = Grow(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer)
    {
        byte[] larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private void TakeBytes(ReadOnlySpan<byte> message)
    {
        if (message.Length < HeaderBytes)
            throw new SocketProtocolException("A binary message is shorter than its channel number.");

        // A channel may have ended while the bytes were on their way: then nobody wants them.
        Find(BinaryPrimitives.ReadUInt32BigEndian(message))?.Receive(message[HeaderBytes..]);
    }

    private async Task TakeRequestAsync(SocketRequest request)
    {
        switch (request.Op)
        {
            case "open":
                await OpenAsync(request).ConfigureAwait(false);
                break;
            case "close":
                Find(request.Channel)?.Close();
                break;
            case "credit":
                Find(request.Channel)?.Credit(request.Bytes);
                break;
            case "resize":
                Find(request.Channel)?.Resize(request.Columns, request.Rows);
                break;
            default:
                throw new SocketProtocolException($"There is no op '{Echo.Short(request.Op)}'.");
        }
    }

    private async Task OpenAsync(SocketRequest request)
    {
        try
        {
            var channel = Create(request);
            lock (_gate)
            {
                if (_channels.ContainsKey(request.Channel))
                    throw new SocketProtocolException($"Channel {request.Channel} is open already.");
                if (_channels.Count >= MaxChannels)
                    throw new HypervisorException($"{MaxChannels} channels are open: that is the most one socket can have.", ErrorCode.Exhausted, RequestOutcome.NotSent);
                _channels.Add(request.Channel, channel);
            }

            Run(channel);
        }
        catch (Exception failure) when (failure is HypervisorException or ArgumentException)
        {
            var problem = failure as HypervisorException ?? new HypervisorException(failure.Message, ErrorCode.InvalidArgument, RequestOutcome.NotSent, failure);
            await SendProblemAsync(request.Channel, problem, _ending.Token).ConfigureAwait(false);
        }
    }

    private SocketChannel Create(SocketRequest request) => request.Kind switch
    {
        "events" => new EventsChannel(this, request.Channel),
        "metrics" => new MetricsChannel(this, request.Channel, TimeSpan.FromSeconds(request.Interval ?? 2)),
        "operation" => new OperationChannel(this, request.Channel, request.Id ?? throw Missing("id")),
        "serial" => new SerialChannel(this, request.Channel, Target(request), new ConsoleOptions { TakeOver = request.TakeOver, ReplayTail = new ByteSize(request.Replay) }),
        "command" => new CommandChannel(this, request.Channel, Target(request), Command(request)),
        "graphics" => new GraphicsChannel(this, request.Channel, Target(request)),
        _ => throw RequestRefusedException.Field("kind", $"There is no kind of channel '{Echo.Short(request.Kind ?? "")}': events, metrics, operation, serial, command, graphics."),
    };

    private static InstanceRef Target(SocketRequest request) => new(
        ApiCall.ParseText<BackendName>("backend", request.Backend ?? throw Missing("backend")),
        ApiCall.ParseText<InstanceId>("instance", request.Instance ?? throw Missing("instance")));

    private static CommandSpec Command(SocketRequest request) => request.Command is { Count: > 0 } command && !command.Any(word => word.Contains('\0', StringComparison.Ordinal))
        ? new CommandSpec { Command = command, Terminal = true, User = request.User, Environment = new Dictionary<string, SecretOrText> { ["TERM"] = CommandChannel.TerminalType } }
        : throw RequestRefusedException.Field("command", "The member 'command' is not a program with its arguments, none of them with a NUL character.");

    private static RequestRefusedException Missing(string member) => RequestRefusedException.Field(member, $"The message has no member '{member}'.");

    private void Run(SocketChannel channel)
    {
        var running = Task.Run(() => channel.RunAsync(_ending.Token), CancellationToken.None);
        lock (_gate)
            _running.Add(running);
        _ = running.ContinueWith(ended =>
        {
            lock (_gate)
                _running.Remove(ended);
        }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private SocketChannel? Find(uint number)
    {
        lock (_gate)
            return _channels.GetValueOrDefault(number);
    }
}
