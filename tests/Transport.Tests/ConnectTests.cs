using System.Net;
using System.Net.Sockets;
using System.Text;
using System.IO.Pipelines;
using System.Buffers;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

public sealed class ConnectTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_missing_socket_file_is_not_found()
    {
        using var directory = new TempDirectory();
        var error = await Assert.ThrowsAsync<ConnectException>(() => Connection.ConnectUnixAsync(directory["none"], cancellationToken: Cancel));
        Assert.Equal(ConnectFailure.NotFound, error.Failure);
        Assert.Contains(directory["none"], error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_socket_file_without_a_listener_refuses()
    {
        using var directory = new TempDirectory();
        using (var gone = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            gone.Bind(new UnixDomainSocketEndPoint(directory["s"]));
        var error = await Assert.ThrowsAsync<ConnectException>(async () =>
        {
            // The runtime removes the file of a socket that it bound; a server that was killed leaves its file.
            using var bound = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            bound.Bind(new UnixDomainSocketEndPoint(directory["s"]));
            await Connection.ConnectUnixAsync(directory["s"], cancellationToken: Cancel);
        });
        Assert.Equal(ConnectFailure.Refused, error.Failure);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_closed_port_refuses()
    {
        int port;
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var error = await Assert.ThrowsAsync<ConnectException>(() => Connection.ConnectTcpAsync("127.0.0.1", port, cancellationToken: Cancel));
        Assert.Equal(ConnectFailure.Refused, error.Failure);
        Assert.Contains($"tcp:127.0.0.1:{port}", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_port_that_does_not_answer_is_given_up_after_the_connect_time_out()
    {
        using var full = new FullListener();
        var clock = new ManualTimeProvider();
        Task<Connection> connecting = Connection.ConnectTcpAsync("127.0.0.1", full.Port, new ConnectionOptions { ConnectTimeout = TimeSpan.FromSeconds(7), TimeProvider = clock }, Cancel);
        clock.Advance(TimeSpan.FromSeconds(6.9));
        Assert.False(connecting.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(0.2));
        var error = await Assert.ThrowsAsync<ConnectException>(() => connecting);
        Assert.Equal(ConnectFailure.TimedOut, error.Failure);
        Assert.Contains("7 s", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Connecting_can_be_cancelled_and_says_by_whose_token()
    {
        using var full = new FullListener();
        using var cancel = new CancellationTokenSource();
        Task<Connection> connecting = Connection.ConnectTcpAsync("127.0.0.1", full.Port, cancellationToken: cancel.Token);
        await cancel.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => connecting);
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_unix_server_whose_queue_is_full_is_waited_for_and_given_up_after_the_connect_time_out()
    {
        using var directory = new TempDirectory();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory["s"]));
        listener.Listen(1);
        var clock = new ManualTimeProvider();
        var options = new ConnectionOptions { TimeProvider = clock };
        var queued = new List<Connection>();
        Task<Connection> waiting;
        while ((waiting = Connection.ConnectUnixAsync(directory["s"], options, Cancel)).IsCompleted)
            queued.Add(await waiting);
        Assert.InRange(queued.Count, 1, 5);

        listener.Accept().Dispose();
        while (clock.ActiveTimers < 2)
        {
            Cancel.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        clock.Advance(TimeSpan.FromSeconds(1));
        queued.Add(await waiting);

        waiting = Connection.ConnectUnixAsync(directory["s"], options, Cancel);
        Assert.False(waiting.IsCompleted);
        while (!waiting.IsCompleted)
        {
            Cancel.ThrowIfCancellationRequested();
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.Equal(ConnectFailure.TimedOut, (await Assert.ThrowsAsync<ConnectException>(() => waiting)).Failure);
        foreach (Connection connection in queued)
            await connection.DisposeAsync();
    }

    [Fact(Timeout = 60_000)]
    public async Task Keepalive_is_set_on_TCP_and_small_writes_are_not_held_back()
    {
        await using SocketPair pair = await SocketPair.ConnectTcpAsync(new ConnectionOptions
        {
            KeepAliveTime = TimeSpan.FromSeconds(11),
            KeepAliveInterval = TimeSpan.FromSeconds(4),
            KeepAliveProbes = 6,
            SocketReceiveBytes = 40_000,
            SocketSendBytes = 50_000,
        });
        Socket socket = ((SocketConnection)pair.Connection).Socket;
        Assert.True(socket.NoDelay);
        Assert.Equal(1, socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(11, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(4, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
        Assert.Equal(6, socket.GetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));
        Assert.InRange(socket.ReceiveBufferSize, 40_000, 80_000);
        Assert.InRange(socket.SendBufferSize, 50_000, 100_000);

        await using SocketPair silent = await SocketPair.ConnectTcpAsync(new ConnectionOptions { KeepAliveTime = null });
        Assert.Equal(0, ((SocketConnection)silent.Connection).Socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_host_name_is_resolved_and_every_address_is_tried()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        await using Connection connection = await Connection.ConnectTcpAsync("localhost", ((IPEndPoint)listener.LocalEndpoint).Port, cancellationToken: Cancel);
        Assert.StartsWith("tcp:localhost:", connection.Endpoint, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_accepted_socket_and_a_stream_are_connections_too()
    {
        await using SocketPair pair = await SocketPair.ConnectTcpAsync();
        await using Connection accepted = Connection.FromSocket(pair.Peer);
        Assert.StartsWith("tcp:127.0.0.1:", accepted.Endpoint, StringComparison.Ordinal);
        await accepted.Output.WriteAsync("from the server"u8.ToArray(), Cancel);
        Assert.Equal("from the server", await ReadAsync(pair.Connection, 15));

        await using SocketPair second = await SocketPair.ConnectAsync();
        await using Connection stream = Connection.FromStream(new NetworkStream(second.Peer), "stream:test");
        await stream.Output.WriteAsync("from the stream"u8.ToArray(), Cancel);
        Assert.Equal("from the stream", await ReadAsync(second.Connection, 15));
        await second.Connection.Output.WriteAsync("and back"u8.ToArray(), Cancel);
        Assert.Equal("and back", await ReadAsync(stream, 8));
    }

    [Fact]
    public async Task Options_that_make_no_sense_are_refused_by_name()
    {
        (ConnectionOptions Options, string Name)[] wrong =
        [
            (new() { ConnectTimeout = TimeSpan.Zero }, nameof(ConnectionOptions.ConnectTimeout)),
            (new() { KeepAliveTime = TimeSpan.Zero }, nameof(ConnectionOptions.KeepAliveTime)),
            (new() { KeepAliveInterval = TimeSpan.Zero }, nameof(ConnectionOptions.KeepAliveInterval)),
            (new() { KeepAliveProbes = 0 }, nameof(ConnectionOptions.KeepAliveProbes)),
            (new() { SegmentBytes = 1 }, nameof(ConnectionOptions.SegmentBytes)),
            (new() { SocketReceiveBytes = 0 }, nameof(ConnectionOptions.SocketReceiveBytes)),
            (new() { SocketSendBytes = -1 }, nameof(ConnectionOptions.SocketSendBytes)),
        ];
        foreach ((ConnectionOptions options, string name) in wrong)
        {
            var error = await Assert.ThrowsAsync<ArgumentException>(() => Connection.ConnectUnixAsync("/none", options, Cancel));
            Assert.Contains(name, error.Message, StringComparison.Ordinal);
        }

        await Assert.ThrowsAsync<ArgumentException>(() => Connection.ConnectUnixAsync("/" + new string('x', 200), cancellationToken: Cancel));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => Connection.ConnectTcpAsync("127.0.0.1", 0, cancellationToken: Cancel));
    }

    private static async Task<string> ReadAsync(Connection connection, int bytes)
    {
        ReadResult result = await connection.Input.ReadAtLeastAsync(bytes, Cancel);
        string text = Encoding.ASCII.GetString(result.Buffer.ToArray());
        connection.Input.AdvanceTo(result.Buffer.End);
        return text;
    }

    /// <summary>A port that answers no further connection, because its queue is full and nobody accepts.</summary>
    private sealed class FullListener : IDisposable
    {
        private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        private readonly List<Socket> _queued = [];

        public FullListener()
        {
            _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            _listener.Listen(0);
            while (true)
            {
                // A connection over loopback is there within the call, or the queue is full.
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
                _queued.Add(socket);
                try
                {
                    socket.Connect(_listener.LocalEndPoint!);
                }
                catch (SocketException) when (!socket.Poll(TimeSpan.FromMilliseconds(50), SelectMode.SelectWrite))
                {
                    return;
                }
                catch (SocketException)
                {
                    // In progress when asked, connected now.
                }
            }
        }

        public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

        public void Dispose()
        {
            _listener.Dispose();
            foreach (Socket socket in _queued)
                socket.Dispose();
        }
    }
}
