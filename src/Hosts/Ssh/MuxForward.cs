using System.Buffers.Binary;
using System.Net.Sockets;

namespace Hypervisor.Sdk.Hosts;

/// <summary>
/// Asks a master for a forwarded socket, over its control socket: what <c>ssh -O forward</c> does, without a process and without a text in which paths would have to be escaped. By PROTOCOL.mux of OpenSSH, version 4: every packet
/// is its length and its content, numbers are 32 bits in network order, texts are their length and their bytes.
/// </summary>
internal static class MuxForward
{
    private const uint Version = 4;
    private const uint Hello = 1;
    private const uint OpenForward = 0x10000006;
    private const uint CloseForward = 0x10000007;
    private const uint Okay = 0x80000001;
    private const uint PermissionDenied = 0x80000002;
    private const uint Failure = 0x80000003;
    private const uint LocalForward = 1;

    /// <summary>Stands for the port of what is a unix socket (PORT_STREAMLOCAL, -2).</summary>
    public const uint UnixPort = unchecked((uint)-2);

    private const int MaxPacketBytes = 256 << 10;

    /// <summary>Lets the master listen on a unix socket here and connect every connection to something there.</summary>
    /// <returns>Null when it does, else its reason.</returns>
    /// <exception cref="IOException">There is no master.</exception>
    public static Task<string?> OpenAsync(string controlPath, string listenPath, string remoteHost, uint remotePort, CancellationToken cancellationToken) => AskAsync(controlPath, OpenForward, listenPath, remoteHost, remotePort, cancellationToken);

    /// <summary>Lets it listen no longer; connections that there are stay.</summary>
    /// <returns>Null when it does, else its reason.</returns>
    /// <exception cref="IOException">There is no master.</exception>
    public static Task<string?> CloseAsync(string controlPath, string listenPath, string remoteHost, uint remotePort, CancellationToken cancellationToken) => AskAsync(controlPath, CloseForward, listenPath, remoteHost, remotePort, cancellationToken);

    /// <summary>Completes when the master has answered, and so has done what it had begun before.</summary>
    /// <exception cref="IOException">There is no master.</exception>
    public static async Task GreetAsync(string controlPath, CancellationToken cancellationToken)
    {
        var stream = await HelloAsync(controlPath, cancellationToken).ConfigureAwait(false);
        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private static async Task<string?> AskAsync(string controlPath, uint request, string listenPath, string remoteHost, uint remotePort, CancellationToken cancellationToken)
    {
        const uint RequestId = 1;
        var stream = await HelloAsync(controlPath, cancellationToken).ConfigureAwait(false);
        await using (stream.ConfigureAwait(false))
        {
            await WriteAsync(stream, new Packet().Number(request).Number(RequestId).Number(LocalForward).Text(listenPath).Number(UnixPort).Text(remoteHost).Number(remotePort), cancellationToken).ConfigureAwait(false);
            var answer = await ReadAsync(stream, cancellationToken).ConfigureAwait(false);
            uint kind = answer.Number();
            if (answer.Number() != RequestId)
                throw new IOException("The master answers what it was not asked.");
            return kind switch
            {
                Okay => null,
                PermissionDenied or Failure => answer.Text(),
                _ => throw new IOException($"The master answers with the unknown 0x{kind:x}."),
            };
        }
    }

    private static async Task<NetworkStream> HelloAsync(string controlPath, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(controlPath), cancellationToken).ConfigureAwait(false);
            var stream = new NetworkStream(socket, ownsSocket: true);
            await WriteAsync(stream, new Packet().Number(Hello).Number(Version), cancellationToken).ConfigureAwait(false);
            var hello = await ReadAsync(stream, cancellationToken).ConfigureAwait(false);
            return hello.Number() == Hello && hello.Number() == Version ? stream : throw new IOException("The master does not speak version 4 of its protocol.");
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new IOException($"The master does not answer: {error.Message}", error);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Task WriteAsync(NetworkStream stream, Packet packet, CancellationToken cancellationToken) => await stream.WriteAsync(packet.WithLength(), cancellationToken).ConfigureAwait(false);

    private static async Task<PacketReader> ReadAsync(NetworkStream stream, CancellationToken cancellationToken)
    {
        byte[] length = new byte[4];
        await stream.ReadExactlyAsync(length, cancellationToken).ConfigureAwait(false);
        uint bytes = BinaryPrimitives.ReadUInt32BigEndian(length);
        if (bytes > MaxPacketBytes)
            throw new IOException($"The master sends a packet of {bytes} bytes; at most {MaxPacketBytes} were expected.");
        byte[] content = new byte[bytes];
        await stream.ReadExactlyAsync(content, cancellationToken).ConfigureAwait(false);
        return new PacketReader(content);
    }
}
