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

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_peer_that_closes_while_a_read_and_a_flush_are_pending_ends_both_with_one_reason(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        Task<ReadResult> read = pair.Connection.Input.ReadAsync(Cancel).AsTask();
        Task<FlushResult> flush = await FillAsync(pair.Connection);
        pair.Peer.Dispose();

        // The peer leaves bytes unread: that is a reset and not an end.
        var seen = await Assert.ThrowsAsync<ConnectionClosedException>(() => flush);
        Assert.Same(seen, await Assert.ThrowsAsync<ConnectionClosedException>(() => read));
        Assert.Same(seen, pair.Connection.CloseReason);
        await pair.Connection.Closed;
        pair.Connection.Abort(new InvalidDataException("a later reason"));
        Assert.Same(seen, await Assert.ThrowsAsync<ConnectionClosedException>(() => pair.Connection.Input.ReadAsync(Cancel).AsTask()));
        Assert.Same(seen, await Assert.ThrowsAsync<ConnectionClosedException>(() => pair.Connection.Output.WriteAsync("x"u8.ToArray(), Cancel).AsTask()));
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task What_arrived_before_the_peer_went_can_be_read_after_a_flush_has_failed(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        pair.Peer.Send("last words"u8);
        pair.Peer.Dispose();
        await Assert.ThrowsAsync<ConnectionClosedException>(() => pair.Connection.Output.WriteAsync("x"u8.ToArray(), Cancel).AsTask());
        Assert.Equal("last words", Encoding.ASCII.GetString(await ReadToEndAsync(pair.Connection.Input)));
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Each_side_may_end_its_direction_and_go_on_in_the_other(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        "the last request"u8.CopyTo(pair.Connection.Output.GetSpan(100));
        pair.Connection.Output.Advance(16);
        await pair.Connection.Output.CompleteAsync();
        byte[] received = new byte[100];
        Assert.Equal(16, pair.Peer.Receive(received));
        Assert.Equal(0, pair.Peer.Receive(received));
        Assert.Null(pair.Connection.CloseReason);

        pair.Peer.Send("the last answer"u8);
        pair.Peer.Shutdown(SocketShutdown.Send);
        Assert.Equal("the last answer", Encoding.ASCII.GetString(await ReadToEndAsync(pair.Connection.Input)));
        await pair.Connection.Closed;
        Assert.Contains("ended", pair.Connection.CloseReason!.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => { pair.Connection.Output.GetMemory(); });
    }

    [Fact(Timeout = 60_000)]
    public async Task Completing_without_waiting_sends_the_rest_as_well()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        "rest"u8.CopyTo(pair.Connection.Output.GetSpan(4));
        pair.Connection.Output.Advance(4);
        pair.Connection.Output.Complete();
        byte[] received = new byte[100];
        Assert.Equal(4, pair.Peer.Receive(received));
        Assert.Equal(0, pair.Peer.Receive(received));
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Nobody_reading_stops_the_sender_after_the_system_s_buffers(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread, SocketReceiveBytes = 32 * 1024 });
        pair.Peer.Blocking = false;
        pair.Peer.Send("first"u8);
        ReadResult first = await pair.Connection.Input.ReadAsync(Cancel);
        pair.Connection.Input.AdvanceTo(first.Buffer.End);

        byte[] piece = new byte[16 * 1024];
        long sent = 0;
        while (pair.Peer.Poll(TimeSpan.Zero, SelectMode.SelectWrite))
            sent += pair.Peer.Send(piece, SocketFlags.None, out _);
        Assert.InRange(sent, 1, 1024 * 1024);

        pair.Peer.Shutdown(SocketShutdown.Send);
        Assert.Equal(sent, (await ReadToEndAsync(pair.Connection.Input)).Length);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_peer_that_does_not_read_stops_the_flush_and_reading_lets_it_go_on()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        Task<FlushResult> flush = await FillAsync(pair.Connection);
        Task<long> receiving = Task.Run(() => ReceiveZeros(pair.Peer), Cancel);
        Assert.False((await flush).IsCanceled);
        await pair.Connection.Output.CompleteAsync();
        Assert.True(await receiving > 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task What_is_written_while_a_flush_is_pending_follows_in_order()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        PipeWriter output = pair.Connection.Output;
        byte next = 0;
        long written = 0;
        void Write(int bytes)
        {
            Span<byte> span = output.GetSpan(bytes);
            for (int i = 0; i < bytes; i++)
                span[i] = next++;
            output.Advance(bytes);
            written += bytes;
        }

        ValueTask<FlushResult> flush;
        do
        {
            Write(10_000);
            flush = output.FlushAsync(Cancel);
        }
        while (flush.IsCompleted);
        for (int i = 0; i < 10; i++)
            Write(5_000);
        Assert.Equal(50_000, output.UnflushedBytes);
        Assert.Throws<InvalidOperationException>(() => { _ = output.FlushAsync(Cancel).AsTask(); });

        Task<long> receiving = Task.Run(() => ReceiveCounting(pair.Peer), Cancel);
        await flush;
        await output.FlushAsync(Cancel);
        Assert.Equal(0, output.UnflushedBytes);
        await output.CompleteAsync();
        Assert.Equal(written, await receiving);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_cancelled_flush_sends_its_bytes_all_the_same()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        PipeWriter output = pair.Connection.Output;
        using var cancel = new CancellationTokenSource();
        byte next = 0;
        long written = 0;
        Task<FlushResult> flush;
        do
        {
            Span<byte> span = output.GetSpan(10_000);
            for (int i = 0; i < 10_000; i++)
                span[i] = next++;
            output.Advance(10_000);
            written += 10_000;
            flush = output.FlushAsync(cancel.Token).AsTask();
        }
        while (flush.IsCompleted);
        await cancel.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => flush);
        Assert.Equal(cancel.Token, cancelled.CancellationToken);

        output.GetSpan(1)[0] = next;
        output.Advance(1);
        written++;
        Task<long> receiving = Task.Run(() => ReceiveCounting(pair.Peer), Cancel);
        await output.FlushAsync(Cancel);
        await output.CompleteAsync();
        Assert.Equal(written, await receiving);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_cancelled_read_leaves_the_connection_usable_and_loses_nothing(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        PipeReader input = pair.Connection.Input;
        for (int round = 0; round < 100; round++)
        {
            using var cancel = new CancellationTokenSource();
            Task<ReadResult> read = input.ReadAsync(cancel.Token).AsTask();
            await cancel.CancelAsync();
            var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
            Assert.Equal(cancel.Token, cancelled.CancellationToken);

            pair.Peer.Send([(byte)round]);
            ReadResult result = await input.ReadAsync(Cancel);
            Assert.Equal([(byte)round], result.Buffer.ToArray());
            input.AdvanceTo(result.Buffer.End);

            read = input.ReadAsync(Cancel).AsTask();
            input.CancelPendingRead();
            result = await read;
            Assert.True(result.IsCanceled);
            input.AdvanceTo(result.Buffer.End);
        }

        input.CancelPendingRead();
        Assert.True((await input.ReadAsync(Cancel)).IsCanceled);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => input.ReadAsync(new CancellationToken(true)).AsTask());
    }

    [Fact(Timeout = 60_000)]
    public async Task A_second_read_at_the_same_time_is_misuse()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        Task<ReadResult> read = pair.Connection.Input.ReadAsync(Cancel).AsTask();
        Assert.Throws<InvalidOperationException>(() => { _ = pair.Connection.Input.ReadAsync(Cancel).AsTask(); });
        pair.Peer.Send("x"u8);
        Assert.Equal(1, (await read).Buffer.Length);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disposing_ends_a_pending_read_and_a_pending_flush(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        Task<ReadResult> read = pair.Connection.Input.ReadAsync(Cancel).AsTask();
        Task<FlushResult> flush = await FillAsync(pair.Connection);
        await pair.Connection.DisposeAsync();
        var seen = await Assert.ThrowsAsync<ConnectionClosedException>(() => read);
        Assert.Same(seen, await Assert.ThrowsAsync<ConnectionClosedException>(() => flush));
        Assert.Contains("closed by this side", seen.Message, StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Disposing_inside_the_continuation_of_a_read_does_not_wait_for_itself(bool ownThread)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        async Task ReadAndDisposeAsync()
        {
            await pair.Connection.Input.ReadAsync(Cancel).ConfigureAwait(false);
            await pair.Connection.DisposeAsync().ConfigureAwait(false);
        }

        Task task = ReadAndDisposeAsync();
        pair.Peer.Send("x"u8);
        await task;
        Assert.Equal(0, pair.Peer.Receive(new byte[1]));
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_continuation_that_blocks_delays_no_other_connection(bool ownThread)
    {
        var options = new ConnectionOptions { OwnThread = ownThread };
        await using SocketPair slow = await SocketPair.ConnectAsync(options);
        await using SocketPair other = await SocketPair.ConnectAsync(options);
        using var release = new ManualResetEventSlim();
        async Task BlockAsync()
        {
            await slow.Connection.Input.ReadAsync(Cancel).ConfigureAwait(false);
            release.Wait(Cancel);
        }

        Task blocked = BlockAsync();
        slow.Peer.Send("x"u8);
        Task<ReadResult> read = other.Connection.Input.ReadAsync(Cancel).AsTask();
        other.Peer.Send("y"u8);
        Assert.Equal(1, (await read).Buffer.Length);
        Assert.False(blocked.IsCompleted);
        release.Set();
        await blocked;
    }

    [Theory(Timeout = 60_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Random_reads_that_take_and_look_at_random_amounts_see_every_byte_once_and_in_order(bool ownThread)
    {
        const int Bytes = 2_000_000;
        for (int seed = 0; seed < 3; seed++)
        {
            await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread, SegmentBytes = 1024 });
            var random = new Random(seed);
            Task sending = Task.Run(() => SendCounting(pair.Peer, Bytes, new Random(seed + 100)), Cancel);
            PipeReader input = pair.Connection.Input;
            long position = 0;
            while (true)
            {
                using var cancel = new CancellationTokenSource();
                ValueTask<ReadResult> read = input.ReadAsync(cancel.Token);
                if (!read.IsCompleted && random.Next(4) == 0)
                    await cancel.CancelAsync();
                ReadResult result;
                try
                {
                    result = await read;
                }
                catch (OperationCanceledException)
                {
                    continue;
                }

                ReadOnlySequence<byte> buffer = result.Buffer;
                AssertCounting(buffer, position);
                if (result.IsCompleted)
                {
                    position += buffer.Length;
                    input.AdvanceTo(buffer.End);
                    break;
                }

                long take = random.Next(3) == 0 ? buffer.Length : random.NextInt64(0, buffer.Length + 1);
                long look = random.Next(2) == 0 ? buffer.Length : random.NextInt64(take, buffer.Length + 1);
                input.AdvanceTo(buffer.GetPosition(take), buffer.GetPosition(look));
                position += take;
            }

            Assert.Equal(Bytes, position);
            await sending;
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Random_writes_arrive_whole_and_in_order()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { SegmentBytes = 1024 });
        Task<long> receiving = Task.Run(() => ReceiveCounting(pair.Peer), Cancel);
        var random = new Random(5);
        PipeWriter output = pair.Connection.Output;
        byte next = 0;
        long written = 0;
        for (int i = 0; i < 20_000; i++)
        {
            int asked = random.Next(0, random.Next(10) == 0 ? 5000 : 300);
            Memory<byte> memory = output.GetMemory(asked);
            Assert.True(memory.Length >= Math.Max(asked, 1));
            int bytes = random.Next(0, asked + 1);
            for (int k = 0; k < bytes; k++)
                memory.Span[k] = next++;
            output.Advance(bytes);
            written += bytes;
            if (random.Next(5) == 0)
                await output.FlushAsync(Cancel);
        }

        await output.CompleteAsync();
        Assert.Equal(written, await receiving);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_writer_that_says_it_wrote_more_than_it_was_given_is_told_so()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        PipeWriter output = pair.Connection.Output;
        Assert.Throws<ArgumentOutOfRangeException>(() => output.Advance(1));
        int free = output.GetMemory(10).Length;
        Assert.Throws<ArgumentOutOfRangeException>(() => output.Advance(free + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => output.Advance(-1));
    }

    /// <summary>Writes until the system takes no more and returns the flush that waits.</summary>
    private static async Task<Task<FlushResult>> FillAsync(Connection connection)
    {
        while (true)
        {
            Task<FlushResult> flush = connection.Output.WriteAsync(new byte[16 * 1024], Cancel).AsTask();
            if (!flush.IsCompleted)
                return flush;
            await flush;
        }
    }

    private static async Task<byte[]> ReadToEndAsync(PipeReader input)
    {
        var all = new MemoryStream();
        while (true)
        {
            ReadResult result = await input.ReadAsync(Cancel);
            foreach (ReadOnlyMemory<byte> piece in result.Buffer)
                all.Write(piece.Span);
            input.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return all.ToArray();
        }
    }

    private static void SendCounting(Socket peer, int bytes, Random random)
    {
        byte[] piece = new byte[5000];
        for (int sent = 0; sent < bytes;)
        {
            int length = Math.Min(random.Next(1, piece.Length), bytes - sent);
            for (int i = 0; i < length; i++)
                piece[i] = (byte)((sent + i) % 251);
            peer.Send(piece, length, SocketFlags.None);
            sent += length;
        }

        peer.Shutdown(SocketShutdown.Send);
    }

    private static void AssertCounting(ReadOnlySequence<byte> buffer, long position)
    {
        foreach (ReadOnlyMemory<byte> piece in buffer)
        {
            foreach (byte b in piece.Span)
            {
                if (b != position % 251)
                    Assert.Fail($"byte {position} is {b} and not {position % 251}");
                position++;
            }
        }
    }

    private static long ReceiveZeros(Socket peer)
    {
        byte[] buffer = new byte[64 * 1024];
        long received = 0;
        int bytes;
        while ((bytes = peer.Receive(buffer)) > 0)
            received += bytes;
        return received;
    }

    private static long ReceiveCounting(Socket peer)
    {
        byte[] buffer = new byte[10_000];
        byte next = 0;
        long received = 0;
        int bytes;
        while ((bytes = peer.Receive(buffer)) > 0)
        {
            for (int i = 0; i < bytes; i++)
            {
                if (buffer[i] != next++)
                    Assert.Fail($"byte {received + i} is {buffer[i]}");
            }

            received += bytes;
        }

        return received;
    }
}
