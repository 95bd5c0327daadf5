using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Benchmarks.Transport;

/// <summary>What does one message there and back cost, 64 bytes over a unix socket, one at a time?</summary>
internal static class UnixPingPong
{
    private const int MessageBytes = 64;

    private static readonly byte[] s_message = [.. new byte[MessageBytes - 1], (byte)'\n'];

    public static async Task RunAsync(TextWriter output)
    {
        using var peer = new EchoPeer();
        Way[] ways =
        [
            AsyncSocket(peer.Connect()),
            BlockingSocket(peer.Connect()),
            Stream(peer.Connect()),
            FrameworkPipes(peer.Connect()),
            OfConnection("Connection", peer.Connect(), new ConnectionOptions()),
            OfConnection("Connection, OwnThread", peer.Connect(), new ConnectionOptions { OwnThread = true }),
            OfFrames("Connection, FrameReader", peer.Connect(), new ConnectionOptions()),
            OfFrames("Connection, OwnThread, FrameReader", peer.Connect(), new ConnectionOptions { OwnThread = true }),
        ];
        await Way.MeasureAsync(ways, operations: 20_000, rounds: 9, perOperation: 1);
        Way.Print(ways, output, "round trip");
    }

    private static Way AsyncSocket(Socket socket) => new("async Socket", async count =>
    {
        byte[] buffer = new byte[4096];
        for (int i = 0; i < count; i++)
        {
            await socket.SendAsync(s_message.AsMemory(), SocketFlags.None).ConfigureAwait(false);
            Check(await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None).ConfigureAwait(false));
        }
    }, socket);

    private static Way BlockingSocket(Socket socket) => new("blocking Socket", count =>
    {
        byte[] buffer = new byte[4096];
        for (int i = 0; i < count; i++)
        {
            socket.Send(s_message);
            Check(socket.Receive(buffer));
        }

        return Task.CompletedTask;
    }, socket);

    private static Way Stream(Socket socket)
    {
        var stream = new NetworkStream(socket);
        return new Way("NetworkStream", async count =>
        {
            byte[] buffer = new byte[4096];
            for (int i = 0; i < count; i++)
            {
                await stream.WriteAsync(s_message.AsMemory()).ConfigureAwait(false);
                Check(await stream.ReadAsync(buffer.AsMemory()).ConfigureAwait(false));
            }
        }, socket);
    }

    private static Way FrameworkPipes(Socket socket)
    {
        var stream = new NetworkStream(socket);
        PipeReader input = PipeReader.Create(stream);
        PipeWriter output = PipeWriter.Create(stream);
        return new Way("PipeReader and PipeWriter over NetworkStream", count => OverPipesAsync(input, output, count), socket);
    }

    private static Way OfConnection(string name, Socket socket, ConnectionOptions options)
    {
        Connection connection = Connection.FromSocket(socket, options);
        return new Way(name, count => OverPipesAsync(connection.Input, connection.Output, count), socket);
    }

    private static Way OfFrames(string name, Socket socket, ConnectionOptions options)
    {
        Connection connection = Connection.FromSocket(socket, options);
        FrameReader frames = FrameReader.Lines(connection.Input, 1000);
        return new Way(name, async count =>
        {
            for (int i = 0; i < count; i++)
            {
                connection.Output.Write(s_message);
                await connection.Output.FlushAsync().ConfigureAwait(false);
                while (!frames.TryRead(out _))
                    await frames.WaitAsync().ConfigureAwait(false);
            }
        }, socket);
    }

    private static async Task OverPipesAsync(PipeReader input, PipeWriter output, int count)
    {
        for (int i = 0; i < count; i++)
        {
            output.Write(s_message);
            await output.FlushAsync().ConfigureAwait(false);
            ReadResult result = await input.ReadAsync().ConfigureAwait(false);
            Check((int)result.Buffer.Length);
            input.AdvanceTo(result.Buffer.End);
        }
    }

    private static void Check(int bytes)
    {
        if (bytes != MessageBytes)
            throw new InvalidOperationException($"The peer sent {bytes} bytes back and not {MessageBytes}.");
    }
}
