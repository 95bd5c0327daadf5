using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Hypervisor.Sdk.AspNetCore.Tests;

/// <summary>The client's end of the multiplexed socket.</summary>
internal sealed class TestSocket(ClientWebSocket socket) : IAsyncDisposable
{
    private readonly byte[] _buffer = new byte[512 << 10];

    public ClientWebSocket Socket => socket;

    public Task SendAsync(string json) => socket.SendAsync(Encoding.UTF8.GetBytes(json), WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);

    public Task SendBytesAsync(uint channel, ReadOnlySpan<byte> bytes)
    {
        byte[] frame = new byte[4 + bytes.Length];
        BinaryPrimitives.WriteUInt32BigEndian(frame, channel);
        bytes.CopyTo(frame.AsSpan(4));
        return socket.SendAsync(frame, WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
    }

    /// <summary>The next message: a control message, bytes with their channel, or the close.</summary>
    public async Task<SocketMessage> ReceiveAsync()
    {
        int length = 0;
        while (true)
        {
            var received = await socket.ReceiveAsync(_buffer.AsMemory(length), TestContext.Current.CancellationToken);
            length += received.Count;
            if (received.MessageType == WebSocketMessageType.Close)
                return new(null, 0, [], socket.CloseStatus, socket.CloseStatusDescription);
            if (!received.EndOfMessage)
                continue;
            return received.MessageType == WebSocketMessageType.Text
                ? new(JsonNode.Parse(_buffer.AsSpan(0, length))!.AsObject(), 0, [], null, null)
                : new(null, BinaryPrimitives.ReadUInt32BigEndian(_buffer), _buffer[4..length], null, null);
        }
    }

    /// <summary>The next control message of a channel with this op; what comes before it is dropped.</summary>
    public async Task<JsonObject> ReceiveAsync(string op, uint channel)
    {
        while (true)
        {
            var message = await ReceiveAsync();
            Assert.True(message.Close is null, $"The socket was closed: {message.Close} {message.Reason}");
            if (message.Json is { } json && (string?)json["op"] == op && (uint?)json["channel"] == channel)
                return json;
        }
    }

    public async Task<string> ReceiveTextUntilAsync(uint channel, string until)
    {
        var text = new StringBuilder();
        while (!text.ToString().Contains(until, StringComparison.Ordinal))
        {
            var message = await ReceiveAsync();
            Assert.True(message.Close is null, $"The socket was closed: {message.Close} {message.Reason}");
            Assert.False((string?)message.Json?["op"] == "error", message.Json?.ToJsonString());
            if (message.Json is null && message.Channel == channel)
                text.Append(Encoding.UTF8.GetString(message.Bytes));
        }

        return text.ToString();
    }

    /// <summary>Reads to the close.</summary>
    public async Task<SocketMessage> ReceiveCloseAsync()
    {
        while (true)
        {
            var message = await ReceiveAsync();
            if (message.Close is not null)
                return message;
        }
    }

    public ValueTask DisposeAsync()
    {
        socket.Dispose();
        return ValueTask.CompletedTask;
    }
}
