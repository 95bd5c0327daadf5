using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.Conformance;

namespace Hypervisor.Sdk.Lxd.Tests.Lab;

/// <summary>Passes bytes between clients and a server, ends the connections when a test says so, and loses replies on demand: the connection ends where the reply would have come.</summary>
internal sealed partial class HttpRelay : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ConcurrentDictionary<Link, Task> _links = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly string _upstream;
    private readonly Task _accepting;
    private readonly Lock _lock = new();
    private LostReply? _lose;
    private bool _isStop;
    private int _streams;

    public HttpRelay(string path, string upstream)
    {
        Path = path;
        _upstream = upstream;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(64);
        _accepting = AcceptAsync();
    }

    public string Path { get; }

    /// <summary>Loses the reply to the next call that has an effect on an instance. Where that goes on in the background, it is lost after its end.</summary>
    public void LoseNextReply(LostReply when)
    {
        lock (_lock)
            (_lose, _isStop) = (when, false);
    }

    /// <summary>Ends every connection that there is now.</summary>
    public void Break()
    {
        foreach (var link in _links.Keys)
            link.Dispose();
    }

    /// <summary>Ends the connections that have become WebSockets, the last one first: upon the end of the first, a command's stream for signals, the server ends the others properly.</summary>
    public void BreakStreams()
    {
        foreach (var link in _links.Keys.Where(link => link.Stream > 0).OrderByDescending(link => link.Stream))
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
            var server = await ConnectAsync();
            var link = new Link(client, server);
            _links[link] = Task.WhenAll(RequestsAsync(link), AnswersAsync(link));
        }
    }

    private async Task<Socket> ConnectAsync()
    {
        var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await server.ConnectAsync(new UnixDomainSocketEndPoint(_upstream), _stop.Token);
        return server;
    }

    private async Task RequestsAsync(Link link)
    {
        byte[] bytes = new byte[64 * 1024];
        try
        {
            while (await link.Client.ReceiveAsync(bytes, _stop.Token) is > 0 and var count)
            {
                string sent = Encoding.Latin1.GetString(bytes, 0, count);
                if (sent.Contains("Upgrade: websocket", StringComparison.Ordinal))
                    link.Stream = Interlocked.Increment(ref _streams);
                if (IsLost(sent, out var when))
                {
                    if (when == LostReply.BeforeEffect)
                        return;
                    link.Loses = true;
                }

                await link.Server.SendAsync(bytes.AsMemory(0, count), _stop.Token);
            }
        }
        finally
        {
            link.Dispose();
        }
    }

    private async Task AnswersAsync(Link link)
    {
        byte[] bytes = new byte[64 * 1024];
        try
        {
            while (await link.Server.ReceiveAsync(bytes, _stop.Token) is > 0 and var count)
            {
                if (link.Loses)
                {
                    await EndedAsync(Encoding.Latin1.GetString(bytes, 0, count));
                    return;
                }

                await link.Client.SendAsync(bytes.AsMemory(0, count), _stop.Token);
            }
        }
        finally
        {
            link.Dispose();
        }
    }

    /// <summary>What an answer says that goes on in the background is waited for, over a connection of its own.</summary>
    private async Task EndedAsync(string answer)
    {
        if (Operation().Match(answer) is not { Success: true } operation)
            return;
        using var server = await ConnectAsync();
        await server.SendAsync(Encoding.Latin1.GetBytes($"GET {operation.Groups[1].Value}/wait HTTP/1.1\r\nHost: relay\r\nConnection: close\r\n\r\n"), _stop.Token);
        byte[] bytes = new byte[64 * 1024];
        while (await server.ReceiveAsync(bytes, _stop.Token) > 0)
            continue;
    }

    /// <summary>Whether the reply to what is sent is to be lost. What a request leaves at an instance before its effect is none; and a restart is two of them, of which the last one's reply is lost.</summary>
    private bool IsLost(string sent, out LostReply when)
    {
        lock (_lock)
        {
            when = _lose.GetValueOrDefault();
            if (_lose is null)
                return false;
            _isStop |= sent.Contains("stop:begun", StringComparison.Ordinal);
            bool isEffect = Effect().IsMatch(sent) && (_isStop || !sent.Contains("\"action\":\"stop\"", StringComparison.Ordinal)) && (!sent.StartsWith("PATCH", StringComparison.Ordinal) || sent.Contains("apply:done", StringComparison.Ordinal));
            if (isEffect)
                _lose = null;
            return isEffect;
        }
    }

    [GeneratedRegex(@"^(POST /1\.0/instances(/[^/ ]+/snapshots)?[ ?]|PUT /1\.0/instances/[^/]+/state[ ?]|(PUT|PATCH|DELETE) /1\.0/instances/[^/ ]+[ ?]|DELETE /1\.0/instances/[^/ ]+/snapshots/[^/ ]+[ ?])")]
    private static partial Regex Effect();

    [GeneratedRegex(@"""operation"":""(/1\.0/operations/[0-9a-f-]+)""")]
    private static partial Regex Operation();

    private sealed class Link(Socket client, Socket server) : IDisposable
    {
        public Socket Client => client;

        public Socket Server => server;

        public bool Loses { get; set; }

        /// <summary>The how manieth that has become a WebSocket, or 0.</summary>
        public int Stream { get; set; }

        public void Dispose()
        {
            client.Dispose();
            server.Dispose();
        }
    }
}
