using System.Net;
using System.Net.Sockets;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

/// <summary>A connection over a real unix socket and the raw socket at its other end.</summary>
internal sealed class SocketPair : IAsyncDisposable
{
    private readonly TempDirectory _directory;

    private SocketPair(TempDirectory directory, Connection connection, Socket peer)
    {
        _directory = directory;
        Connection = connection;
        Peer = peer;
    }

    public Connection Connection { get; }

    public Socket Peer { get; }

    public static async Task<SocketPair> ConnectAsync(ConnectionOptions? options = null)
    {
        var directory = new TempDirectory();
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(directory["s"]));
        listener.Listen();
        Connection connection = await Connection.ConnectUnixAsync(directory["s"], options, TestContext.Current.CancellationToken);
        // Not asynchronously: the peer's blocking calls are to be the operating system's own, which allocate nothing.
        return new SocketPair(directory, connection, listener.Accept());
    }

    /// <summary>The same over TCP.</summary>
    public static async Task<SocketPair> ConnectTcpAsync(ConnectionOptions? options = null)
    {
        var directory = new TempDirectory();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        Connection connection = await Connection.ConnectTcpAsync("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, options, TestContext.Current.CancellationToken);
        return new SocketPair(directory, connection, listener.AcceptSocket());
    }

    public async ValueTask DisposeAsync()
    {
        await Connection.DisposeAsync();
        Peer.Dispose();
        _directory.Dispose();
    }
}
