using System.IO.Pipelines;
using System.Net.Sockets;

namespace Hypervisor.Sdk.Transport.Tests;

/// <summary>How large the buffers of a connection are.</summary>
public sealed class ConnectionBufferTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Messages_of_several_buffers_are_sent_and_kept_in_larger_ones_from_then_on(bool ownThread)
    {
        const int Bytes = 64 * 1024;
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        byte[] sent = new byte[Bytes];
        var pieces = new List<int>();
        var rooms = new List<int>();
        for (int round = 0; round < 6; round++)
        {
            Task sending = Task.Run(() => pair.Peer.Send(sent), Cancel);
            ReadResult read;
            while ((read = await pair.Connection.Input.ReadAsync(Cancel)).Buffer.Length < Bytes)
                pair.Connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            int count = 0;
            foreach (ReadOnlyMemory<byte> _ in read.Buffer)
                count++;
            pieces.Add(count);
            pair.Connection.Input.AdvanceTo(read.Buffer.End);
            await sending;

            rooms.Add(pair.Connection.Output.GetMemory().Length);
            for (int written = 0; written < Bytes;)
            {
                int room = Math.Min(pair.Connection.Output.GetMemory().Length, Bytes - written);
                pair.Connection.Output.Advance(room);
                written += room;
            }

            Task<long> receiving = Task.Run(() => Receive(pair.Peer, Bytes), Cancel);
            await pair.Connection.Output.FlushAsync(Cancel);
            await receiving;
        }

        Assert.True(pieces[0] >= 3 && pieces[^1] <= 2, string.Join(' ', pieces));
        Assert.True(rooms[0] == 16 * 1024 && rooms[^1] is >= Bytes and <= 128 * 1024, string.Join(' ', rooms));
    }

    private static long Receive(Socket peer, long bytes)
    {
        byte[] buffer = new byte[bytes];
        long received = 0;
        while (received < bytes)
            received += peer.Receive(buffer);
        return received;
    }
}
