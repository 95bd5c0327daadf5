using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace Hypervisor.Sdk.Benchmarks.Http;

/// <summary>The server: blocking calls and no parsing to speak of, so that what is measured is the client. Echoes WebSocket frames of the size that the path names.</summary>
internal static class HttpStub
{
    public const string Command = "http-stub";
    public const int BodyBytes = 9_900;

    public static int Run(string path)
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Console.WriteLine("ready");
        while (true)
        {
            Socket socket = listener.Accept();
            new Thread(() => Serve(socket)) { IsBackground = true }.Start();
        }
    }

    private static void Serve(Socket socket)
    {
        byte[] answer = Encoding.ASCII.GetBytes(
            $"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Sat, 21 Nov 2026 05:00:00 GMT\r\nServer: stub\r\nETag: \"1\"\r\nContent-Length: {BodyBytes}\r\n\r\n{new string('x', BodyBytes)}");
        byte[] buffer = new byte[4096];
        int filled = 0;
        int bytes;
        while ((bytes = socket.Receive(buffer, filled, buffer.Length - filled, SocketFlags.None)) > 0)
        {
            filled += bytes;
            if (!buffer.AsSpan(0, filled).EndsWith("\r\n\r\n"u8))
                continue;
            if (buffer.AsSpan(0, filled).StartsWith("GET /ws/"u8))
            {
                Echo(socket, Encoding.ASCII.GetString(buffer, 0, filled));
                return;
            }

            filled = 0;
            socket.Send(answer);
        }
    }

    private static void Echo(Socket socket, string head)
    {
        string key = head.Split("Sec-WebSocket-Key: ")[1].Split("\r\n")[0];
#pragma warning disable CA5350 // The handshake's own digest.
        string accept = Convert.ToBase64String(SHA1.HashData(Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")));
#pragma warning restore CA5350
        socket.Send(Encoding.ASCII.GetBytes($"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"));
        int size = int.Parse(head.Split(' ')[1].Split('/')[^1], System.Globalization.CultureInfo.InvariantCulture);
        byte[] frame = size < 126 ? [0x82, (byte)size, .. new byte[size]] : [0x82, 127, 0, 0, 0, 0, 0, (byte)(size >> 16), (byte)(size >> 8), (byte)size, .. new byte[size]];
        byte[] buffer = new byte[frame.Length + 4];
        while (true)
        {
            for (int filled = 0; filled < buffer.Length;)
            {
                int bytes = socket.Receive(buffer, filled, buffer.Length - filled, SocketFlags.None);
                if (bytes == 0)
                    return;
                filled += bytes;
            }

            socket.Send(frame);
        }
    }
}
