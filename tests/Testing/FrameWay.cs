using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net.Sockets;

namespace Hypervisor.Sdk.Testing;

/// <summary>
/// A way between a client and a server that passes frames which begin with their length (four bytes, most significant first), and that a test can cut at any byte. Both ends are unix sockets in a private directory.
/// </summary>
public sealed class FrameWay : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Func<Socket, Task> _serve;
    private readonly Socket _front;
    private readonly Socket _back;
    private readonly ConcurrentDictionary<Socket, Socket> _pairs = [];
    private readonly ConcurrentBag<Task> _tasks = [];

    /// <summary>Makes a way to something that serves a socket until it is closed.</summary>
    public FrameWay(Func<Socket, Task> serve)
    {
        _serve = serve;
        _front = Listen(Path);
        _back = Listen(_directory["served"]);
        _tasks.Add(AcceptAsync());
    }

    /// <summary>Where the client connects.</summary>
    public string Path => _directory["way"];

    /// <summary>
    /// Sees each frame, its length included, and whether it goes to the server; says how many bytes of it pass. When that is less than all of them, the way is cut behind those. Null: everything passes.
    /// </summary>
    public Func<bool, byte[], int>? Passing { get; set; }

    /// <summary>How many connections there were.</summary>
    public int Connections { get; private set; }

    /// <summary>Cuts what is connected; the way can be taken again at once.</summary>
    public void Cut()
    {
        foreach (var (client, server) in _pairs)
        {
            client.Dispose();
            server.Dispose();
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        _front.Dispose();
        Cut();
        while (_tasks.TryTake(out var task))
            await task;
        _back.Dispose();
        _directory.Dispose();
    }

    private static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        socket.Listen();
        return socket;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _front.AcceptAsync();
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                return;
            }

            var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_directory["served"]));
            var served = await _back.AcceptAsync();
            _pairs[client] = server;
            Connections++;
            _tasks.Add(Task.Run(() => _serve(served)));
            _tasks.Add(Task.Run(() => PassAsync(client, server, true)));
            _tasks.Add(Task.Run(() => PassAsync(server, client, false)));
        }
    }

    private async Task PassAsync(Socket from, Socket to, bool isToServer)
    {
        try
        {
            using var input = new NetworkStream(from);
            using var output = new NetworkStream(to);
            byte[] prefix = new byte[sizeof(int)];
            while (true)
            {
                await input.ReadExactlyAsync(prefix);
                byte[] frame = new byte[sizeof(int) + BinaryPrimitives.ReadInt32BigEndian(prefix)];
                prefix.CopyTo(frame, 0);
                await input.ReadExactlyAsync(frame.AsMemory(sizeof(int)));
                int bytes = Passing?.Invoke(isToServer, frame) ?? frame.Length;
                await output.WriteAsync(frame.AsMemory(0, bytes));
                if (bytes < frame.Length)
                    break;
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or SocketException or InvalidOperationException)
        {
            // One end is gone: so is the other.
        }

        from.Dispose();
        to.Dispose();
        _pairs.TryRemove(isToServer ? from : to, out _);
    }
}
