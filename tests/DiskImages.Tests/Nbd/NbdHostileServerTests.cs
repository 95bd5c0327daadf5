using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.DiskImages.Tests;

/// <summary>Servers that say what is not so. A client that believed them would write past buffers, fill memory, wait for ever, or hand out a backup with holes.</summary>
public sealed class NbdHostileServerTests
{
    private const int Asked = 4096;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(5);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Dictionary<string, Func<NbdTranscript, NbdTranscript>> Reads { get; } = new()
    {
        ["another magic"] = t => t.Chunk(1, NbdProtocol.ChunkNone, [], isDone: true, magic: 0x12345678),
        ["a simple reply, which was not agreed"] = t => t.Chunk(1, NbdProtocol.ChunkNone, [], isDone: true, magic: 0x67446698),
        ["another cookie"] = t => t.Data(2, 0, new byte[Asked], isDone: true),
        ["an unknown kind of piece"] = t => t.Chunk(1, 77, new byte[12], isDone: true),
        ["a piece about stretches"] = t => t.Status(1, [(Asked, 0)], isDone: true),
        ["a piece of 4 GiB"] = t => t.Chunk(1, NbdProtocol.ChunkData, NbdTranscript.Number(0UL), length: uint.MaxValue),
        ["an unknown piece of 4 GiB"] = t => t.Chunk(1, 77, [], length: uint.MaxValue),
        ["an error of 4 GiB"] = t => t.Chunk(1, NbdProtocol.ChunkErrorBit | 1, [], isDone: true, length: uint.MaxValue),
        ["an error that is too short to be one"] = t => t.Chunk(1, NbdProtocol.ChunkErrorBit | 1, new byte[5], isDone: true),
        ["an error with words longer than itself"] = t => t.Error(1, 5, "no", length: ushort.MaxValue),
        ["more than was asked"] = t => t.Data(1, 0, new byte[Asked + 1], isDone: true),
        ["what lies before"] = t => t.Data(1, ulong.MaxValue - 511, new byte[512]).Data(1, 0, new byte[Asked], isDone: true),
        ["what lies behind"] = t => t.Data(1, Asked, new byte[1], isDone: true),
        ["a place that wraps"] = t => t.Hole(1, ulong.MaxValue, Asked, isDone: true),
        ["the same twice"] = t => t.Data(1, 0, new byte[Asked / 2]).Data(1, 0, new byte[Asked / 2], isDone: true),
        ["what overlaps"] = t => t.Data(1, 2048, new byte[2048]).Hole(1, 1024, 1025).Data(1, 0, new byte[1023], isDone: true),
        ["too little"] = t => t.Data(1, 0, new byte[Asked - 1], isDone: true),
        ["nothing at all"] = t => t.Chunk(1, NbdProtocol.ChunkNone, [], isDone: true),
        ["nothing that is not the last"] = t => t.Chunk(1, NbdProtocol.ChunkNone, []),
        ["nothing with something"] = t => t.Chunk(1, NbdProtocol.ChunkNone, new byte[4], isDone: true),
        ["data without data"] = t => t.Data(1, 0, []),
        ["a hole of nothing"] = t => t.Hole(1, 0, 0),
        ["a hole that is too long"] = t => t.Hole(1, 0, uint.MaxValue, isDone: true),
        ["a hole of another form"] = t => t.Chunk(1, NbdProtocol.ChunkHole, new byte[11], isDone: true),
    };

