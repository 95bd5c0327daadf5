using System.Net;
using System.Net.Sockets;

namespace Hypervisor.Sdk.Transport;

/// <content>Making connections.</content>
public abstract partial class Connection
{
    /// <summary>How long to wait before asking a unix server again whose queue is full.</summary>
    private static readonly TimeSpan s_queueRetry = TimeSpan.FromMilliseconds(20);

    /// <summary>Connects to the unix socket at <paramref name="path"/>. A server whose queue is full is asked again until the connect time-out.</summary>
    /// <param name="path">The socket file; at most 107 bytes on Linux, 103 on macOS.</param>
    /// <param name="options">Time-outs and buffers; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels connecting.</param>
    /// <exception cref="ConnectException">There is no connection; <see cref="ConnectException.Failure"/> says why.</exception>
    /// <exception cref="ArgumentException">The path is empty or too long, or an option is out of range.</exception>
    public static async Task<Connection> ConnectUnixAsync(string path, ConnectionOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        UnixDomainSocketEndPoint endPoint;
        try
        {
            endPoint = new UnixDomainSocketEndPoint(path);
        }
        catch (ArgumentOutOfRangeException tooLong)
        {
            throw new ArgumentException($"The path of the unix socket is too long for this system: '{path}'.", nameof(path), tooLong);
        }

        options ??= ConnectionOptions.Default;
        options.Validate();
        string endpoint = $"unix:{path}";
        using var deadline = new ConnectDeadline(options, cancellationToken);
        while (true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await ConnectSocketAsync(socket, endPoint, endpoint, options, deadline).ConfigureAwait(false);
                return new SocketConnection(socket, endpoint, options);
            }
            catch (ConnectException error) when (error.InnerException is SocketException { SocketErrorCode: SocketError.WouldBlock })
            {
                // The server's queue is full. Linux tells a unix socket that does not block so, instead of connecting it later (unix(7), EAGAIN).
                await deadline.DelayAsync(s_queueRetry, endpoint).ConfigureAwait(false);
            }
        }
    }

    /// <summary>Connects to a TCP port, trying every address of the host in turn. Small writes are not held back (no Nagle).</summary>
    /// <param name="host">A host name or an IP address.</param>
    /// <param name="port">1 to 65535.</param>
    /// <param name="options">Time-outs, keepalive and buffers; null for the defaults.</param>
    /// <param name="cancellationToken">Cancels connecting.</param>
    /// <exception cref="ConnectException">There is no connection; <see cref="ConnectException.Failure"/> says why.</exception>
    /// <exception cref="ArgumentException">The host is empty, or the port or an option is out of range.</exception>
    public static async Task<Connection> ConnectTcpAsync(string host, int port, ConnectionOptions? options = null, CancellationToken cancellationToken = default)
    {
        options ??= ConnectionOptions.Default;
        Socket socket = NewTcpSocket(host, port, options);
        string endpoint = $"tcp:{host}:{port}";
        using var deadline = new ConnectDeadline(options, cancellationToken);
        await ConnectSocketAsync(socket, TcpEndPoint(host, port), endpoint, options, deadline).ConfigureAwait(false);
        return new SocketConnection(socket, endpoint, options);
    }

    /// <summary>Makes a connection of a connected stream socket, an accepted one for example. The connection owns the socket.</summary>
    /// <param name="socket">A connected stream socket on which no operation is pending.</param>
    /// <param name="options">Buffers; null for the defaults. The socket's own options are left as they are.</param>
    /// <exception cref="ArgumentException">The socket is not a connected stream socket, or an option is out of range.</exception>
    public static Connection FromSocket(Socket socket, ConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.SocketType != SocketType.Stream || !socket.Connected)
            throw new ArgumentException("A connection needs a connected stream socket.", nameof(socket));
        options ??= ConnectionOptions.Default;
        options.Validate();
        string endpoint = socket.AddressFamily == AddressFamily.Unix ? $"unix:{socket.RemoteEndPoint ?? socket.LocalEndPoint}" : $"tcp:{socket.RemoteEndPoint}";
        return new SocketConnection(socket, endpoint, options);
    }

    /// <summary>Makes a connection of a connected stream socket that leads somewhere else than it says, through a forwarder for example. The connection owns the socket.</summary>
    /// <param name="socket">A connected stream socket on which no operation is pending.</param>
    /// <param name="endpoint">What to call the peer in messages.</param>
    /// <param name="options">Buffers; null for the defaults. The socket's own options are left as they are.</param>
    /// <exception cref="ArgumentException">The socket is not a connected stream socket, the name is empty, or an option is out of range.</exception>
    public static Connection FromSocket(Socket socket, string endpoint, ConnectionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(socket);
        ArgumentException.ThrowIfNullOrEmpty(endpoint);
        if (socket.SocketType != SocketType.Stream || !socket.Connected)
            throw new ArgumentException("A connection needs a connected stream socket.", nameof(socket));
        options ??= ConnectionOptions.Default;
        options.Validate();
        return new SocketConnection(socket, endpoint, options);
    }

    private static Socket NewTcpSocket(string host, int port, ConnectionOptions options)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        if (port is < 1 or > 65535)
            throw new ArgumentOutOfRangeException(nameof(port), port, "A TCP port is 1 to 65535.");
        options.Validate();
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        if (options.KeepAliveTime is { } idle)
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, (int)idle.TotalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, (int)options.KeepAliveInterval.TotalSeconds);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, options.KeepAliveProbes);
        }

        return socket;
    }

    private static EndPoint TcpEndPoint(string host, int port) => IPAddress.TryParse(host, out IPAddress? address) ? new IPEndPoint(address, port) : new DnsEndPoint(host, port);

    /// <summary>Connects the socket, or disposes it and throws.</summary>
    private static async Task ConnectSocketAsync(Socket socket, EndPoint peer, string endpoint, ConnectionOptions options, ConnectDeadline deadline)
    {
        try
        {
            if (options.SocketReceiveBytes is { } receiveBytes)
                socket.ReceiveBufferSize = receiveBytes;
            if (options.SocketSendBytes is { } sendBytes)
                socket.SendBufferSize = sendBytes;
            await socket.ConnectAsync(peer, deadline.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            deadline.ThrowIfCallerCancelled();
            throw deadline.TimedOut(endpoint);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new ConnectException(FailureOf(error), $"Connecting to {endpoint} failed: {error.Message}", error);
        }
    }

    private static ConnectFailure FailureOf(SocketException error) => error.SocketErrorCode switch
    {
        SocketError.ConnectionRefused => ConnectFailure.Refused,
        // A unix socket whose file is missing: the runtime has no name for ENOENT.
        SocketError.HostNotFound or SocketError.NoData or SocketError.AddressNotAvailable => ConnectFailure.NotFound,
        SocketError.AccessDenied => ConnectFailure.Denied,
        SocketError.HostUnreachable or SocketError.NetworkUnreachable or SocketError.NetworkDown or SocketError.HostDown => ConnectFailure.Unreachable,
        SocketError.TimedOut => ConnectFailure.TimedOut,
        _ => error.NativeErrorCode == NoSuchFile && !OperatingSystem.IsWindows() ? ConnectFailure.NotFound : ConnectFailure.Other,
    };

    /// <summary>ENOENT, the same on Linux and macOS.</summary>
    private const int NoSuchFile = 2;
}
