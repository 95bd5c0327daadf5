using System.Buffers;
using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>
/// One WebSocket with its channels. One reader, one writer; between them a short queue in which channels take turns, each with one message at a time, so that a busy or stalled channel does not hold up the others.
/// </summary>
internal sealed partial class SocketSession : IDisposable
{
    public const string Protocol = "hvsdk.v1";
    public const int MaxChannels = 64;
    public const int MaxTextBytes = 64 << 10;
    public const int MaxBinaryBytes = 256 << 10;
    public const int WindowBytes = 256 << 10;
    public const int HeaderBytes = sizeof(uint);

    private const int QueuedFrames = 16;
    private const WebSocketCloseStatus TryAgainLater = (WebSocketCloseStatus)1013;
    private static readonly TimeSpan s_closeTimeout = TimeSpan.FromSeconds(2);

    private readonly WebSocket _socket;
    private readonly Channel<SocketFrame> _outgoing = System.Threading.Channels.Channel.CreateBounded<SocketFrame>(new BoundedChannelOptions(QueuedFrames) { SingleReader = true });
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<uint, SocketChannel> _channels = [];
    private readonly HashSet<Task> _running = [];
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private (WebSocketCloseStatus Status, string Reason)? _closeReason;

    public SocketSession(WebSocket socket, ApiServices services)
    {
        _socket = socket;
        Services = services;
    }

    public ApiServices Services { get; }

    /// <summary>Serves the socket until either side closes it. Never throws.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var stop = stopping.Register(() => Fail(WebSocketCloseStatus.EndpointUnavailable, "The server is stopping."));
        var sending = SendLoopAsync();
        var receiving = ReceiveLoopAsync();
        await _ended.Task.ConfigureAwait(false);
        await Task.WhenAll(RunningChannels()).ConfigureAwait(false);
        _outgoing.Writer.TryComplete();
        await sending.ConfigureAwait(false);
        await CloseAsync(receiving).ConfigureAwait(false);
    }

    /// <summary>Ends the socket; the first reason wins and is what the client reads.</summary>
    public void Fail(WebSocketCloseStatus status, string reason)
    {
        lock (_gate)
            _closeReason ??= (status, reason);
        End();
    }

    public void FailSlowReader(string what) => Fail(TryAgainLater, $"The client does not read fast enough: {what}.");

    public async ValueTask SendAsync(string op, uint? channel, Action<Utf8JsonWriter>? members, CancellationToken cancellationToken)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("op", op);
            if (channel is { } number)
                writer.WriteNumber("channel", number);
            members?.Invoke(writer);
            writer.WriteEndObject();
        }

        await SendAsync(SocketFrame.Text(buffer.WrittenSpan), cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask SendAsync(SocketFrame frame, CancellationToken cancellationToken)
    {
        try
        {
            await _outgoing.Writer.WriteAsync(frame, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            frame.Return();
            throw;
        }
    }

    /// <summary>Sends console bytes, with the header that names the channel.</summary>
    public ValueTask SendBytesAsync(uint channel, ReadOnlySequence<byte> payload, CancellationToken cancellationToken)
    {
        int length = HeaderBytes + (int)payload.Length;
        byte[] rented = ArrayPool<byte>.Shared.Rent(length);
        BinaryPrimitives.WriteUInt32BigEndian(rented, channel);
        payload.CopyTo(rented.AsSpan(HeaderBytes));
        return SendAsync(new SocketFrame(rented, length, WebSocketMessageType.Binary), cancellationToken);
    }

    /// <summary>The last word of a channel, either "error" or "closed"; its number is free again.</summary>
    public async Task EndAsync(SocketChannel channel, string? reason, HypervisorException? problem, CancellationToken socketClosed)
    {
        lock (_gate)
            _channels.Remove(channel.Number);
        channel.Dispose();
        try
        {
            if (problem is not null)
                await SendProblemAsync(channel.Number, problem, socketClosed).ConfigureAwait(false);
            else
                await SendAsync("closed", channel.Number, writer => writer.WriteString("reason", reason), socketClosed).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is OperationCanceledException or ChannelClosedException)
        {
            // The socket itself is closing: its close frame says enough.
        }
    }

    public ValueTask SendProblemAsync(uint channel, HypervisorException problem, CancellationToken cancellationToken) => SendAsync("error", channel, writer =>
    {
        writer.WritePropertyName("problem");
        ProblemDocument.Write(writer, problem);
    }, cancellationToken);

    public void Dispose() => _ending.Dispose();

    /// <summary>What channels wait for ends on the pool, not on the thread that ends them.</summary>
    private void End()
    {
        if (_ended.TrySetResult())
            _ = _ending.CancelAsync();
    }

    private Task[] RunningChannels()
    {
        lock (_gate)
            return [.. _running];
    }

    private async Task SendLoopAsync()
    {
        // Frames that are still queued when the socket ends are taken and returned, not sent.
        await foreach (var frame in _outgoing.Reader.ReadAllAsync(CancellationToken.None).ConfigureAwait(false))
        {
            try
            {
                if (!_ending.IsCancellationRequested && _socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                    await SendInTimeAsync(frame).ConfigureAwait(false);
            }
            catch (Exception failure) when (failure is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
            {
                End();
            }
            finally
            {
                frame.Return();
            }
        }
    }

    /// <summary>A send cannot be cancelled without breaking the connection, so it is only ever given up together with it.</summary>
    private async Task SendInTimeAsync(SocketFrame frame)
    {
        var sending = _socket.SendAsync(frame.Payload, frame.Type, endOfMessage: true, CancellationToken.None).AsTask();
        try
        {
            await sending.WaitAsync(Services.Options.SocketSendTimeout, Services.Time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            FailSlowReader($"a message waited {Services.Options.SocketSendTimeout.TotalSeconds:0} seconds");
            try
            {
                await sending.WaitAsync(s_closeTimeout, Services.Time, CancellationToken.None).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                _socket.Abort();
                await sending.ConfigureAwait(false);
            }
        }
    }

    /// <summary>Says goodbye with the reason and waits a moment for the answer; a client that does not give one is cut off.</summary>
    private async Task CloseAsync(Task receiving)
    {
        var (status, reason) = _closeReason ?? (WebSocketCloseStatus.NormalClosure, "");
        try
        {
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await _socket.CloseOutputAsync(status, Shorten(reason), CancellationToken.None).WaitAsync(s_closeTimeout, Services.Time, CancellationToken.None).ConfigureAwait(false);
            await receiving.WaitAsync(s_closeTimeout, Services.Time, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception failure) when (failure is WebSocketException or IOException or TimeoutException or ObjectDisposedException)
        {
            _socket.Abort();
            await receiving.ConfigureAwait(false);
        }
    }

    /// <summary>A close reason has at most 123 bytes (RFC 6455, 5.5).</summary>
    private static string Shorten(string reason)
    {
        const int maxBytes = 123;
        int length = Math.Min(reason.Length, maxBytes);
        while (System.Text.Encoding.UTF8.GetByteCount(reason.AsSpan(0, length)) > maxBytes)
            length--;
        return reason[..length];
    }
}
