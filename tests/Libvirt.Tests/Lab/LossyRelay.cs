using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>Passes messages between clients and the daemon, and loses replies on demand: the connection ends where the reply would have come.</summary>
internal sealed class LossyRelay : IAsyncDisposable
{
    private static readonly int[] s_effects =
    [
        RemoteProcedures.DomainDefineXmlFlags.Number, RemoteProcedures.DomainCreateWithFlags.Number, RemoteProcedures.DomainUndefineFlags.Number, RemoteProcedures.DomainSuspend.Number, RemoteProcedures.DomainResume.Number,
    ];

    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ConcurrentDictionary<Link, Task> _links = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly string _upstream;
    private readonly Task _accepting;
    private readonly Lock _lock = new();
    private LostReply? _lose;
    private bool _isStop;

    public LossyRelay(string path, string upstream)
    {
        Path = path;
        _upstream = upstream;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(64);
        _accepting = AcceptAsync();
    }

    public string Path { get; }

    /// <summary>Loses the reply to the next call that has an effect on a domain.</summary>
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
            try
            {
                await server.ConnectAsync(new UnixDomainSocketEndPoint(_upstream), _stop.Token);
            }
            catch (SocketException)
            {
                // A daemon that is not there just now: as if nobody listened here either.
                server.Dispose();
                client.Dispose();
                continue;
            }

            var link = new Link(client, server);
            _links[link] = Task.WhenAll(PumpAsync(link, client, server, isFromServer: false), PumpAsync(link, server, client, isFromServer: true));
        }
    }

    private async Task PumpAsync(Link link, Socket from, Socket to, bool isFromServer)
    {
        using var input = new NetworkStream(from, ownsSocket: false);
        using var output = new NetworkStream(to, ownsSocket: false);
        byte[] message = new byte[64 * 1024];
        try
        {
            while (true)
            {
                await input.ReadExactlyAsync(message.AsMemory(0, 4), _stop.Token);
                int length = BinaryPrimitives.ReadInt32BigEndian(message);
                if (length > message.Length)
                    Array.Resize(ref message, length);
                await input.ReadExactlyAsync(message.AsMemory(4, length - 4), _stop.Token);
                if (Passes(link, message.AsSpan(4, length - 4), isFromServer))
                    await output.WriteAsync(message.AsMemory(0, length), _stop.Token);
                else
                    link.Dispose();
            }
        }
        finally
        {
            link.Dispose();
        }
    }

    private bool Passes(Link link, ReadOnlySpan<byte> message, bool isFromServer)
    {
        var r = new XdrReader(message);
        var header = RpcHeader.Read(ref r);
        lock (_lock)
        {
            if (isFromServer)
                return header.Type != RpcType.Reply || link.Lost != header.Serial;
            if (_lose is not { } when || header.Type != RpcType.Call || header.Program != RemoteProcedures.Program)
                return true;
            // A restart is two calls, of which the last one's reply is lost; that it is a stop stands in what is left at the domain before.
            _isStop |= header.Procedure == RemoteProcedures.DomainSetMetadata.Number && Encoding.UTF8.GetString(message).Contains("kind=\"stop\" state=\"begun\"", StringComparison.Ordinal);
            if (!s_effects.Contains(header.Procedure) && !(_isStop && header.Procedure == RemoteProcedures.DomainDestroy.Number))
                return true;
            _lose = null;
            link.Lost = header.Serial;
            return when == LostReply.AfterEffect;
        }
    }

    private sealed class Link(Socket client, Socket server) : IDisposable
    {
        public uint? Lost { get; set; }

        public void Dispose()
        {
            client.Dispose();
            server.Dispose();
        }
    }
}
