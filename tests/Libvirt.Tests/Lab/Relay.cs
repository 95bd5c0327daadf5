using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>Passes messages between clients and the daemon, whole and unchanged, and writes down what was answered.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ConcurrentBag<Task> _pumps = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly string _upstream;
    private readonly ProcedureTable _table;
    private readonly string _test;
    private readonly Task _accepting;

    public Relay(string path, string upstream, ProcedureTable table, string test)
    {
        Path = path;
        _upstream = upstream;
        _table = table;
        _test = test;
        _listener.Bind(new UnixDomainSocketEndPoint(path));
        _listener.Listen(64);
        _accepting = AcceptAsync();
    }

    public string Path { get; }

    /// <summary>Completes with each answer of the server to a keepalive message.</summary>
    public SemaphoreSlim KeepAlives { get; } = new(0);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await Task.WhenAll(_pumps.Append(_accepting)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
        KeepAlives.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await _listener.AcceptAsync(_stop.Token);
            var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_upstream), _stop.Token);
            _pumps.Add(PumpAsync(client, server, isFromServer: false));
            _pumps.Add(PumpAsync(server, client, isFromServer: true));
        }
    }

    private async Task PumpAsync(Socket from, Socket to, bool isFromServer)
    {
        using var input = new NetworkStream(from, ownsSocket: true);
        using var output = new NetworkStream(to, ownsSocket: true);
        byte[] message = new byte[64 * 1024];
        while (true)
        {
            await input.ReadExactlyAsync(message.AsMemory(0, 4), _stop.Token);
            int length = BinaryPrimitives.ReadInt32BigEndian(message);
            if (length > message.Length)
                Array.Resize(ref message, length);
            await input.ReadExactlyAsync(message.AsMemory(4, length - 4), _stop.Token);
            if (isFromServer)
                Note(message.AsSpan(4, length - 4));
            await output.WriteAsync(message.AsMemory(0, length), _stop.Token);
        }
    }

    private void Note(ReadOnlySpan<byte> message)
    {
        var r = new XdrReader(message);
        var header = RpcHeader.Read(ref r);
        if (header.Type == RpcType.Reply)
            _table.Add(header.Program, header.Procedure, header.Status == RpcStatus.Error, _test);
        else if (header.Program == KeepaliveProcedures.Program)
            KeepAlives.Release();
    }
}
