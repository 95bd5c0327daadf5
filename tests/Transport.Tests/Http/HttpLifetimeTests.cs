using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.IO.Compression;
using System.Text;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>What is repeated, what is cancelled, what runs out of time, and what is seen of it.</summary>
public sealed class HttpLifetimeTests
{
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("GET", true)]
    [InlineData("PUT", true)]
    [InlineData("DELETE", true)]
    [InlineData("POST", false)]
    [InlineData("PATCH", false)]
    public async Task A_kept_connection_that_died_is_replaced_when_repeating_is_safe(string method, bool repeated)
    {
        int requests = 0;
        await using var server = new RawServer(async peer =>
        {
            while (await peer.ReadHeadAsync() is not null)
            {
                // The second request of the first connection is read, and the connection closed without a word.
                if (Interlocked.Increment(ref requests) == 2)
                    return;
                await peer.SendAsync(Ok);
            }
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1 });
        var request = new HttpRequest(new HttpMethod(method), HttpTarget.Parse("/x"));
        Assert.Equal("200 ok", await pool.AskAsync(request));
        if (repeated)
        {
            Assert.Equal("200 ok", await pool.AskAsync(request));
            Assert.Equal((3, 2), (requests, server.Connections));
        }
        else
        {
            var error = await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync(request));
            Assert.Equal((HttpFailure.ConnectionLost, true), (error.Failure, error.MaybeSent));
            Assert.Equal((2, 1), (requests, server.Connections));
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_new_connection_that_dies_is_not_tried_again()
    {
        await using var server = new RawServer(peer => peer.ReadHeadAsync());
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync());
        Assert.Equal(1, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task Half_a_response_is_never_asked_for_again()
    {
        int requests = 0;
        await using var server = new RawServer(async peer =>
        {
            while (await peer.ReadHeadAsync() is not null)
            {
                if (Interlocked.Increment(ref requests) == 2)
                {
                    await peer.SendAsync("HTTP/1.1 2");
                    return;
                }

                await peer.SendAsync(Ok);
            }
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1 });
        await pool.AskAsync();
        await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync());
        Assert.Equal(2, requests);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_connection_that_the_server_ends_while_unused_is_noticed_at_once()
    {
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync(Ok);
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        for (int i = 0; i < 5; i++)
        {
            Assert.Equal("200 ok", await pool.AskAsync(Http.Post));
            await Http.UntilAsync(() => pool.OpenConnections == 0);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task No_server_is_said_so_before_anything_is_sent()
    {
        using var directory = new TempDirectory();
        await using var pool = new HttpConnectionPool(HttpEndpoint.Unix(directory["none"]));
        Assert.Equal(ConnectFailure.NotFound, (await Assert.ThrowsAsync<ConnectException>(() => pool.AskAsync())).Failure);
        Assert.Equal(0, pool.OpenConnections);
    }

    [Fact(Timeout = 60_000)]
    public async Task Cancelling_closes_the_connection_of_the_request_and_no_other()
    {
        await using var server = new RawServer(async peer =>
        {
            while (await peer.ReadHeadAsync() is { } head)
            {
                if (head.StartsWith("GET /never", StringComparison.Ordinal))
                    await peer.ReadToEndAsync();
                else
                    await peer.SendAsync(Ok);
            }
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await Task.WhenAll(pool.AskAsync(), pool.AskAsync());
        int open = pool.OpenConnections;
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        ValueTask<HttpResponse> never = pool.SendAsync(new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/never")), cancellation.Token);
        Assert.Equal("200 ok", await pool.AskAsync());
        await cancellation.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await never);
        Assert.Equal(cancellation.Token, error.CancellationToken);
        await Http.UntilAsync(() => pool.OpenConnections < Math.Max(open, 2));
        Assert.Equal("200 ok", await pool.AskAsync());
    }

    [Fact(Timeout = 60_000)]
    public async Task Cancelling_who_waits_for_a_connection_closes_nothing()
    {
        var answer = new TaskCompletionSource();
        await using var server = new RawServer(async peer =>
        {
            while (await peer.ReadHeadAsync() is not null)
            {
                await answer.Task;
                await peer.SendAsync(Ok);
            }
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1 });
        Task<string> first = pool.AskAsync();
        using var cancellation = new CancellationTokenSource();
        ValueTask<HttpResponse> second = pool.SendAsync(Http.Get, cancellation.Token);
        Task<string> third = pool.AskAsync();
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await second);
        answer.SetResult();
        Assert.Equal("200 ok", await first);
        Assert.Equal("200 ok", await third);
        Assert.Equal(1, server.Connections);
    }

    [Fact(Timeout = 60_000)]
    public async Task Cancelling_a_read_of_the_body_loses_nothing()
    {
        var more = new TaskCompletionSource();
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
            await more.Task;
            await peer.SendAsync("cd");
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint);
        await using HttpResponse response = await pool.SendAsync(Http.Get, Cancel);
        using var cancellation = new CancellationTokenSource();
        ValueTask<System.Buffers.ReadOnlySequence<byte>> reading = response.ReadSequenceAsync(cancellation.Token);
        await cancellation.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await reading);
        more.SetResult();
        Assert.Equal("abcd", Encoding.ASCII.GetString(System.Buffers.BuffersExtensions.ToArray(await response.ReadSequenceAsync(Cancel))));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_hundred_requests_cancelled_at_any_moment_leave_a_pool_that_works()
    {
        await using RawServer server = RawServer.Answering(Ok);
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 4 });
        await Task.WhenAll(Enumerable.Range(0, 100).Select(i => Task.Run(
            async () =>
            {
                using var cancellation = new CancellationTokenSource();
                ValueTask<HttpResponse> sending = pool.SendAsync(Http.Get, cancellation.Token);
                for (int spin = 0; spin < i; spin++)
                    await Task.Yield();
                await cancellation.CancelAsync();
                try
                {
                    await using HttpResponse response = await sending;
                    Assert.Equal(200, response.Status);
                }
                catch (OperationCanceledException error)
                {
                    Assert.Equal(cancellation.Token, error.CancellationToken);
                }
            },
            Cancel)));
        for (int i = 0; i < 20; i++)
            Assert.Equal("200 ok", await pool.AskAsync());
    }

    [Theory(Timeout = 60_000)]
    [InlineData("/head", "no response's head")]
    [InlineData("/body", "no bytes of the body")]
    [InlineData("/whole", "the whole of it")]
    public async Task Each_time_out_says_which_it_is(string target, string words)
    {
        var clock = new ManualTimeProvider();
        var asked = new TaskCompletionSource();
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            if (target != "/head")
                await peer.SendAsync("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
            asked.SetResult();
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Connection = new ConnectionOptions { TimeProvider = clock } });
        TimeSpan never = Timeout.InfiniteTimeSpan;
        TimeSpan soon = TimeSpan.FromSeconds(20);
        var timeouts = new HttpTimeouts { Head = target == "/head" ? soon : never, BodyIdle = target == "/body" ? soon : never, Whole = target == "/whole" ? soon : never };
        Task<string> request = pool.AskAsync(new HttpRequest(HttpMethod.Get, HttpTarget.Parse(target)) { Timeouts = timeouts });
        await asked.Task.WaitAsync(Cancel);
        if (target != "/body")
            clock.Advance(TimeSpan.FromSeconds(19));
        Assert.False(request.IsCompleted);
        var error = await Assert.ThrowsAsync<HttpException>(() => ElapseAsync(clock, request));
        Assert.Equal((HttpFailure.TimedOut, true), (error.Failure, error.MaybeSent));
        Assert.Contains(words, error.Message);
        await Http.UntilAsync(() => pool.OpenConnections == 0);
    }

    [Fact(Timeout = 60_000)]
    public async Task Waiting_for_a_connection_runs_out_of_time_unsent()
    {
        var clock = new ManualTimeProvider();
        var asked = new TaskCompletionSource();
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            asked.SetResult();
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { MaxConnections = 1, Connection = new ConnectionOptions { TimeProvider = clock } });
        var forever = new HttpTimeouts { Head = Timeout.InfiniteTimeSpan, Whole = Timeout.InfiniteTimeSpan };
        ValueTask<HttpResponse> first = pool.SendAsync(new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/")) { Timeouts = forever }, Cancel);
        await asked.Task.WaitAsync(Cancel);
        Task<string> second = pool.AskAsync(new HttpRequest(HttpMethod.Get, HttpTarget.Parse("/")) { Timeouts = new HttpTimeouts { Whole = TimeSpan.FromSeconds(20) } });
        var error = await Assert.ThrowsAsync<HttpException>(() => ElapseAsync(clock, second));
        Assert.Equal((HttpFailure.TimedOut, false), (error.Failure, error.MaybeSent));
        await pool.DisposeAsync();
        await Assert.ThrowsAnyAsync<Exception>(async () => await first);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_unused_connection_is_closed_in_time()
    {
        var clock = new ManualTimeProvider();
        await using RawServer server = RawServer.Answering(Ok);
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Connection = new ConnectionOptions { TimeProvider = clock } });
        await pool.AskAsync();
        clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal(1, pool.OpenConnections);
        clock.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(0, pool.OpenConnections);
        Assert.Equal(0, clock.ActiveTimers);
        Assert.Equal("200 ok", await pool.AskAsync());
    }

    [Theory(Timeout = 60_000)]
    [InlineData("gzip")]
    [InlineData("deflate")]
    [InlineData("br")]
    public async Task A_compressed_body_is_decompressed_when_that_was_asked_for(string coding)
    {
        string? head = null;
        string text = string.Join(' ', Enumerable.Range(0, 5000));
        byte[] body = Compress(coding, Encoding.ASCII.GetBytes(text));
        await using var server = new RawServer(async peer =>
        {
            while ((head = await peer.ReadHeadAsync() ?? head) is not null)
            {
                await peer.SendAsync($"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {body.Length}\r\n\r\n");
                await peer.SendAsync(body);
            }
        });
        await using var plain = new HttpConnectionPool(server.Endpoint);
        Assert.Equal("200 " + Encoding.Latin1.GetString(body), await plain.AskAsync());
        Assert.DoesNotContain("Accept-Encoding", head);
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Decompress = true });
        Assert.Equal("200 " + text, await pool.AskAsync());
        Assert.Contains("Accept-Encoding: gzip, deflate, br\r\n", head);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_body_that_grows_too_much_when_decompressed_is_refused()
    {
        byte[] bomb = Compress("gzip", new byte[50_000_000]);
        await using var server = new RawServer(async peer =>
        {
            await peer.ReadHeadAsync();
            await peer.SendAsync($"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {bomb.Length}\r\n\r\n");
            await peer.SendAsync(bomb);
            await peer.ReadToEndAsync();
        });
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Decompress = true, MaxBodyBytes = 1_000_000, MaxDecompressedBytes = 2_000_000 });
        Assert.Equal(HttpFailure.TooLarge, (await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync())).Failure);
        await using HttpResponse response = await pool.SendAsync(Http.Get, Cancel);
        await using Stream stream = response.OpenStream();
        Assert.Equal(HttpFailure.TooLarge, (await Assert.ThrowsAsync<HttpException>(() => stream.CopyToAsync(Stream.Null, Cancel))).Failure);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_broken_compressed_body_is_malformed()
    {
        await using RawServer server = RawServer.Answering("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\nnot gzip");
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Decompress = true });
        Assert.Equal(HttpFailure.Malformed, (await Assert.ThrowsAsync<HttpException>(() => pool.AskAsync())).Failure);
    }

    [Fact(Timeout = 60_000)]
    public async Task Spans_and_measurements_have_the_names_of_OpenTelemetry_and_no_secrets()
    {
        var spans = new List<Activity>();
        var measured = new List<string>();
        await using RawServer server = RawServer.Answering("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == HttpConnectionPool.TelemetryName,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (spans)
                    spans.Add(activity);
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var meters = new MeterListener();
        meters.InstrumentPublished = (instrument, self) =>
        {
            if (instrument.Meter.Name == HttpConnectionPool.TelemetryName)
                self.EnableMeasurementEvents(instrument);
        };
        meters.SetMeasurementEventCallback<double>((instrument, _, tags, _) =>
        {
            lock (measured)
                measured.Add($"{instrument.Name} {string.Join(' ', tags.ToArray().Select(tag => $"{tag.Key}={tag.Value}"))}");
        });
        meters.Start();
        await using var pool = new HttpConnectionPool(server.Endpoint, new HttpPoolOptions { Credentials = () => new HttpHeader("Authorization", "Bearer s3cret") });
        Activity? before = Activity.Current;
        await pool.AskAsync(new HttpRequest(HttpMethod.Get, HttpTarget.From($"/1.0/x?token={"s3cret"}")));
        Assert.Same(before, Activity.Current);
        string path = pool.Endpoint.Name["unix:".Length..];
        Activity span;
        lock (spans)
            span = Assert.Single(spans, one => path.Equals(one.GetTagItem("server.address")));
        Assert.Equal(("GET", ActivityKind.Client), (span.OperationName, span.Kind));
        Assert.Equal("http://localhost/1.0/x?*", span.GetTagItem("url.full"));
        Assert.Equal(404, span.GetTagItem("http.response.status_code"));
        Assert.Equal("404", span.GetTagItem("error.type"));
        Assert.DoesNotContain("s3cret", string.Concat(span.TagObjects.Select(tag => tag.Value)));
        lock (measured)
        {
            Assert.Single(measured, one => one.Contains(path, StringComparison.Ordinal)
                && one.StartsWith("http.client.request.duration http.request.method=GET", StringComparison.Ordinal) && one.Contains("http.response.status_code=404", StringComparison.Ordinal));
        }
    }

    private static async Task<string> ElapseAsync(ManualTimeProvider clock, Task<string> request)
    {
        while (!request.IsCompleted)
        {
            clock.Advance(TimeSpan.FromMilliseconds(500));
            await Task.Yield();
        }

        return await request;
    }

    private static byte[] Compress(string coding, byte[] bytes)
    {
        var packed = new MemoryStream();
        using (Stream stream = coding switch
        {
            "gzip" => new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            "deflate" => new ZLibStream(packed, CompressionLevel.Fastest, leaveOpen: true),
            _ => new BrotliStream(packed, CompressionLevel.Fastest, leaveOpen: true),
        })
        {
            stream.Write(bytes);
        }

        return packed.ToArray();
    }
}
