using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

public sealed class ConnectionTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bytes_go_both_ways_over_a_unix_socket(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        await pair.Connection.Output.WriteAsync("ping"u8.ToArray(), Cancel);
        byte[] received = new byte[16];
        Assert.Equal("ping", Encoding.ASCII.GetString(received, 0, await pair.Peer.ReceiveAsync(received, Cancel)));

        Task<ReadResult> read = pair.Connection.Input.ReadAsync(Cancel).AsTask();
        await pair.Peer.SendAsync("pong"u8.ToArray(), Cancel);
        ReadResult result = await read;
        Assert.Equal("pong", Encoding.ASCII.GetString(result.Buffer.ToArray()));
        pair.Connection.Input.AdvanceTo(result.Buffer.End);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_first_close_reason_is_what_a_pending_read_and_every_later_call_throws(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        Task<ReadResult> read = pair.Connection.Input.ReadAsync(Cancel).AsTask();
        var first = new InvalidDataException("the peer talks nonsense");
        pair.Connection.Abort(first);
        pair.Connection.Abort(new InvalidDataException("a later reason"));

        var seen = await Assert.ThrowsAsync<ConnectionClosedException>(() => read);
        Assert.Same(first, seen.InnerException);
        Assert.Same(seen, pair.Connection.CloseReason);
        Assert.Same(seen, await Assert.ThrowsAsync<ConnectionClosedException>(() => pair.Connection.Input.ReadAsync(Cancel).AsTask()));
        Assert.Same(seen, await Assert.ThrowsAsync<ConnectionClosedException>(() => pair.Connection.Output.WriteAsync("x"u8.ToArray(), Cancel).AsTask()));
        await pair.Connection.Closed;
        await pair.Connection.DisposeAsync();
        await pair.Connection.DisposeAsync();
        Assert.Same(seen, pair.Connection.CloseReason);
    }
}
