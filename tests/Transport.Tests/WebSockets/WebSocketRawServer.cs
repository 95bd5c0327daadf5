using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.Tests.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Transport.Tests.WebSockets;

/// <summary>A WebSocket server that shakes hands properly and then says what a test wants.</summary>
internal sealed class WebSocketRawServer : IAsyncDisposable
{
    private readonly RawServer _server;
    private readonly HttpConnectionPool _pool;

    public WebSocketRawServer(Func<RawPeer, Task> serve, string extraHeaders = "")
    {
        _server = new RawServer(async peer =>
        {
            string head = (await peer.ReadHeadAsync())!;
            await peer.SendAsync(Accept(head, extraHeaders));
            await serve(peer);
        });
        _pool = new HttpConnectionPool(_server.Endpoint);
    }

    public static string Accept(string head, string extraHeaders)
    {
        string key = head.Split("Sec-WebSocket-Key: ")[1].Split("\r\n")[0];
#pragma warning disable CA5350 // The handshake's own digest.
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        return $"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{extraHeaders}\r\n";
    }

    public Task<WebSocketConnection> ConnectAsync(WebSocketOptions? options = null) => WebSocketConnection.ConnectAsync(_pool, HttpTarget.Parse("/ws"), options, TestContext.Current.CancellationToken);

    /// <summary>A frame as a server writes it, in the shortest form.</summary>
    public static byte[] Frame(int first, ReadOnlySpan<byte> payload) => payload.Length switch
    {
        < 126 => [(byte)first, (byte)payload.Length, .. payload],
        <= 0xFFFF => [(byte)first, 126, (byte)(payload.Length >> 8), (byte)payload.Length, .. payload],
        _ => [(byte)first, 127, 0, 0, 0, 0, (byte)(payload.Length >> 24), (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length, .. payload],
    };

    public static byte[] Frame(int first, string payload) => Frame(first, Encoding.UTF8.GetBytes(payload));

    /// <summary>Reads one frame of the client's and takes the mask off: "opcode:payload" with the first byte in hexadecimal.</summary>
    public static async Task<string> ReadFrameAsync(RawPeer peer)
    {
        string head = await peer.ReadBytesAsync(2);
        Assert.True((head[1] & 0x80) != 0, "A client's frame is masked.");
        int length = head[1] & 0x7F;
        if (length == 126)
        {
            string more = await peer.ReadBytesAsync(2);
            length = (more[0] << 8) | more[1];
        }
        else if (length == 127)
        {
            string more = await peer.ReadBytesAsync(8);
            length = (more[4] << 24) | (more[5] << 16) | (more[6] << 8) | more[7];
        }

        string key = await peer.ReadBytesAsync(4);
        string masked = await peer.ReadBytesAsync(length);
        return $"{(int)head[0]:X2}:{string.Concat(masked.Select((c, i) => (char)(c ^ key[i & 3])))}";
    }

    public async ValueTask DisposeAsync()
    {
        await _pool.DisposeAsync();
        await _server.DisposeAsync();
    }
}
