using System.Net.Sockets;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>A server of blocking calls, which allocates nothing while it serves.</summary>
internal sealed class BlockingServer : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly Action<Socket> _serve;

    /// <summary>Serves each connection by the delegate, on a thread of its own.</summary>
    public BlockingServer(Action<Socket> serve)
    {
        _serve = serve;
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
        new Thread(Accept) { IsBackground = true }.Start();
    }

    public string Path => _directory["s"];

    /// <summary>Answers each head with the same bytes, until the client ends.</summary>
    public static void AnswerHeads(Socket socket, byte[] answer)
    {
        byte[] buffer = new byte[4096];
        int filled = 0;
        while (true)
        {
            int bytes = socket.Receive(buffer, filled, buffer.Length - filled, SocketFlags.None);
            if (bytes == 0)
                return;
            filled += bytes;
            if (!buffer.AsSpan(0, filled).EndsWith("\r\n\r\n"u8))
                continue;
            filled = 0;
            socket.Send(answer);
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        _directory.Dispose();
    }

    private void Accept()
    {
        try
        {
            while (true)
            {
                Socket socket = _listener.Accept();
                new Thread(() => Serve(socket)) { IsBackground = true }.Start();
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            _serve(socket);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The client closed the connection.
        }
        finally
        {
            socket.Dispose();
        }
    }
}