    private static Dictionary<string, Func<NbdTranscript, NbdTranscript>> Statuses { get; } = new()
    {
        ["a context that was not agreed"] = t => t.Status(1, [(Asked, 0)], isDone: true, context: 6),
        ["one context twice"] = t => t.Status(1, [(Asked, 0)]).Status(1, [(Asked, 0)], isDone: true),
        ["a stretch of nothing"] = t => t.Status(1, [(0, 0)], isDone: true),
        ["stretches beyond the end"] = t => t.Status(1, [(Asked, 0), (1, 0)], isDone: true),
        ["lengths whose sum wraps"] = t => t.Status(1, [(uint.MaxValue, 0), (2, 0)], isDone: true),
        ["half a stretch"] = t => t.Chunk(1, NbdProtocol.ChunkBlockStatus, new byte[16], isDone: true),
        ["no stretch"] = t => t.Chunk(1, NbdProtocol.ChunkBlockStatus, NbdTranscript.Number(NbdTranscript.Context), isDone: true),
        ["more stretches than a message has"] = t => t.Chunk(1, NbdProtocol.ChunkBlockStatus, [], length: (NbdProtocol.MaxMessageBytes & ~7u) + 12),
        ["stretches of 4 GiB"] = t => t.Chunk(1, NbdProtocol.ChunkBlockStatus, [], length: uint.MaxValue - 3),
        ["data"] = t => t.Data(1, 0, new byte[Asked], isDone: true),
        ["nothing that is not the last"] = t => t.Chunk(1, NbdProtocol.ChunkNone, []),
    };

    private static Dictionary<string, NbdTranscript> Handshakes { get; } = new()
    {
        ["another greeting"] = new NbdTranscript().Greeting(magic: 0x0102030405060708),
        ["the old negotiation"] = new NbdTranscript().Greeting(flags: 0),
        ["another magic"] = new NbdTranscript().Greeting().OptionReply(NbdProtocol.OptionStructuredReply, NbdProtocol.ReplyAcknowledged, magic: 1),
        ["an answer to another option"] = new NbdTranscript().Greeting().OptionReply(NbdProtocol.OptionGo, NbdProtocol.ReplyAcknowledged),
        ["a reply of 4 GiB"] = new NbdTranscript().Greeting().OptionReply(NbdProtocol.OptionStructuredReply, NbdProtocol.ReplyInfo, length: uint.MaxValue),
        ["an export of a negative size"] = NbdTranscript.Agreed(sizeBytes: long.MinValue),
    };

    public static IEnumerable<TheoryDataRow<string>> ReadCases => Reads.Keys.Select(name => new TheoryDataRow<string>(name));

    public static IEnumerable<TheoryDataRow<string>> StatusCases => Statuses.Keys.Select(name => new TheoryDataRow<string>(name));

