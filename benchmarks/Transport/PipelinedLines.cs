using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Benchmarks.Transport;

/// <summary>What does one line cost when 16 are in flight: written together, echoed, told apart again?</summary>
internal static class PipelinedLines
{
    private const int Depth = 16;
    private const string Line = "{\"return\": {\"running\": true, \"status\": \"running\"}, \"id\": 1}";

    private static readonly byte[] s_line = Encoding.ASCII.GetBytes(Line + "\r\n");

    public static async Task RunAsync(TextWriter output)
    {
        using var peer = new EchoPeer();
        Way[] ways =
        [
            Floor(peer.Connect()),
            StreamReaderAndWriter(peer.Connect()),
            FrameworkPipes(peer.Connect()),
            OfConnection("Connection, FrameReader", peer.Connect(), new ConnectionOptions()),
            OfConnection("Connection, OwnThread, FrameReader", peer.Connect(), new ConnectionOptions { OwnThread = true }),
        ];
        await Way.MeasureAsync(ways, operations: 10_000, rounds: 9, perOperation: Depth);
        Way.Print(ways, output, "line");
    }

    /// <summary>The same bytes in one send, and nothing looked at.</summary>
    private static Way Floor(Socket socket)
    {
        byte[] batch = [.. Enumerable.Repeat(s_line, Depth).SelectMany(line => line)];
        return new Way("async Socket, one send, parses nothing", async count =>
        {
            byte[] buffer = new byte[16 * 1024];
            for (int i = 0; i < count; i++)
            {
                await socket.SendAsync(batch.AsMemory(), SocketFlags.None).ConfigureAwait(false);
                for (int received = 0; received < batch.Length;)
                    received += await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None).ConfigureAwait(false);
            }
        }, socket);
    }

    private static Way StreamReaderAndWriter(Socket socket)
    {
        var stream = new NetworkStream(socket);
        var reader = new StreamReader(stream);
        var writer = new StreamWriter(stream) { NewLine = "\r\n" };
        return new Way("StreamReader and StreamWriter", async count =>
        {
            for (int i = 0; i < count; i++)
            {
                for (int k = 0; k < Depth; k++)
                    await writer.WriteLineAsync(Line).ConfigureAwait(false);
                await writer.FlushAsync().ConfigureAwait(false);
                for (int k = 0; k < Depth; k++)
                    Check((await reader.ReadLineAsync().ConfigureAwait(false))!.Length);
            }
        }, socket);
    }

    private static Way FrameworkPipes(Socket socket)
    {
        var stream = new NetworkStream(socket);
        return new Way("PipeReader and PipeWriter over NetworkStream, FrameReader", Lines(PipeReader.Create(stream), PipeWriter.Create(stream)), socket);
    }

    private static Way OfConnection(string name, Socket socket, ConnectionOptions options)
    {
        Connection connection = Connection.FromSocket(socket, options);
        return new Way(name, Lines(connection.Input, connection.Output), socket);
    }

    private static Func<int, Task> Lines(PipeReader input, PipeWriter output)
    {
        FrameReader frames = FrameReader.Lines(input, 1000);
        return async count =>
        {
            for (int i = 0; i < count; i++)
            {
                for (int k = 0; k < Depth; k++)
                    output.Write(s_line);
                await output.FlushAsync().ConfigureAwait(false);
                for (int k = 0; k < Depth;)
                {
                    if (frames.TryRead(out ReadOnlySequence<byte> line))
                    {
                        Check((int)line.Length);
                        k++;
                    }
                    else
                    {
                        await frames.WaitAsync().ConfigureAwait(false);
                    }
                }
            }
        };
    }

    private static void Check(int bytes)
    {
        if (bytes != Line.Length)
            throw new InvalidOperationException($"The peer sent a line of {bytes} bytes back and not of {Line.Length}.");
    }
}
