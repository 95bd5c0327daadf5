using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>Servers that are broken or mean harm: the right error, bounded memory, and a connection that is never used again.</summary>
[Collection(nameof(AllocationTests))]
public sealed class HttpHostileServerTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    private const int MaxAllocatedBytes = 2_000_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, HttpFailure, string> BadAnswers => new()
    {
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", HttpFailure.Malformed, "said twice" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok", HttpFailure.Malformed, "said twice" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", HttpFailure.Malformed, "not one number" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", HttpFailure.Malformed, "said twice" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n2\r\nok\r\n0\r\n\r\n", HttpFailure.Malformed, "said twice" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", HttpFailure.Malformed, "transfer coding" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", HttpFailure.Malformed, "said twice" },
        { "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", HttpFailure.Malformed, "transfer coding" },
        { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", HttpFailure.Malformed, "not one number" },
        { "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", HttpFailure.Malformed, "not one number" },
        { "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n", HttpFailure.Malformed, "not one number" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", HttpFailure.TooLarge, "2^63" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\n", HttpFailure.TooLarge, "1000000000000000000 bytes" },
        { "HTTP/1.1 200 OK\nContent-Length: 2\n\nok", HttpFailure.Malformed, "bare line feed" },
        { "HTTP/1.1 200 OK\r\nContent-Length: 2\n\r\nok", HttpFailure.Malformed, "bare line feed" },
        { "HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n", HttpFailure.Malformed, "control character" },
        { "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", HttpFailure.Malformed, "control character" },
        { "HTTP/1.1 200 OK\r\nX\0: a\r\n\r\n", HttpFailure.Malformed, "not a token" },
        { "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", HttpFailure.Malformed, "not a token" },
        { "HTTP/1.1 200 OK\r\n: a\r\n\r\n", HttpFailure.Malformed, "no name" },
        { "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\n\r\n", HttpFailure.Malformed, "no name" },
        { "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n", HttpFailure.Malformed, "not a token" },
        { "HTTP/1.1 200\0OK\r\n\r\n", HttpFailure.Malformed, "status line" },
        { "HTTP/1.1 20 OK\r\n\r\n", HttpFailure.Malformed, "status line" },
        { "HTTP/1.1 2x0 OK\r\n\r\n", HttpFailure.Malformed, "three digits" },
        { "HTTP/1.1 099 OK\r\n\r\n", HttpFailure.Malformed, "the status is 099" },
        { "HTTP/1.1 2000 OK\r\n\r\n", HttpFailure.Malformed, "status line" },
        { "HTTP/2.0 200 OK\r\n\r\n", HttpFailure.Malformed, "status line" },
        { "SSH-2.0-OpenSSH_9.2\r\n\r\n", HttpFailure.Malformed, "status line" },
        { "\r\nHTTP/1.1 200 OK\r\n\r\n", HttpFailure.Malformed, "status line" },
        { "HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n", HttpFailure.Malformed, "nobody asked for" },
        { Chunked("-1\r\nx\r\n0\r\n\r\n"), HttpFailure.Malformed, "begins with the byte 0x2D" },
        { Chunked("+1\r\nx\r\n0\r\n\r\n"), HttpFailure.Malformed, "begins with the byte 0x2B" },
        { Chunked("0x1\r\nx\r\n0\r\n\r\n"), HttpFailure.Malformed, "the byte 0x78" },
        { Chunked("\r\nx\r\n0\r\n\r\n"), HttpFailure.Malformed, "begins with the byte 0x0D" },
        { Chunked("FFFFFFFFFFFFFFFF\r\nx"), HttpFailure.TooLarge, "15 digits" },
        { Chunked("00000000000000000000000001\r\nx"), HttpFailure.TooLarge, "15 digits" },
        { Chunked("1\nx\r\n0\r\n\r\n"), HttpFailure.Malformed, "the byte 0x0A" },
        { Chunked("1\rx\r\n0\r\n\r\n"), HttpFailure.Malformed, "not ended by CR LF" },
        { Chunked("1;a\nx\r\n0\r\n\r\n"), HttpFailure.Malformed, "extension has the byte 0x0A" },
        { Chunked("1;a\0\r\nx\r\n0\r\n\r\n"), HttpFailure.Malformed, "extension has the byte 0x00" },
        { Chunked("1\r\nxx\r\n0\r\n\r\n"), HttpFailure.Malformed, "not followed by CR LF" },
        { Chunked("1\r\nx\n0\r\n\r\n"), HttpFailure.Malformed, "not followed by CR LF" },
        { Chunked("0\r\nA: b\n\r\n"), HttpFailure.Malformed, "trailer has the byte 0x0A" },
        { Chunked("0\r\n\n"), HttpFailure.Malformed, "trailer begins" },
        { Chunked("0\r\n\r\r"), HttpFailure.Malformed, "not ended by CR LF" },
    };

    public static TheoryData<string, string, HttpFailure, string> EndlessAnswers => new()
    {
        { "HTTP/1.1 200 OK\r\n", "X: y\r\n", HttpFailure.TooLarge, "the head" },
        { "HTTP/1.1 200 OK\r\n", "X-Long-Enough-To-Meet-The-Bytes-First: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n", HttpFailure.TooLarge, "the head is longer" },
        { "HTTP/1.1 200 OK\r\nX: ", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", HttpFailure.TooLarge, "the head is longer" },
        { "", "HTTP/1.1 102 Processing\r\n\r\n", HttpFailure.Malformed, "interim responses" },
        { "HTTP/1.1 ", "0", HttpFailure.TooLarge, "the head is longer" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", HttpFailure.TooLarge, "line of a chunk's size" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1;eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee\r\nx\r\n", HttpFailure.TooLarge, "more framing than data" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", "T: u\r\n", HttpFailure.TooLarge, "the trailers" },
        { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "400\r\n" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" + "\r\n", HttpFailure.TooLarge, "the body has more than" },
        { "HTTP/1.1 200 OK\r\n\r\n", "no length and no end ", HttpFailure.TooLarge, "the body has more than" },
    };

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(BadAnswers))]
    public async Task A_broken_answer_is_refused_and_its_connection_not_used_again(string answer, HttpFailure failure, string words)
    {
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(peer.Index == 0 ? answer : Ok);
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        var error = await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync());
        Assert.Equal(failure, error.Failure);
        Assert.Contains(words, error.Message);
        Assert.Contains("GET /a at unix:", error.Message);
        Assert.Equal("200 ok", await pool.AskAsync());
        Assert.Equal(2, server.Connections);
    }

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(EndlessAnswers))]
    public async Task An_answer_without_an_end_is_refused_before_it_fills_memory(string begin, string again, HttpFailure failure, string words)
    {
        byte[] flood = Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat(again, (200_000 / again.Length) + 1)));
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(begin);
            while (true)
                await peer.SendAsync(flood);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxBodyBytes = 500_000 });
        long before = GC.GetTotalAllocatedBytes();
        var error = await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync());
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, MaxAllocatedBytes);
        Assert.Equal(failure, error.Failure);
        Assert.Contains(words, error.Message);
        Assert.Equal(0, pool.OpenConnections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_header_line_of_a_gigabyte_costs_no_more_than_the_limit()
    {
        byte[] piece = Encoding.ASCII.GetBytes(new string('y', 64 * 1024));
        long sent = 0;
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nX: ");
            for (; sent < 1L << 30; sent += piece.Length)
                await peer.SendAsync(piece);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxHeadBytes = 1024 * 1024 });
        long before = GC.GetTotalAllocatedBytes();
        Assert.Equal(HttpFailure.TooLarge, (await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync())).Failure);
        // Doubling up to the limit of 1 MiB takes two of them.
        Assert.InRange(GC.GetTotalAllocatedBytes() - before, 0, 4_000_000);
        Assert.InRange(sent, 0, 64 * 1024 * 1024);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("")]
    [InlineData("HTTP/1.1 200 O")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfour")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfour")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nfour\r\n0\r\n")]
    [InlineData("HTTP/1.1 100 Continue\r\n\r\n")]
    public async Task A_close_in_the_middle_is_an_error_and_not_a_short_answer(string answer)
    {
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(answer);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        var error = await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync());
        Assert.Equal((HttpFailure.ConnectionLost, true), (error.Failure, error.MaybeSent));
        Assert.Equal(1, server.Connections);
        Assert.Equal(0, pool.OpenConnections);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")]
    [InlineData("HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")]
    public async Task Bytes_after_the_end_are_nobodys_answer(string answer)
    {
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(peer.Index == 0 ? answer : Ok);
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        Assert.StartsWith("20", await pool.AskAsync());
        Assert.Equal("200 ok", await pool.AskAsync());
        Assert.Equal(2, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task Bytes_that_come_while_nothing_was_asked_close_the_connection()
    {
        var speak = new TaskCompletionSource();
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(Ok);
            if (peer.Index == 0)
            {
                await speak.Task;
                await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil");
            }

            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        Assert.Equal("200 ok", await pool.AskAsync());
        speak.SetResult();
        await Http.UntilAsync(() => pool.OpenConnections == 0);
        Assert.Equal("200 ok", await pool.AskAsync());
    }

    [Fact(Timeout = 60_000)]
    public async Task A_redirect_is_an_answer_and_credentials_go_nowhere()
    {
        await using RawServer elsewhere = RawServer.Answering(Ok);
        await using RawServer server = RawServer.Answering("HTTP/1.1 302 Found\r\nLocation: http://other.example/steal\r\nContent-Length: 0\r\n\r\n");
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Credentials = () => new HttpHeader("Authorization", "Bearer s3cret") });
        await using HttpResponse response = await pool.SendAsync(Http.Get, Cancel);
        Assert.Equal(302, response.Status);
        Assert.Equal("http://other.example/steal", response.GetHeader("location"));
        Assert.Equal((1, 0), (server.Connections, elsewhere.Connections));
    }

    [Theory(Timeout = 60_000)]
    [InlineData("HTTP/1.1 200 OK\r\nX: ", "no response's head")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "the whole of it")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nF4240\r\n", "the whole of it")]
    public async Task A_slow_drip_runs_out_of_time(string begin, string words)
    {
        var clock = new ManualTimeProvider();
        bool isHead = !begin.EndsWith("\r\n", StringComparison.Ordinal);
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(begin);
            while (true)
            {
                await peer.SendAsync("y");
                clock.Advance(TimeSpan.FromSeconds(1));
                await Task.Yield();
            }
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions
        {
            Connection = new ConnectionOptions { TimeProvider = clock },
            Timeouts = new HttpTimeouts
            {
                Head = isHead ? TimeSpan.FromSeconds(30) : Timeout.InfiniteTimeSpan,
                BodyIdle = Timeout.InfiniteTimeSpan,
                Whole = isHead ? Timeout.InfiniteTimeSpan : TimeSpan.FromSeconds(90),
            },
        });
        var error = await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync());
        Assert.Equal(HttpFailure.TimedOut, error.Failure);
        Assert.Contains(words, error.Message);
        await Http.UntilAsync(() => pool.OpenConnections == 0);
    }

    private static string Chunked(string body) => $"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}";
}
