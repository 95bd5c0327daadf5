using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

public sealed class FrameReaderTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Frames_that_arrive_byte_by_byte_are_read_whole()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        FrameReader frames = FrameReader.Lines(pair.Connection.Input, 100);
        Task sending = Task.Run(
            () =>
            {
                foreach (byte b in "one\r\ntwo\n\nthree\n"u8.ToArray())
                    pair.Peer.Send([b]);
                pair.Peer.Dispose();
            },
            Cancel);
        Assert.Equal(["one", "two", "", "three"], await ReadAllAsync(frames));
        await sending;
    }

    [Fact(Timeout = 60_000)]
    public async Task Frames_larger_than_a_segment_are_read_whole()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { SegmentBytes = 1024 });
        var format = new LengthFormat { MaxPayloadBytes = 1_000_000, CountsItself = true };
        FrameReader frames = FrameReader.Lengths(pair.Connection.Input, format);
        int[] sizes = [0, 1, 1019, 1020, 1021, 4096, 999_999, 5];
        Task sending = Task.Run(
            () =>
            {
                foreach (int size in sizes)
                {
                    byte[] frame = new byte[4 + size];
                    LengthFraming.WriteLength(frame, format, size);
                    frame.AsSpan(4).Fill((byte)size);
                    pair.Peer.Send(frame);
                }

                pair.Peer.Dispose();
            },
            Cancel);
        var received = new List<int>();
        while (await frames.WaitAsync(Cancel))
        {
            while (frames.TryRead(out ReadOnlySequence<byte> frame))
            {
                received.Add((int)frame.Length);
                foreach (ReadOnlyMemory<byte> piece in frame)
                    Assert.Equal(-1, piece.Span.IndexOfAnyExcept((byte)frame.Length));
            }
        }

        Assert.Equal(sizes, received);
        await sending;
    }

    [Fact(Timeout = 60_000)]
    public async Task An_end_in_the_middle_of_a_frame_is_an_error_and_not_an_end()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        FrameReader frames = FrameReader.Lines(pair.Connection.Input, 100);
        pair.Peer.Send("whole\nhal"u8);
        pair.Peer.Dispose();
        var read = new List<string>();
        var error = await Assert.ThrowsAsync<FramingException>(async () => await ReadAllAsync(frames, read));
        Assert.Equal(["whole"], read);
        Assert.Contains("3 bytes", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_cancelled_wait_loses_nothing()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        FrameReader frames = FrameReader.Lines(pair.Connection.Input, 100);
        pair.Peer.Send("fir"u8);
        Assert.True(await frames.WaitAsync(Cancel));
        Assert.False(frames.TryRead(out _));
        using var cancel = new CancellationTokenSource();
        Task<bool> waiting = frames.WaitAsync(cancel.Token).AsTask();
        await cancel.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        Assert.Equal(cancel.Token, cancelled.CancellationToken);
        pair.Peer.Send("st\nsecond\n"u8);
        pair.Peer.Dispose();
        Assert.Equal(["first", "second"], await ReadAllAsync(frames));
    }

    private static Task<List<string>> ReadAllAsync(FrameReader frames) => ReadAllAsync(frames, []);

    private static async Task<List<string>> ReadAllAsync(FrameReader frames, List<string> read)
    {
        while (await frames.WaitAsync(Cancel))
        {
            while (frames.TryRead(out ReadOnlySequence<byte> frame))
                read.Add(Encoding.ASCII.GetString(frame.ToArray()));
        }

        return read;
    }
}