    public static IEnumerable<TheoryDataRow<string>> HandshakeCases => Handshakes.Keys.Select(name => new TheoryDataRow<string>(name));

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(ReadCases))]
    public async Task A_read_that_is_answered_wrongly_breaks_the_connection_and_nothing_is_read_by_it_any_more(string what)
    {
        await using var client = await ConnectAsync(new ScriptedStream([Reads[what](NbdTranscript.Agreed()).Bytes]));
        await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.ReadAsync(0, new byte[Asked], Token));
        Assert.True(client.IsBroken);
        await Assert.ThrowsAsync<BackendConnectionException>(async () => await client.ReadAsync(0, new byte[Asked], Token));
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(StatusCases))]
    public async Task A_question_about_stretches_that_is_answered_wrongly_breaks_the_connection(string what)
    {
        await using var client = await ConnectAsync(new ScriptedStream([Statuses[what](NbdTranscript.Agreed()).Bytes]));
        await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.GetStatusAsync(0, Asked, Token));
        Assert.True(client.IsBroken);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(HandshakeCases))]
    public async Task A_server_that_negotiates_wrongly_is_refused(string what) =>
        await Assert.ThrowsAsync<BackendProtocolException>(() => ConnectAsync(new ScriptedStream([Handshakes[what].Bytes])));

    /// <summary>What never ends must not be taken in for long.</summary>
    [Fact(Timeout = 60_000)]
    public async Task Answers_without_an_end_are_not_read_to_it()
    {
        byte[] status = new NbdTranscript().Status(1, [.. Enumerable.Repeat((1u, 0u), Asked)]).Bytes;
        await RefusedAsync(NbdTranscript.Agreed().Bytes, status, async client => await client.GetStatusAsync(0, Asked, Token));
        byte[] nothing = new NbdTranscript().Chunk(1, NbdProtocol.ChunkNone, []).Bytes;
        await RefusedAsync(NbdTranscript.Agreed().Bytes, nothing, async client => await client.ReadAsync(0, new byte[Asked], Token));
        byte[] reply = new NbdTranscript().OptionReply(NbdProtocol.OptionSetMetaContext, NbdProtocol.ReplyMetaContext, new byte[4096]).Bytes;
        await RefusedAsync(new NbdTranscript().Greeting().OptionReply(NbdProtocol.OptionStructuredReply, NbdProtocol.ReplyAcknowledged).Bytes, reply, null);

        // Every other byte: what is kept track of has an end too.
        byte[] crumbs = [.. Enumerable.Range(0, 8192).SelectMany(i => new NbdTranscript().Data(1, (ulong)(2 * i), new byte[1]).Bytes)];
        await RefusedAsync(NbdTranscript.Agreed().Bytes, crumbs, async client => await client.ReadAsync(0, new byte[1 << 20], Token));

        static async Task RefusedAsync(byte[] first, byte[] again, Func<NbdClient, Task>? ask)
        {
            var stream = new ScriptedStream(Enumerable.Repeat(again, int.MaxValue).Prepend(first));
            if (ask is null)
            {
                await Assert.ThrowsAsync<BackendProtocolException>(() => ConnectAsync(stream));
            }
            else
            {
                await using var client = await ConnectAsync(stream);
                await Assert.ThrowsAsync<BackendProtocolException>(() => ask(client));
            }

            Assert.InRange(stream.TakenBytes, 1, 2 << 20);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task The_words_of_an_error_are_repeated_as_far_as_a_message_takes_them()
    {
        string words = "no\r\n\u001b[2J" + new string('x', 60_000);
        await using var client = await ConnectAsync(new ScriptedStream([NbdTranscript.Agreed().Error(1, 5, words).Bytes]));
        var refused = await Assert.ThrowsAsync<HypervisorException>(async () => await client.ReadAsync(0, new byte[Asked], Token));
        Assert.Equal(RequestOutcome.Rejected, refused.Outcome);
        Assert.Contains("error 5, no", refused.Message, StringComparison.Ordinal);
        Assert.InRange(refused.Message.Length, 1000, 2000);
        Assert.DoesNotContain(refused.Message, char.IsControl);

        byte[] shut = new NbdTranscript().Greeting().OptionReply(NbdProtocol.OptionStructuredReply, NbdProtocol.ReplyErrorBit | 1, System.Text.Encoding.UTF8.GetBytes(words)).Bytes;
        refused = await Assert.ThrowsAsync<HypervisorException>(() => ConnectAsync(new ScriptedStream([shut])));
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
        Assert.InRange(refused.Message.Length, 1000, 2000);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(20)]
    [InlineData(30)]
    public async Task A_server_that_falls_silent_is_waited_for_as_long_as_was_said(int bytes)
    {
        var time = new ManualTimeProvider();
        byte[] whole = NbdTranscript.Agreed().Bytes;
        var stream = new ScriptedStream([whole, .. new NbdTranscript().Data(1, 0, new byte[Asked], isDone: true).Bytes[..bytes] is { Length: > 0 } half ? (byte[][])[half] : []]);
        await using var client = await ConnectAsync(stream, time);
        var read = client.ReadAsync(0, new byte[Asked], Token).AsTask();
        await stream.IsSilent.Task.WaitAsync(Token);
        time.Advance(s_patience - TimeSpan.FromSeconds(1));
        Assert.False(read.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(1));
        var late = await Assert.ThrowsAsync<BackendConnectionException>(() => read);
        Assert.Equal(ErrorCode.Timeout, late.Code);
        Assert.True(client.IsBroken);
        Assert.Equal(0, time.ActiveTimers);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_server_that_falls_silent_while_it_negotiates_is_given_up_and_a_caller_can_give_up_before()
    {
        var time = new ManualTimeProvider();
        var stream = new ScriptedStream([new NbdTranscript().Greeting().Bytes]);
        var connecting = ConnectAsync(stream, time);
        await stream.IsSilent.Task.WaitAsync(Token);
        time.Advance(TimeSpan.FromSeconds(30));
        Assert.Equal(ErrorCode.Timeout, (await Assert.ThrowsAsync<BackendConnectionException>(() => connecting)).Code);

        using var caller = CancellationTokenSource.CreateLinkedTokenSource(Token);
        stream = new ScriptedStream([NbdTranscript.Agreed().Bytes]);
        await using var client = await ConnectAsync(stream);
        var read = client.ReadAsync(0, new byte[Asked], caller.Token).AsTask();
        await stream.IsSilent.Task.WaitAsync(Token);
        await caller.CancelAsync();
        Assert.Equal(caller.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read)).CancellationToken);
        Assert.True(client.IsBroken);
    }

    /// <summary>A whole conversation, torn at every place, and at all of them.</summary>
    [Fact(Timeout = 120_000)]
    public async Task What_a_server_says_is_understood_wherever_it_is_torn()
    {
        byte[] golden = NbdTranscript.Agreed(1 << 20)
            .Data(1, 520, [9, 10, 11, 12]).Hole(1, 524, 4).Data(1, 512, [1, 2, 3, 4, 5, 6, 7, 8]).Chunk(1, NbdProtocol.ChunkNone, [], isDone: true)
            .Status(2, [(8, 0), (12, NbdProtocol.StateZero)], isDone: true)
            .Error(3, 5, "Input/output error").Bytes;
        for (int at = 0; at < golden.Length; at++)
            await UnderstoodAsync(at == 0 ? golden.Select(static one => (byte[])[one]) : [golden[..at], golden[at..]]);

        static async Task UnderstoodAsync(IEnumerable<byte[]> pieces)
        {
            await using var client = await ConnectAsync(new ScriptedStream(pieces));
            Assert.Equal(1 << 20, client.SizeBytes);
            byte[] seen = new byte[16];
            seen.AsSpan().Fill(0xFF);
            await client.ReadAsync(512, seen, Token);
            Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 0], seen);
            var answer = Assert.Single(await client.GetStatusAsync(0, 16, Token));
            Assert.Equal([new NbdExtent(8, 0), new NbdExtent(12, NbdProtocol.StateZero)], answer);
            var refused = await Assert.ThrowsAsync<HypervisorException>(async () => await client.ReadAsync(0, seen, Token));
            Assert.Equal("Input/output error", refused.BackendMessage);
        }
    }

    /// <summary>Every truncation of it ends in an error of the connection, not in a wait.</summary>
    [Fact(Timeout = 120_000)]
    public async Task A_server_that_ends_in_the_middle_is_an_error_wherever_that_is()
    {
        byte[] golden = NbdTranscript.Agreed().Data(1, 0, new byte[16], isDone: true).Bytes;
        for (int length = 0; length < golden.Length; length++)
        {
            var stream = new EndingStream(golden[..length]);
            await Assert.ThrowsAsync<BackendConnectionException>(async () =>
            {
                await using var client = await NbdClient.ConnectAsync(Connection.FromStream(stream, "a server"), "disk0", ["base:allocation"], TimeSpan.FromSeconds(30), s_patience, TimeProvider.System, Token);
                await client.ReadAsync(0, new byte[16], Token);
            });
        }
    }

    private static Task<NbdClient> ConnectAsync(Stream stream, TimeProvider? time = null) =>
        NbdClient.ConnectAsync(Connection.FromStream(stream, "a server"), "disk0", ["base:allocation"], TimeSpan.FromSeconds(30), s_patience, time ?? TimeProvider.System, Token);

    /// <summary>Bytes, then the end; what is written goes nowhere.</summary>
    private sealed class EndingStream(byte[] bytes) : MemoryStream(bytes, writable: false)
    {
        public override bool CanWrite => true;

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

        public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
