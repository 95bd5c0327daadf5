using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Transport.Tests;

/// <summary>Steady state allocates nothing: all threads of the process together, 100,000 frames there and back over a real unix socket.</summary>
[Collection(nameof(AllocationTests))]
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
public sealed class AllocationTests
{
    private const int Frames = 100_000;
    private const int Batch = 16;
    private const int AllowedBytes = 1024;

    private static readonly LengthFormat s_format = new() { MaxPayloadBytes = 1000, CountsItself = true };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hundred_thousand_lines_allocate_nothing(bool ownThread) =>
        await AssertNothingAllocatedAsync(ownThread, input => FrameReader.Lines(input, 1000), static output =>
        {
            output.Write("{\"return\": {\"running\": true, \"status\": \"running\"}, \"id\": 1}\r\n"u8);
        });

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hundred_thousand_length_frames_allocate_nothing(bool ownThread) =>
        await AssertNothingAllocatedAsync(ownThread, input => FrameReader.Lengths(input, s_format), static output =>
        {
            Span<byte> frame = output.GetSpan(100);
            LengthFraming.WriteLength(frame, s_format, 60);
            frame.Slice(4, 60).Fill(7);
            output.Advance(64);
        });

    [Fact(Timeout = 60_000)]
    public async Task What_TLS_allocates_for_a_line_there_and_back_is_reported()
    {
        const int RoundTrips = 5000;
        var options = new TlsOptions();
        options.TrustedRoots.Add(Authority.Shared.Certificate);
        using var server = new TlsServer(Authority.Localhost);
        await using Connection connection = await Connection.ConnectTlsAsync("localhost", server.Port, options, cancellationToken: Cancel);
        FrameReader frames = FrameReader.Lines(connection.Input, 1000);
        long bytes = await AllocationMeter.MeasureAsync(2000 * RoundTrips, async () =>
        {
            for (int i = 0; i < RoundTrips; i++)
            {
                connection.Output.Write("{\"return\": {}}\n"u8);
                await connection.Output.FlushAsync(Cancel);
                while (!frames.TryRead(out _))
                    Assert.True(await frames.WaitAsync(Cancel));
            }
        });
        TestContext.Current.TestOutputHelper?.WriteLine($"{(double)bytes / RoundTrips:0.0} bytes for a round trip, the server of the test in the same process included");
        Assert.InRange(bytes / RoundTrips, 0, 2000);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_line_that_never_ends_is_refused_before_it_is_buffered()
    {
        await using SocketPair pair = await SocketPair.ConnectAsync();
        FrameReader frames = FrameReader.Lines(pair.Connection.Input, 100_000);
        Task sending = Task.Run(
            () =>
            {
                byte[] piece = new byte[64 * 1024];
                try
                {
                    while (true)
                        pair.Peer.Send(piece);
                }
                catch (SocketException)
                {
                    // The reader gave up.
                }
            },
            Cancel);
        long before = GC.GetTotalAllocatedBytes();
        await Assert.ThrowsAsync<FramingException>(() => ReadToEndAsync(frames));
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 1_000_000);
        await pair.Connection.DisposeAsync();
        await sending;
    }

    private static async Task ReadToEndAsync(FrameReader frames)
    {
        while (await frames.WaitAsync(Cancel))
        {
            while (frames.TryRead(out _))
            {
            }
        }
    }

    private static async Task AssertNothingAllocatedAsync(bool ownThread, Func<PipeReader, FrameReader> reader, Action<PipeWriter> write)
    {
        await using SocketPair pair = await SocketPair.ConnectAsync(new ConnectionOptions { OwnThread = ownThread });
        var echo = new Thread(() => Echo(pair.Peer)) { IsBackground = true };
        echo.Start();
        FrameReader frames = reader(pair.Connection.Input);
        long allocated = await AllocationMeter.MeasureAsync(AllowedBytes, () => RoundTripsAsync(pair.Connection.Output, frames, write));
        TestContext.Current.TestOutputHelper?.WriteLine($"{allocated} bytes for {Frames} frames");
        Assert.InRange(allocated, 0, AllowedBytes);
    }

    private static async Task RoundTripsAsync(PipeWriter output, FrameReader frames, Action<PipeWriter> write)
    {
        for (int sent = 0; sent < Frames; sent += Batch)
        {
            for (int i = 0; i < Batch; i++)
                write(output);
            await output.FlushAsync(Cancel);
            for (int received = 0; received < Batch;)
            {
                if (frames.TryRead(out _))
                    received++;
                else
                    Assert.True(await frames.WaitAsync(Cancel));
            }
        }
    }

    private static void Echo(Socket peer)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            int bytes;
            while ((bytes = peer.Receive(buffer)) > 0)
                peer.Send(buffer, bytes, SocketFlags.None);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The connection was disposed, perhaps between two calls.
        }
    }
}
