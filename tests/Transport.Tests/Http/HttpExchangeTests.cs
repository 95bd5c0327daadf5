using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>Requests and responses as they should be.</summary>
public sealed class HttpExchangeTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"x\"\r\n\r\nok";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_request_is_sent_byte_for_byte_as_it_was_prepared()
    {
        string? head = null;
        await using var server = new RawServer(async peer =>
        {
            head = await peer.ReadHeadAsync();
            await peer.SendAsync(Ok);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        string project = "a b&c/ü";
        var request = new HttpRequest(HttpMethod.Get, HttpTarget.From($"/1.0/instances/{"web 1"}?project={project}"), new HttpHeader("Accept", "application/json"));
        Assert.Equal("200 ok", await pool.AskAsync(request));
        Assert.Equal("GET /1.0/instances/web%201?project=a%20b%26c%2F%C3%BC HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n", head);
    }

    [Fact(Timeout = 60_000)]
    public async Task Headers_are_found_by_name_and_by_place()
    {
        await using RawServer server = RawServer.Answering("HTTP/1.1 201 Created\r\nETag:  \"abc\" \r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n");
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await using HttpResponse response = await pool.SendAsync(Http.Get, Cancel);
        Assert.Equal(201, response.Status);
        Assert.True(response.IsSuccess);
        Assert.Equal(4, response.HeaderCount);
        Assert.True(response.TryGetHeader("etag"u8, out ReadOnlySpan<byte> tag));
        Assert.Equal("\"abc\"", Encoding.ASCII.GetString(tag));
        Assert.Equal("1", response.GetHeader("X-A"));
        Assert.Null(response.GetHeader("X-B"));
        response.GetHeader(2, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value);
        Assert.Equal("x-a=2", $"{Encoding.ASCII.GetString(name)}={Encoding.ASCII.GetString(value)}");
        Assert.Equal(0, response.ContentLength);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_connection_serves_one_request_after_the_other()
    {
        await using RawServer server = RawServer.Answering(Ok);
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1 });
        for (int i = 0; i < 100; i++)
            Assert.Equal("200 ok", await pool.AskAsync());
        Assert.Equal(1, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task More_requests_than_connections_wait_their_turn()
    {
        await using RawServer server = RawServer.Answering(Ok);
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 3 });
        string[] answers = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => Task.Run(() => pool.AskAsync(), Cancel)));
        Assert.All(answers, answer => Assert.Equal("200 ok", answer));
        Assert.InRange(server.Connections, 1, 3);
    }

    [Fact(Timeout = 60_000)]
    public async Task Too_many_waiting_requests_are_refused()
    {
        await using var server = new RawServer(peer => peer.ReadToEndAsync());
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1, MaxWaiting = 1 });
        ValueTask<HttpResponse> first = pool.SendAsync(Http.Get, Cancel);
        ValueTask<HttpResponse> second = pool.SendAsync(Http.Get, Cancel);
        var error = await Assert.ThrowsAsync<HttpException>(async () => await pool.SendAsync(Http.Get, Cancel));
        Assert.Equal((HttpFailure.PoolExhausted, false), (error.Failure, error.MaybeSent));
        await pool.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(async () => await first);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await second);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_of_bytes_goes_with_the_head(bool ownThread)
    {
        string? got = null;
        await using var server = new RawServer(async peer =>
        {
            while (await peer.ReadHeadAsync() is { } head)
            {
                got = head + await peer.ReadBytesAsync(7);
                await peer.SendAsync(Ok);
            }
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Connection = new ConnectionOptions { OwnThread = ownThread } });
        HttpRequestBody body = HttpRequestBody.FromBytes("{\"a\":1}"u8.ToArray());
        for (int i = 0; i < 3; i++)
            Assert.Equal("200 ok", await pool.AskAsync(Http.Post, body));
        Assert.Equal("POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}", got);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_post_without_a_body_says_so()
    {
        string? head = null;
        await using var server = new RawServer(async peer =>
        {
            head = await peer.ReadHeadAsync();
            await peer.SendAsync(Ok);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await pool.AskAsync(Http.Post);
        Assert.EndsWith("\r\nContent-Length: 0\r\n\r\n", head);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_of_unknown_length_is_sent_in_chunks()
    {
        string? got = null;
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            got = await peer.ReadBytesAsync("00000005\r\nhello\r\n00000003\r\nyou\r\n0\r\n\r\n".Length);
            await peer.SendAsync(Ok);
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        HttpRequestBody body = HttpRequestBody.FromWriter(async (writer, cancellationToken) =>
        {
            writer.Write("hello"u8);
            await writer.FlushAsync(cancellationToken);
            writer.Write("you"u8);
        });
        Assert.Equal("200 ok", await pool.AskAsync(Http.Post, body));
        Assert.Equal("00000005\r\nhello\r\n00000003\r\nyou\r\n0\r\n\r\n", got);
        Assert.Equal(1, pool.OpenConnections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_that_is_not_as_long_as_it_said_fails_the_request()
    {
        await using var server = new RawServer(peer => peer.ReadToEndAsync());
        await using var pool = new HttpConnectionPool(server.Endpoint);
        HttpRequestBody shorter = HttpRequestBody.FromStream(new MemoryStream(new byte[5]), length: 6);
        HttpRequestBody longer = HttpRequestBody.FromStream(new MemoryStream(new byte[7]), length: 6);
        Assert.Contains("fewer than the 6", (await Assert.ThrowsAsync<InvalidOperationException>(() => pool.AskAsync(Http.Post, shorter))).Message);
        Assert.Contains("more bytes than the 6", (await Assert.ThrowsAsync<InvalidOperationException>(() => pool.AskAsync(Http.Post, longer))).Message);
        await Http.UntilAsync(() => pool.OpenConnections == 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_waits_for_the_server_to_want_it()
    {
        var order = new List<string>();
        await using var server = new RawServer(async peer =>
        {
            Assert.Contains("Expect: 100-continue", await peer.ReadHeadAsync());
            order.Add("asked");
            await peer.SendAsync("HTTP/1.1 100 Continue\r\n\r\n");
            order.Add(await peer.ReadBytesAsync(4));
            await peer.SendAsync(Ok);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        Assert.Equal("200 ok", await pool.AskAsync(Http.Post, HttpRequestBody.FromStream(new MemoryStream("body"u8.ToArray()), 4, expectContinue: true)));
        Assert.Equal(["asked", "body"], order);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_that_the_server_refuses_is_not_sent()
    {
        string? rest = null;
        var ended = new TaskCompletionSource();
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
            rest = await peer.ReadToEndAsync();
            ended.SetResult();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        Assert.Equal("413 ", await pool.AskAsync(Http.Post, HttpRequestBody.FromStream(new MemoryStream("body"u8.ToArray()), 4, expectContinue: true)));
        await ended.Task.WaitAsync(Cancel);
        Assert.Equal("", rest);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_is_sent_when_the_server_does_not_know_the_expectation()
    {
        var clock = new ManualTimeProvider();
        var asked = new TaskCompletionSource();
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            asked.SetResult();
            Assert.Equal("body", await peer.ReadBytesAsync(4));
            await peer.SendAsync(Ok);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Connection = new ConnectionOptions { TimeProvider = clock } });
        var timeouts = new HttpTimeouts { Head = Timeout.InfiniteTimeSpan, BodyIdle = Timeout.InfiniteTimeSpan, Whole = Timeout.InfiniteTimeSpan };
        Task<string> answer = pool.AskAsync(
            new HttpRequest(HttpMethod.Post, HttpTarget.Parse("/")) { Timeouts = timeouts }, HttpRequestBody.FromStream(new MemoryStream("body"u8.ToArray()), 4, expectContinue: true));
        await asked.Task.WaitAsync(Cancel);
        while (!answer.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Equal("200 ok", await answer);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_response_may_come_before_the_body_is_sent()
    {
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
            string first = await peer.ReadBytesAsync("00000002\r\nhi\r\n".Length);
            await peer.SendAsync($"{first.Length:X}\r\n{first}\r\n0\r\n\r\n");
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        var answered = new TaskCompletionSource();
        HttpRequestBody body = HttpRequestBody.FromWriter(async (writer, cancellationToken) =>
        {
            await answered.Task.WaitAsync(cancellationToken);
            writer.Write("hi"u8);
        });
        await using HttpResponse response = await pool.SendAsync(Http.Post, body, Cancel);
        answered.SetResult();
        Assert.Equal("00000002\r\nhi\r\n", Encoding.ASCII.GetString((await response.ReadSequenceAsync(Cancel)).ToArray()));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_is_read_as_a_stream_and_as_a_pipe()
    {
        string big = new('x', 300_000);
        await using RawServer server = RawServer.Answering($"HTTP/1.1 200 OK\r\nContent-Length: {big.Length}\r\n\r\n{big}");
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1 });
        await using (HttpResponse response = await pool.SendAsync(Http.Get, Cancel))
        {
            using var reader = new StreamReader(response.OpenStream());
            Assert.Equal(big, await reader.ReadToEndAsync(Cancel));
        }

        await using (HttpResponse response = await pool.SendAsync(Http.Get, Cancel))
        {
            PipeReader pipe = response.OpenPipe();
            long bytes = 0;
            ReadResult read;
            do
            {
                read = await pipe.ReadAsync(Cancel);
                bytes += read.Buffer.Length;
                pipe.AdvanceTo(read.Buffer.End);
            }
            while (!read.IsCompleted);
            Assert.Equal(big.Length, bytes);
        }

        Assert.Equal(1, server.Connections);
    }

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Json_is_decoded_while_it_arrives(bool chunked)
    {
        string json = "[" + string.Join(",", Enumerable.Range(0, 20_000)) + "]";
        string answer = chunked
            ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + string.Concat(json.Chunk(999).Select(piece => $"{piece.Length:x}\r\n{new string(piece)}\r\n")) + "0\r\n\r\n"
            : $"HTTP/1.1 200 OK\r\nContent-Length: {json.Length}\r\n\r\n{json}";
        await using RawServer server = RawServer.Answering(answer);
        await using var pool = new HttpConnectionPool(server.Endpoint);
        var sum = new List<long>();
        int calls = 0;
        await using HttpResponse response = await pool.SendAsync(Http.Get, Cancel);
        await response.ReadJsonAsync(sum, (ref Utf8JsonReader reader, List<long> into) =>
        {
            calls++;
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.Number)
                    into.Add(reader.GetInt64());
            }
        }, Cancel);
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => (long)i), sum);
        Assert.True(calls > 1);
    }

    [Fact(Timeout = 60_000)]
    public async Task What_little_is_left_of_a_body_is_read_away()
    {
        string body = new('x', 30_000);
        await using var server = new RawServer(async peer =>
        {
            while (await peer.ReadHeadAsync() is not null)
            {
                await peer.SendAsync($"HTTP/1.1 200 OK\r\nContent-Length: {body.Length}\r\n\r\n");
                await Task.Yield();
                await peer.SendAsync(body);
            }
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1 });
        for (int i = 0; i < 10; i++)
        {
            await using HttpResponse response = await pool.SendAsync(Http.Get, Cancel);
            Assert.Equal(200, response.Status);
        }

        Assert.Equal(1, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_long_body_that_nobody_wants_closes_the_connection()
    {
        await using RawServer server = RawServer.AnsweringOnce("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegin");
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await using (HttpResponse response = await pool.SendAsync(Http.Get, Cancel))
            Assert.Equal(1_000_000, response.ContentLength);
        Assert.Equal(0, pool.OpenConnections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_response_that_was_disposed_lends_nothing_any_more()
    {
        await using RawServer server = RawServer.Answering(Ok);
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1 });
        HttpResponse first = await pool.SendAsync(Http.Get, Cancel);
        PipeReader pipe = first.OpenPipe();
        await first.DisposeAsync();
        await using HttpResponse second = await pool.SendAsync(Http.Get, Cancel);
        Assert.Throws<ObjectDisposedException>(() => first.Status);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await pipe.ReadAsync(Cancel));
        await first.DisposeAsync();
        Assert.Equal(200, second.Status);
        Assert.Equal(1, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task Answers_without_a_body_have_none()
    {
        string[] answers = ["HTTP/1.1 204 No Content\r\n\r\n", "HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"];
        int next = 0;
        await using var server = new RawServer(async peer =>
        {
            while (await peer.ReadHeadAsync() is not null)
                await peer.SendAsync(answers[next++]);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1 });
        Assert.Equal("204 ", await pool.AskAsync());
        Assert.Equal("304 ", await pool.AskAsync());
        Assert.Equal("200 ", await pool.AskAsync(new HttpRequest(HttpMethod.Head, HttpTarget.Parse("/"))));
        Assert.Equal(1, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_may_end_with_the_connection()
    {
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.0 200 OK\r\n\r\nall of it");
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        Assert.Equal("200 all of it", await pool.AskAsync());
        Assert.Equal("200 all of it", await pool.AskAsync());
        Assert.Equal(2, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_connection_of_an_upgrade_is_the_callers()
    {
        await using var server = new RawServer(async peer =>
        {
            Assert.Contains("Connection: Upgrade\r\nUpgrade: tcp\r\n", await peer.ReadHeadAsync());
            await peer.SendAsync("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nfirst ");
            await peer.SendAsync("then " + await peer.ReadBytesAsync(4));
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        Connection raw;
        await using (HttpResponse response = await pool.SendAsync(new HttpRequest(HttpMethod.Post, HttpTarget.Parse("/attach")) { Upgrade = "tcp" }, Cancel))
        {
            Assert.Equal(101, response.Status);
            raw = response.TakeConnection();
        }

        await using (raw)
        {
            Assert.Equal(0, pool.OpenConnections);
            await raw.Output.WriteAsync("echo"u8.ToArray(), Cancel);
            using var reader = new StreamReader(raw.Input.AsStream());
            Assert.Equal("first then echo", await reader.ReadToEndAsync(Cancel));
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task An_upgraded_connection_is_given_when_the_request_is_sent_though_the_answer_came_before()
    {
        const int BodyBytes = 8 << 20;
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
            for (int read = 0; read < BodyBytes; read += 4096)
                await peer.ReadBytesAsync(4096);
            await peer.SendAsync("then " + await peer.ReadBytesAsync(4));
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await using HttpResponse response = await pool.SendAsync(
            new HttpRequest(HttpMethod.Post, HttpTarget.Parse("/attach")) { Upgrade = "tcp" }, HttpRequestBody.FromBytes(new byte[BodyBytes]), Cancel);
        await using Connection raw = response.TakeConnection();
        await raw.Output.WriteAsync("echo"u8.ToArray(), Cancel);
        using var reader = new StreamReader(raw.Input.AsStream());
        Assert.Equal("then echo", await reader.ReadToEndAsync(Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task An_upgrade_agreed_to_by_a_server_that_then_closes_without_reading_is_a_lost_connection()
    {
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
            peer.Close();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        var request = new HttpRequest(HttpMethod.Post, HttpTarget.Parse("/attach")) { Upgrade = "tcp" };
        var error = await Assert.ThrowsAsync<HttpException>(async () => await pool.SendAsync(request, HttpRequestBody.FromBytes(new byte[8 << 20]), Cancel));
        Assert.Equal(HttpFailure.ConnectionLost, error.Failure);
        Assert.True(error.MaybeSent);
        Assert.Equal(0, pool.OpenConnections);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_connection_of_a_request_that_asked_for_no_upgrade_is_not_given()
    {
        await using RawServer server = RawServer.AnsweringOnce("HTTP/1.1 200 OK\r\n\r\nall of it");
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await using HttpResponse response = await pool.SendAsync(new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/log")), Cancel);
        Assert.Contains("asked for no other protocol", Assert.Throws<InvalidOperationException>(() => response.TakeConnection()).Message);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_response_that_is_no_upgrade_keeps_its_connection()
    {
        await using RawServer server = RawServer.Answering(Ok);
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await using HttpResponse response = await pool.SendAsync(new HttpRequest(HttpMethod.Post, HttpTarget.Parse("/attach")) { Upgrade = "tcp" }, Cancel);
        Assert.Equal(200, response.Status);
        Assert.Throws<InvalidOperationException>(() => response.TakeConnection());
    }
}
