using System.Buffers;
using System.Text;
using Hypervisor.Sdk.Transport.Http;
using Hypervisor.Sdk.Transport.Tests.Http;
using Hypervisor.Sdk.Transport.WebSockets;

namespace Hypervisor.Sdk.Transport.Tests.WebSockets;

/// <summary>RFC 6455 against a server of our own making, right and wrong.</summary>
public sealed class WebSocketTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<byte[], int, string> BadFrames => new()
    {
        { [0xC1, 0x00], 1002, "reserved bit" },
        { [0xA1, 0x00], 1002, "reserved bit" },
        { [0x91, 0x00], 1002, "reserved bit" },
        { [0x83, 0x00], 1002, "opcode 3" },
        { [0x87, 0x00], 1002, "opcode 7" },
        { [0x8B, 0x00], 1002, "opcode 11" },
        { [0x8F, 0x00], 1002, "opcode 15" },
        { [0x81, 0x80, 1, 2, 3, 4], 1002, "masked" },
        { [0x09, 0x00], 1002, "in fragments" },
        { [0x08, 0x00], 1002, "in fragments" },
        { [0x89, 126, 0, 126], 1002, "control frame of 126 bytes" },
        { [0x82, 126, 0, 125], 1002, "more bytes than it needs" },
        { [0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], 1002, "more bytes than it needs" },
        { [0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], 1002, "highest bit" },
        { [0x82, 127, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], 1009, "9223372036854775807 bytes" },
        { [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0], 1009, "65536 bytes, more than 1000" },
        { [0x82, 126, 0x03, 0xE9], 1009, "1001 bytes, more than 1000" },
        { [0x80, 0x00], 1002, "not begun" },
        { [0x01, 0x01, (byte)'a', 0x81, 0x00], 1002, "within another" },
        { [0x81, 0x02, 0xC3, 0x28], 1007, "not UTF-8" },
        { [0x81, 0x01, 0xC3], 1007, "not UTF-8" },
        { [0x01, 0x01, 0xC3, 0x80, 0x01, 0x28], 1007, "not UTF-8" },
        { [0x81, 0x03, 0xED, 0xA0, 0x80], 1007, "not UTF-8" },
        { [0x88, 0x01, 0x03], 1002, "close of one byte" },
        { [0x88, 0x02, 0x03, 0xEE], 1002, "code 1006" },
        { [0x88, 0x02, 0x00, 0x01], 1002, "code 1," },
        { [0x88, 0x04, 0x03, 0xE8, 0xC3, 0x28], 1007, "reason" },
    };

    [Fact(Timeout = 60_000)]
    public async Task The_handshake_asks_for_what_the_standard_says()
    {
        string? head = null;
        await using var server = new RawServer(async peer =>
        {
            head = await peer.ReadHeadAsync();
            await peer.SendAsync(WebSocketRawServer.Accept(head!, "Sec-WebSocket-Protocol: two\r\n"));
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        var options = new WebSocketOptions();
        options.SubProtocols.Add("one");
        options.SubProtocols.Add("two");
        options.Headers.Add(new HttpHeader("Authorization", "Bearer x"));
        await using WebSocketConnection socket = await WebSocketConnection.ConnectAsync(pool, HttpTarget.Parse("/ws?x=1"), options, Cancel);
        Assert.Equal("two", socket.SubProtocol);
        Assert.StartsWith("GET /ws?x=1 HTTP/1.1\r\nHost: localhost\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ", head);
        Assert.EndsWith("==\r\nAuthorization: Bearer x\r\nSec-WebSocket-Protocol: one, two\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", head);
        Assert.Equal(0, pool.OpenConnections);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answered 200")]
    [InlineData("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", "answered 403")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: ws://other/\r\nContent-Length: 0\r\n\r\n", "answered 302")]
    [InlineData("HTTP/1.1 101 X\r\nUpgrade: tcp\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", "something else")]
    [InlineData("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n", "Connection: Upgrade")]
    [InlineData("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n", "does not answer the key")]
    [InlineData("HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", "does not answer the key")]
    public async Task A_server_that_does_not_agree_is_no_WebSocket(string answer, string words)
    {
        await using RawServer server = RawServer.AnsweringOnce(answer);
        await using var pool = new HttpConnectionPool(server.Endpoint);
        var error = await Assert.ThrowsAsync<HttpException>(() => WebSocketConnection.ConnectAsync(pool, HttpTarget.Parse("/"), cancellationToken: Cancel));
        Assert.Equal(HttpFailure.UpgradeRefused, error.Failure);
        Assert.Contains(words, error.Message);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("Sec-WebSocket-Extensions: permessage-deflate\r\n", "extension")]
    [InlineData("Sec-WebSocket-Protocol: other\r\n", "subprotocol")]
    public async Task What_was_not_offered_is_refused(string header, string words)
    {
        await using var server = new WebSocketRawServer(peer => peer.ReadToEndAsync(), header);
        Assert.Contains(words, (await Assert.ThrowsAsync<HttpException>(() => server.ConnectAsync())).Message);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(BadFrames))]
    public async Task An_illegal_frame_is_refused_and_the_server_told_why(byte[] frames, int code, string words)
    {
        string? told = null;
        var done = new TaskCompletionSource();
        await using var server = new WebSocketRawServer(async peer =>
        {
            await peer.SendAsync(frames);
            told = await WebSocketRawServer.ReadFrameAsync(peer);
            await peer.ReadToEndAsync();
            done.SetResult();
        });
        await using WebSocketConnection socket = await server.ConnectAsync(new WebSocketOptions { MaxFrameBytes = 1000 });
        var error = await Assert.ThrowsAsync<WebSocketProtocolException>(async () => await socket.ReceiveAsync(Cancel));
        Assert.Equal(code, error.CloseCode);
        Assert.Contains(words, error.Message);
        await done.Task.WaitAsync(Cancel);
        Assert.Equal($"88:{(char)(code >> 8)}{(char)(code & 0xFF)}", told);
        await Assert.ThrowsAsync<ConnectionClosedException>(async () => await socket.ReceiveAsync(Cancel));
        await Assert.ThrowsAnyAsync<Exception>(async () => await socket.SendAsync(WebSocketMessageKind.Text, default, cancellationToken: Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_message_that_grows_by_fragments_without_an_end_is_refused()
    {
        await using var server = new WebSocketRawServer(async peer =>
        {
            await peer.SendAsync(WebSocketRawServer.Frame(0x02, new byte[900]));
            while (true)
                await peer.SendAsync(WebSocketRawServer.Frame(0x00, new byte[900]));
        });
        await using WebSocketConnection socket = await server.ConnectAsync(new WebSocketOptions { MaxMessageBytes = 100_000 });
        Assert.Equal(1009, (await Assert.ThrowsAsync<WebSocketProtocolException>(async () => await socket.ReceiveAsync(Cancel))).CloseCode);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_connection_that_ends_without_a_close_is_lost()
    {
        await using var server = new WebSocketRawServer(peer => peer.SendAsync(WebSocketRawServer.Frame(0x81, "a")));
        await using WebSocketConnection socket = await server.ConnectAsync();
        Assert.Equal("a", (await socket.ReceiveAsync(Cancel)).Text);
        await Assert.ThrowsAsync<ConnectionClosedException>(async () => await socket.ReceiveAsync(Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task What_a_server_sent_before_it_went_is_received_though_its_ping_can_no_longer_be_answered()
    {
        byte[] last = [.. Enumerable.Range(0, 100_000).Select(i => (byte)i)];
        var gone = new TaskCompletionSource();
        await using var server = new WebSocketRawServer(async peer =>
        {
            byte[] frames = [.. WebSocketRawServer.Frame(0x89, "alive?"), .. WebSocketRawServer.Frame(0x82, last), .. WebSocketRawServer.Frame(0x89, ""), .. WebSocketRawServer.Frame(0x81, "")];
            await peer.SendAsync(frames);
            peer.Close();
            gone.SetResult();
        });
        await using WebSocketConnection socket = await server.ConnectAsync();
        await gone.Task.WaitAsync(Cancel);
        Assert.Equal(last, (await socket.ReceiveAsync(Cancel)).Payload.ToArray());
        Assert.Equal(WebSocketMessageKind.Text, (await socket.ReceiveAsync(Cancel)).Kind);
        await Assert.ThrowsAsync<ConnectionClosedException>(async () => await socket.SendAsync(WebSocketMessageKind.Text, "x"u8.ToArray(), cancellationToken: Cancel));
        await Assert.ThrowsAsync<ConnectionClosedException>(async () => await socket.ReceiveAsync(Cancel));
    }

    [Fact(Timeout = 120_000)]
    public async Task Every_kind_of_message_arrives_at_every_split()
    {
        byte[] stream =
        [
            .. WebSocketRawServer.Frame(0x81, "Grüße"), .. WebSocketRawServer.Frame(0x82, new byte[300]), .. WebSocketRawServer.Frame(0x89, "p"),
            .. WebSocketRawServer.Frame(0x01, "ein "), .. WebSocketRawServer.Frame(0x8A, ""), .. WebSocketRawServer.Frame(0x00, [0xC3]), .. WebSocketRawServer.Frame(0x80, [0xBC, .. "ber"u8]),
            .. WebSocketRawServer.Frame(0x81, ""), .. WebSocketRawServer.Frame(0x88, [0x03, 0xE9, .. "bye"u8]),
        ];
        for (int split = 1; split < stream.Length; split++)
        {
            int at = split;
            await using SocketPair pair = await SocketPair.ConnectAsync();
            await using WebSocketConnection socket = WebSocketConnection.FromConnection(pair.Connection, new WebSocketOptions());
            pair.Peer.Send(stream.AsSpan(0, at));
            ValueTask<WebSocketMessage> first = socket.ReceiveAsync(Cancel);
            pair.Peer.Send(stream.AsSpan(at));
            Assert.Equal("Grüße", (await first).Text);
            WebSocketMessage binary = await socket.ReceiveAsync(Cancel);
            Assert.Equal((WebSocketMessageKind.Binary, 300L), (binary.Kind, binary.Payload.Length));
            Assert.Equal("ein über", (await socket.ReceiveAsync(Cancel)).Text);
            WebSocketMessage empty = await socket.ReceiveAsync(Cancel);
            Assert.Equal((WebSocketMessageKind.Text, 0L), (empty.Kind, empty.Payload.Length));
            WebSocketMessage close = await socket.ReceiveAsync(Cancel);
            Assert.Equal((WebSocketMessageKind.Close, 1001, "bye"), (close.Kind, close.CloseCode, close.Text));
            Assert.Equal(1001, (await socket.ReceiveAsync(Cancel)).CloseCode);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_ping_is_answered_with_its_payload()
    {
        var answers = new List<string>();
        await using var server = new WebSocketRawServer(async peer =>
        {
            await peer.SendAsync(WebSocketRawServer.Frame(0x89, "one"));
            answers.Add(await WebSocketRawServer.ReadFrameAsync(peer));
            await peer.SendAsync(WebSocketRawServer.Frame(0x89, new string('x', 125)));
            answers.Add(await WebSocketRawServer.ReadFrameAsync(peer));
            await peer.SendAsync(WebSocketRawServer.Frame(0x81, "done"));
            await peer.ReadToEndAsync();
        });
        await using WebSocketConnection socket = await server.ConnectAsync();
        Assert.Equal("done", (await socket.ReceiveAsync(Cancel)).Text);
        Assert.Equal(["8A:one", "8A:" + new string('x', 125)], answers);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(125)]
    [InlineData(126)]
    [InlineData(65535)]
    [InlineData(65536)]
    [InlineData(300_001)]
    public async Task What_is_sent_arrives(int bytes)
    {
        string text = string.Concat(Enumerable.Range(0, bytes).Select(i => (char)('a' + (i % 26))));
        string? got = null;
        await using var server = new WebSocketRawServer(async peer =>
        {
            got = await WebSocketRawServer.ReadFrameAsync(peer);
            await peer.SendAsync(WebSocketRawServer.Frame(0x82, Encoding.ASCII.GetBytes(text)));
            await peer.ReadToEndAsync();
        });
        await using WebSocketConnection socket = await server.ConnectAsync();
        await socket.SendAsync(WebSocketMessageKind.Text, Encoding.ASCII.GetBytes(text), cancellationToken: Cancel);
        Assert.Equal(text, (await socket.ReceiveAsync(Cancel)).Text);
        Assert.Equal("81:" + text, got);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_message_may_be_sent_in_parts_and_many_may_send()
    {
        var got = new List<string>();
        await using var server = new WebSocketRawServer(async peer =>
        {
            for (int i = 0; i < 103; i++)
                got.Add(await WebSocketRawServer.ReadFrameAsync(peer));
            await peer.SendAsync(WebSocketRawServer.Frame(0x81, "done"));
            await peer.ReadToEndAsync();
        });
        await using WebSocketConnection socket = await server.ConnectAsync();
        await socket.SendAsync(WebSocketMessageKind.Binary, "a"u8.ToArray(), endOfMessage: false, Cancel);
        await socket.SendAsync(WebSocketMessageKind.Binary, "b"u8.ToArray(), endOfMessage: false, Cancel);
        await socket.SendAsync(WebSocketMessageKind.Binary, "c"u8.ToArray(), endOfMessage: true, Cancel);
        byte[] big = new byte[100_000];
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(async () => await socket.SendAsync(WebSocketMessageKind.Binary, big, cancellationToken: Cancel), Cancel)));
        Assert.Equal("done", (await socket.ReceiveAsync(Cancel)).Text);
        Assert.Equal(["02:a", "00:b", "80:c"], got[..3]);
        Assert.All(got[3..], frame => Assert.Equal(100_003, frame.Length));
    }

    [Fact(Timeout = 60_000)]
    public async Task Closing_waits_for_the_servers_close()
    {
        string? got = null;
        await using var server = new WebSocketRawServer(async peer =>
        {
            await peer.SendAsync(WebSocketRawServer.Frame(0x81, "nobody wants this"));
            got = await WebSocketRawServer.ReadFrameAsync(peer);
            await peer.SendAsync(WebSocketRawServer.Frame(0x88, [0x03, 0xE8]));
            await peer.ReadToEndAsync();
        });
        await using WebSocketConnection socket = await server.ConnectAsync();
        await socket.CloseAsync(3001, "enough", Cancel);
        Assert.Equal("88:\u000b\u00b9enough", got);
        Assert.Equal((WebSocketMessageKind.Close, 1000), ((await socket.ReceiveAsync(Cancel)).Kind, (await socket.ReceiveAsync(Cancel)).CloseCode));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await socket.SendAsync(WebSocketMessageKind.Text, default, cancellationToken: Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task Closing_gives_up_on_a_server_that_does_not_close()
    {
        var clock = new ManualTimeProvider();
        await using var server = new WebSocketRawServer(peer => peer.ReadToEndAsync());
        await using WebSocketConnection socket = await server.ConnectAsync(new WebSocketOptions { TimeProvider = clock });
        ValueTask<WebSocketMessage> receiving = socket.ReceiveAsync(Cancel);
        Task closing = socket.CloseAsync(cancellationToken: Cancel);
        await Http.Http.UntilAsync(() => clock.ActiveTimers > 0);
        clock.Advance(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<TimeoutException>(() => closing);
        await socket.DisposeAsync();
        await Assert.ThrowsAsync<ConnectionClosedException>(async () => await receiving);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(999, "")]
    [InlineData(1005, "")]
    [InlineData(1006, "")]
    [InlineData(1015, "")]
    [InlineData(5000, "")]
    [InlineData(1000, "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public async Task A_close_that_cannot_be_is_refused(int code, string reason)
    {
        await using var server = new WebSocketRawServer(peer => peer.ReadToEndAsync());
        await using WebSocketConnection socket = await server.ConnectAsync();
        await Assert.ThrowsAnyAsync<ArgumentException>(() => socket.CloseAsync(code, reason, Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_cancelled_receive_loses_nothing()
    {
        var more = new TaskCompletionSource();
        await using var server = new WebSocketRawServer(async peer =>
        {
            await peer.SendAsync(WebSocketRawServer.Frame(0x01, "be"));
            await more.Task;
            await peer.SendAsync(WebSocketRawServer.Frame(0x80, "gun"));
            await peer.ReadToEndAsync();
        });
        await using WebSocketConnection socket = await server.ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        ValueTask<WebSocketMessage> receiving = socket.ReceiveAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await receiving);
        more.SetResult();
        Assert.Equal("begun", (await socket.ReceiveAsync(Cancel)).Text);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_silent_server_is_pinged_and_then_given_up()
    {
        var clock = new ManualTimeProvider();
        var pinged = new TaskCompletionSource<string>();
        await using var server = new WebSocketRawServer(async peer =>
        {
            await peer.SendAsync(WebSocketRawServer.Frame(0x81, "a"));
            pinged.SetResult(await WebSocketRawServer.ReadFrameAsync(peer));
            await peer.ReadToEndAsync();
        });
        await using WebSocketConnection socket = await server.ConnectAsync(new WebSocketOptions { PingInterval = TimeSpan.FromSeconds(10), TimeProvider = clock });
        await socket.ReceiveAsync(Cancel);
        ValueTask<WebSocketMessage> receiving = socket.ReceiveAsync(Cancel);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.False(pinged.Task.IsCompleted);
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("89:", await pinged.Task.WaitAsync(Cancel));
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains("has not answered a ping", (await Assert.ThrowsAsync<ConnectionClosedException>(async () => await receiving)).Message);
    }

    [Fact]
    public void A_mask_is_the_same_by_vectors_and_by_bytes()
    {
        var random = new Random(6455);
        byte[] key = [1, 0x80, 0xFF, 0x5A];
        for (int length = 0; length < 300; length++)
        {
            byte[] source = new byte[length];
            random.NextBytes(source);
            for (int offset = 0; offset < 5; offset++)
            {
                byte[] target = new byte[length];
                WebSocketMask.Apply(source, target, key, offset);
                Assert.Equal(source.Select((b, i) => (byte)(b ^ key[(i + offset) & 3])), target);
            }
        }
    }

    [Fact]
    public void Text_is_valid_or_not_wherever_it_is_cut()
    {
        (byte[] Bytes, bool Valid)[] cases =
        [
            ([.. "aé€😀z"u8], true),
            ([0xF0, 0x9F, 0x98], false),
            ([.. "a"u8, 0xC0, 0x80], false),
            ([0xED, 0xA0, 0x80], false),
            ([0xF4, 0x90, 0x80, 0x80], false),
            ([0x80], false),
            ([.. "é"u8, 0xE2, 0x82], false),
        ];
        foreach ((byte[] bytes, bool valid) in cases)
        {
            for (int first = 0; first <= bytes.Length; first++)
            {
                for (int second = first; second <= bytes.Length; second++)
                    Assert.Equal(valid, Utf8Text.IsValid(Segments.Cut(bytes, first, second)));
            }
        }
    }
}
