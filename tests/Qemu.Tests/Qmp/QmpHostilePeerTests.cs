using System.Text;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Tests.Qmp;

/// <summary>What a client does when the server is broken, or not the server that it thinks.</summary>
public class QmpHostilePeerTests
{
    private const string Status = """{"status": "running", "singlestep": false, "running": true}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string> NotAMessage => new(
        "garbage",
        "{\"return\": {}, \"id\": ",
        "{\"return\": {}} {}",
        "[1]",
        "null",
        "{}",
        "{\"id\": 1}",
        "{\"event\": 5, \"timestamp\": {\"seconds\": 1, \"microseconds\": 1}}",
        "{\"event\": \"STOP\", \"return\": {}}",
        "{\"event\": \"STOP\", \"timestamp\": 7}",
        "{\"error\": {\"class\": 7}, \"id\": 1}",
        "{\"return\": {\"a\": }, \"id\": 1}",
        "\u0000\u0001\u0002",
        "{\"return\": {}, \"id\": 1}}",
        new string('[', 5000) + new string(']', 5000));

    [Theory(Timeout = 30_000)]
    [MemberData(nameof(NotAMessage))]
    public async Task Garbage_ends_every_call_as_a_broken_protocol(string line)
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(async server =>
        {
            await server.ReadCommandAsync();
            await server.ReadCommandAsync();
            await server.SendLineAsync(line);
            await server.ReadCommandAsync();
        });
        await using var ends = server;
        await using var closes = client;
        var first = client.QueryStatusAsync(Cancel).AsTask();
        var second = client.QueryNameAsync(Cancel).AsTask();

        var error = await Assert.ThrowsAsync<BackendProtocolException>(() => first);
        Assert.Equal((ErrorCode.Protocol, RequestOutcome.Unknown), (error.Code, error.Outcome));
        Assert.Same(error, await Assert.ThrowsAsync<BackendProtocolException>(() => second));
        Assert.Same(error, client.CloseReason);
        await client.Closed;

        var late = await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.QueryStatusAsync(Cancel));
        Assert.Equal(RequestOutcome.NotSent, late.Outcome);
        Assert.Throws<BackendProtocolException>(() => client.Subscribe());
    }

    [Theory(Timeout = 30_000)]
    [InlineData("SSH-2.0-OpenSSH_9.2")]
    [InlineData("{\"return\": {}}")]
    [InlineData("{\"QMP\": {\"version\": 7, \"capabilities\": []}}")]
    [InlineData("{\"QMP\": {\"capabilities\": []}}")]
    public async Task What_does_not_greet_like_QMP_is_refused_before_anything_is_sent(string line)
    {
        await using var server = SimulatedQmpServer.Start(server => server.SendLineAsync(line));
        var error = await Assert.ThrowsAsync<BackendProtocolException>(() => QmpClient.ConnectAsync(server.SocketPath, cancellationToken: Cancel));
        Assert.Equal((ErrorCode.Protocol, RequestOutcome.NotSent), (error.Code, error.Outcome));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_silent_server_fails_the_connect_after_the_handshake_timeout()
    {
        var time = new ManualTimeProvider();
        await using var server = SimulatedQmpServer.Start(static server => server.ReadCommandAsync());
        var connecting = QmpClient.ConnectAsync(server.SocketPath, new QmpClientOptions { TimeProvider = time, HandshakeTimeout = TimeSpan.FromSeconds(3) }, Cancel);
        while (!connecting.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => connecting);
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.NotSent), (error.Code, error.Outcome));
    }

    [Fact(Timeout = 30_000)]
    public async Task A_second_greeting_is_a_broken_protocol()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            await server.ReadCommandAsync();
            await server.SendLineAsync(SimulatedQmpServer.Greeting);
            await server.ReadCommandAsync();
        });
        await using var ends = server;
        await using var closes = client;
        var error = await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.QueryStatusAsync(Cancel));
        Assert.Contains("greeted a second time", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_second_greeting_during_negotiation_is_a_broken_protocol()
    {
        await using var server = SimulatedQmpServer.Start(static async server =>
        {
            await server.SendLineAsync(SimulatedQmpServer.Greeting);
            await server.ReadCommandAsync();
            await server.SendLineAsync(SimulatedQmpServer.Greeting);
        });
        await Assert.ThrowsAsync<BackendProtocolException>(() => QmpClient.ConnectAsync(server.SocketPath, cancellationToken: Cancel));
    }

    [Theory(Timeout = 30_000)]
    [InlineData("""{"return": {}, "id": 987654321}""", "987654321")]
    [InlineData("""{"return": {}, "id": -1}""", "-1")]
    [InlineData("""{"return": {}, "id": "x"}""", "missing")]
    [InlineData("""{"return": {}}""", "missing")]
    [InlineData("""{"error": {"class": "GenericError", "desc": "JSON parse error"}}""", "JSON parse error")]
    public async Task A_reply_to_an_unknown_id_is_a_broken_protocol(string line, string named)
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(async server =>
        {
            await server.ReadCommandAsync();
            await server.SendLineAsync(line);
            await server.ReadCommandAsync();
        });
        await using var ends = server;
        await using var closes = client;
        var error = await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.QueryStatusAsync(Cancel));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Equal(RequestOutcome.Unknown, error.Outcome);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_second_reply_to_the_same_call_is_a_broken_protocol()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            long id = await server.ReadCommandAsync();
            await server.ReplyAsync(id, Status);
            await server.ReadCommandAsync();
            await server.ReplyAsync(id, Status);
            await server.ReadCommandAsync();
        });
        await using var ends = server;
        await using var closes = client;
        await client.QueryStatusAsync(Cancel);
        await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.QueryStatusAsync(Cancel));
    }

    [Fact(Timeout = 30_000)]
    public async Task Events_between_command_and_reply_go_to_their_subscribers()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            long id = await server.ReadCommandAsync("stop");
            await server.SendLineAsync("""{"timestamp": {"seconds": 1700000000, "microseconds": 250000}, "event": "STOP"}""");
            await server.SendLineAsync("""{"timestamp": {"seconds": -1, "microseconds": -1}, "event": "OF_TOMORROW", "data": {"x": [1, 2]}}""");
            await server.SendLineAsync("""{"timestamp": {"seconds": 1, "microseconds": 0}, "event": "SHUTDOWN", "data": {"of": "another shape"}}""");
            await server.ReplyAsync(id, "{}");
        });
        await using var ends = server;
        await using var closes = client;
        using var all = client.Subscribe();
        using var some = client.Subscribe(new QmpEventName("OF_TOMORROW"));

        await client.StopAsync(Cancel);

        var stop = Assert.IsType<StopEvent>(await all.ReadAsync(Cancel));
        Assert.Equal(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_250), stop.Timestamp);
        var unknown = Assert.IsType<UnknownQmpEvent>(await all.ReadAsync(Cancel));
        Assert.Equal("""{"x": [1, 2]}""", unknown.Content.ToString());
        Assert.Null(unknown.Timestamp);
        Assert.Equal(QmpEventName.Shutdown, Assert.IsType<UnknownQmpEvent>(await all.ReadAsync(Cancel)).EventName);
        Assert.Equal("OF_TOMORROW", (await some.ReadAsync(Cancel)).EventName.Text);
    }

    [Theory(Timeout = 30_000)]
    [InlineData("")]
    [InlineData("{\"return\": {\"sta")]
    public async Task A_socket_that_goes_away_in_the_middle_of_a_call_ends_all_calls(string half)
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(async server =>
        {
            for (int i = 0; i < 50; i++)
                await server.ReadCommandAsync();
            await server.SendAsync(Encoding.UTF8.GetBytes(half));
            server.Close();
        });
        await using var ends = server;
        await using var closes = client;
        using var events = client.Subscribe();
        var calls = Enumerable.Range(0, 50).Select(_ => client.QueryStatusAsync(Cancel).AsTask()).ToList();

        foreach (var call in calls)
        {
            var error = await Assert.ThrowsAsync<BackendConnectionException>(() => call);
            Assert.Equal(half.Length > 0, error.Message.Contains("in the middle of a message", StringComparison.Ordinal));
            Assert.Equal(RequestOutcome.Unknown, error.Outcome);
        }

        Assert.Same(client.CloseReason, await Assert.ThrowsAnyAsync<HypervisorException>(async () => await events.ReadAsync(Cancel)));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_line_of_a_gigabyte_is_refused_before_it_is_buffered()
    {
        const long Gigabyte = 1L << 30;
        const int Limit = 1 << 20;
        var (server, client) = await SimulatedQmpServer.ConnectAsync(
            static async server =>
            {
                await server.ReadCommandAsync();
                await server.SendAsync("{\"return\": \""u8.ToArray());
                byte[] block = new byte[64 * 1024];
                block.AsSpan().Fill((byte)'a');
                for (long left = Gigabyte; left > 0; left -= block.Length)
                    await server.SendAsync(block);
            },
            new QmpClientOptions { MaxMessageBytes = Limit });
        await using var ends = server;
        await using var closes = client;
        var error = await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.QueryStatusAsync(Cancel));

        Assert.Equal(RequestOutcome.Unknown, error.Outcome);
        // What it could not send is not buffered. The process's memory says nothing: other tests run in it.
        Assert.InRange(server.SentBytes, Limit, 4 * Limit);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_reply_of_another_shape_fails_its_call_and_leaves_the_connection()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            await server.ReplyAsync(await server.ReadCommandAsync(), """{"status": "running"}""");
            await server.ReplyAsync(await server.ReadCommandAsync(), Status);
        });
        await using var ends = server;
        await using var closes = client;
        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await client.QueryStatusAsync(Cancel));
        Assert.Equal((ErrorCode.Protocol, RequestOutcome.Unknown), (error.Code, error.Outcome));
        Assert.Contains("StatusInfo lacks running", error.Message, StringComparison.Ordinal);
        Assert.Equal(RunState.Running, (await client.QueryStatusAsync(Cancel)).Status);
    }

    [Fact(Timeout = 30_000)]
    public async Task Replies_out_of_order_find_their_calls()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            long status = await server.ReadCommandAsync("query-status");
            long name = await server.ReadCommandAsync("query-name");
            await server.SendLineAsync("{\"id\": " + name + ", \"return\": {\"name\": \"web1\"}}");
            await server.SendLineAsync($$$"""   {"return":{"running":true,"x":", \"id\": 5}","status":"running"},"id":{{{status}}}}   """);
        });
        await using var ends = server;
        await using var closes = client;
        var status = client.QueryStatusAsync(Cancel).AsTask();
        Assert.Equal("web1", (await client.QueryNameAsync(Cancel)).Name);
        Assert.True((await status).Running);
    }
}
