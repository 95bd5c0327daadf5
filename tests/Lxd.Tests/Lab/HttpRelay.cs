using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Hypervisor.Sdk.Lxd.Tests.Lab;

/// <summary>Passes bytes between clients and a server, and ends the connections when a test says so.</summary>
internal sealed class HttpRelay : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ConcurrentDictionary<Link, Task> _links = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly string _upstream;
    private readonly Task _accepting;

    public HttpRelay(string path, string upstream)
    {
        Path = path;
        _upstream = upstream;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(64);
        _accepting = AcceptAsync();
    }

    public string Path { get; }

    /// <summary>Ends every connection that there is now.</summary>
    public void Break()
    {
        foreach (var link in _links.Keys)
            link.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        Break();
        await Task.WhenAll(_links.Values.Append(_accepting)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await _listener.AcceptAsync(_stop.Token);
            var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_upstream), _stop.Token);
            var link = new Link(client, server);
            _links[link] = Task.WhenAll(PumpAsync(link, client, server), PumpAsync(link, server, client));
        }
    }

    private async Task PumpAsync(Link link, Socket from, Socket to)
    {
        byte[] bytes = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(bytes, _stop.Token) is > 0 and var count)
                await to.SendAsync(bytes.AsMemory(0, count), _stop.Token);
        }
        finally
        {
            link.Dispose();
        }
    }

    private sealed class Link(Socket client, Socket server) : IDisposable
    {
        public void Dispose()
        {
            client.Dispose();
            server.Dispose();
        }
    }
}
