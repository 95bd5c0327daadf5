using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>A server that says exactly the bytes that a test gives it, right or wrong, over a real unix socket.</summary>
internal sealed class RawServer : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Func<RawPeer, Task> _serve;
    private readonly List<RawPeer> _peers = [];
    private readonly Task _accepting;
    private int _connections;

    /// <summary>Serves each connection by the delegate, at the end of which it is closed.</summary>
    public RawServer(Func<RawPeer, Task> serve)
    {
        _serve = serve;
        _listener.Bind(new UnixDomainSocketEndPoint(_directory["s"]));
        _listener.Listen();
        _accepting = AcceptAsync();
    }

    /// <summary>Answers every request of every connection with the same bytes.</summary>
    public static RawServer Answering(string answer) => new(async peer =>
    {
        while (await peer.ReadHeadAsync() is not null)
            await peer.SendAsync(answer);
    });

    /// <summary>Answers one request of a connection and leaves that open until the client closes it.</summary>
    public static RawServer AnsweringOnce(string answer) => new(async peer =>
    {
        await peer.ReadHeadAsync();
        await peer.SendAsync(answer);
        await peer.ReadToEndAsync();
    });

    public HttpEndpoint Endpoint => HttpEndpoint.Unix(_directory["s"]);

    /// <summary>How many connections were accepted.</summary>
    public int Connections => Volatile.Read(ref _connections);

    public async ValueTask DisposeAsync()
    {
        _listener.Dispose();
        lock (_peers)
            _peers.ForEach(peer => peer.Close());
        await _accepting;
        _directory.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var peer = new RawPeer(await _listener.AcceptAsync(), Interlocked.Increment(ref _connections) - 1);
                lock (_peers)
                    _peers.Add(peer);
                serving.Add(ServeAsync(peer));
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }

        await Task.WhenAll(serving);
    }

    private async Task ServeAsync(RawPeer peer)
    {
        try
        {
            await _serve(peer);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The client closed the connection.
        }
        finally
        {
            peer.Close();
        }
    }
}

/// <summary>The server's end of one connection.</summary>
internal sealed class RawPeer(Socket socket, int index)
{
    private readonly byte[] _buffer = new byte[64 * 1024];
    private readonly MemoryStream _rest = new();

    /// <summary>The how manieth connection it is, from 0.</summary>
    public int Index => index;

    public Socket Socket => socket;

    /// <summary>The next head, with its empty line, or null at the client's end.</summary>
    public async Task<string?> ReadHeadAsync()
    {
        while (true)
        {
            string text = Encoding.Latin1.GetString(_rest.GetBuffer(), 0, (int)_rest.Length);
            int end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0)
            {
                Keep(text[(end + 4)..]);
                return text[..(end + 4)];
            }

            if (!await ReceiveAsync())
                return null;
        }
    }

    /// <summary>The next bytes after a head.</summary>
    public async Task<string> ReadBytesAsync(int count)
    {
        while (_rest.Length < count)
        {
            if (!await ReceiveAsync())
                throw new EndOfStreamException();
        }

        string text = Encoding.Latin1.GetString(_rest.GetBuffer(), 0, (int)_rest.Length);
        Keep(text[count..]);
        return text[..count];
    }

    /// <summary>All until the client ends or aborts.</summary>
    public async Task<string> ReadToEndAsync()
    {
        try
        {
            while (await ReceiveAsync())
            {
            }
        }
        catch (SocketException)
        {
            // Reset: that is an end as well.
        }

        return Encoding.Latin1.GetString(_rest.GetBuffer(), 0, (int)_rest.Length);
    }

    public Task SendAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        while (!bytes.IsEmpty)
            bytes = bytes[await socket.SendAsync(bytes, SocketFlags.None)..];
    }

    public void Close() => socket.Dispose();

    private async Task<bool> ReceiveAsync()
    {
        int bytes = await socket.ReceiveAsync(_buffer, SocketFlags.None);
        _rest.Write(_buffer, 0, bytes);
        return bytes > 0;
    }

    private void Keep(string rest)
    {
        _rest.SetLength(0);
        _rest.Write(Encoding.Latin1.GetBytes(rest));
    }
}
