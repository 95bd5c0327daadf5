using System.Text;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Tests.Qmp;

/// <summary>Time-outs, cancellation, limits: against a server that answers when the test says so.</summary>
public class QmpCallTests
{
    private const string Status = """{"status": "running", "singlestep": false, "running": true}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 30_000)]
    public async Task A_call_that_times_out_keeps_its_id_until_the_late_reply()
    {
        var time = new ManualTimeProvider();
        var ids = new List<long>();
        var timedOut = new TaskCompletionSource();
        var (server, client) = await SimulatedQmpServer.ConnectAsync(
            async server =>
            {
                ids.Add(await server.ReadCommandAsync());
                await timedOut.Task;
                ids.Add(await server.ReadCommandAsync());
                await server.ReplyAsync(ids[0], Status);
                await server.ReplyAsync(ids[1], """{"name": "web1"}""");
                ids.Add(await server.ReadCommandAsync());
                await server.ReplyAsync(ids[2], Status);
            },
            new QmpClientOptions { TimeProvider = time, CallTimeout = TimeSpan.FromSeconds(5) });
        await using var ends = server;
        await using var closes = client;

        var late = client.QueryStatusAsync(Cancel).AsTask();
        time.Advance(TimeSpan.FromSeconds(4));
        Assert.False(late.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => late);
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.Unknown), (error.Code, error.Outcome));
        timedOut.SetResult();

        Assert.Equal("web1", (await client.QueryNameAsync(Cancel)).Name);
        Assert.True((await client.QueryStatusAsync(Cancel)).Running);
        Assert.Equal(3, ids.Distinct().Count());
        await server.ScriptAsync();
    }

    [Fact(Timeout = 30_000)]
    public async Task Another_timeout_counts_for_the_calls_of_that_view_only()
    {
        var time = new ManualTimeProvider();
        var (server, client) = await SimulatedQmpServer.ConnectAsync(
            static async server =>
            {
                await server.ReadCommandAsync("query-name");
                long id = await server.ReadCommandAsync("query-status");
                await server.ReadCommandAsync("stop");
                await server.ReplyAsync(id, Status);
                await server.ReadCommandAsync();
            },
            new QmpClientOptions { TimeProvider = time, CallTimeout = TimeSpan.FromSeconds(5) });
        await using var ends = server;
        await using var closes = client;
        var shorter = client.WithTimeout(TimeSpan.FromSeconds(1)).QueryNameAsync(Cancel).AsTask();
        var forever = client.WithTimeout(Timeout.InfiniteTimeSpan).QueryStatusAsync(Cancel).AsTask();
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(ErrorCode.Timeout, (await Assert.ThrowsAsync<HypervisorException>(() => shorter)).Code);
        time.Advance(TimeSpan.FromDays(1));
        var stop = client.StopAsync(Cancel).AsTask();
        Assert.True((await forever).Running);
        time.Advance(TimeSpan.FromSeconds(6));
        Assert.Equal(ErrorCode.Timeout, (await Assert.ThrowsAsync<HypervisorException>(() => stop)).Code);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_cancelled_call_ends_at_once_and_its_reply_is_swallowed()
    {
        var cancelled = new TaskCompletionSource();
        var (server, client) = await SimulatedQmpServer.ConnectAsync(async server =>
        {
            long first = await server.ReadCommandAsync();
            await cancelled.Task;
            await server.SendLineAsync($$$"""{"error": {"class": "GenericError", "desc": "too late"}, "id": {{{first}}}}""");
            await server.ReplyAsync(await server.ReadCommandAsync(), Status);
        });
        await using var ends = server;
        await using var closes = client;
        using var source = new CancellationTokenSource();
        var call = client.QueryStatusAsync(source.Token).AsTask();
        await source.CancelAsync();
        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.Equal(source.Token, error.CancellationToken);
        cancelled.SetResult();
        Assert.True((await client.QueryStatusAsync(Cancel)).Running);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await client.QueryStatusAsync(source.Token));
    }

    [Fact(Timeout = 30_000)]
    public async Task More_calls_than_allowed_are_not_sent()
    {
        var refused = new TaskCompletionSource();
        var (server, client) = await SimulatedQmpServer.ConnectAsync(
            async server =>
            {
                long first = await server.ReadCommandAsync();
                await server.ReadCommandAsync("query-name");
                await refused.Task;
                await server.ReplyAsync(first, Status);
                await server.ReplyAsync(await server.ReadCommandAsync("stop"), "{}");
                await server.ReadCommandAsync();
            },
            new QmpClientOptions { MaxPendingCalls = 2 });
        await using var ends = server;
        await using var closes = client;
        var first = client.QueryStatusAsync(Cancel).AsTask();
        var second = client.QueryNameAsync(Cancel).AsTask();
        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await client.StopAsync(Cancel));
        Assert.Equal((ErrorCode.Exhausted, RequestOutcome.NotSent), (error.Code, error.Outcome));
        refused.SetResult();
        await first;
        await client.StopAsync(Cancel);
        Assert.False(second.IsCompleted);
    }

    [Fact(Timeout = 30_000)]
    public async Task The_servers_no_comes_with_its_class_and_words()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            foreach (string errorClass in (string[])["GenericError", "DeviceNotFound", "DeviceNotActive", "KVMMissingCap", "OfTomorrow"])
                await server.SendLineAsync($$$"""{"id": {{{await server.ReadCommandAsync()}}}, "error": {"class": "{{{errorClass}}}", "desc": "No \"such\" thing\u00e4"}}""");
        });
        await using var ends = server;
        await using var closes = client;
        foreach (var (errorClass, code) in new[]
        {
            ("GenericError", ErrorCode.Unspecified), ("DeviceNotFound", ErrorCode.NotFound), ("DeviceNotActive", ErrorCode.InvalidState), ("KVMMissingCap", ErrorCode.Unsupported),
            ("OfTomorrow", ErrorCode.Unspecified),
        })
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(async () => await client.QueryStatusAsync(Cancel));
            Assert.Equal((code, RequestOutcome.Rejected, errorClass, "No \"such\" thingä"), (error.Code, error.Outcome, error.BackendCode, error.BackendMessage));
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task A_slow_reader_of_events_is_told_what_it_lost()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            long id = await server.ReadCommandAsync();
            for (int i = 0; i < 10; i++)
                await server.SendLineAsync("""{"timestamp": {"seconds": 1, "microseconds": 1}, "event": "STOP"}""");
            await server.ReplyAsync(id, Status);
        });
        await using var ends = server;
        await using var closes = client;
        using var events = client.Subscribe(capacity: 4);
        await client.QueryStatusAsync(Cancel);
        for (int i = 0; i < 4; i++)
            Assert.IsType<StopEvent>(await events.ReadAsync(Cancel));
        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await events.ReadAsync(Cancel));
        Assert.Equal(ErrorCode.Exhausted, error.Code);
        Assert.Null(client.CloseReason);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_disposed_client_ends_its_calls_and_subscriptions()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            await server.ReadCommandAsync();
            await server.ReadCommandAsync();
        });
        await using var ends = server;
        using var events = client.Subscribe();
        var call = client.QueryStatusAsync(Cancel).AsTask();
        await client.DisposeAsync();
        await client.DisposeAsync();
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<BackendConnectionException>(() => call)).Outcome);
        await Assert.ThrowsAsync<BackendConnectionException>(async () => await events.ReadAsync(Cancel));
        Assert.Equal(RequestOutcome.NotSent, (await Assert.ThrowsAsync<BackendConnectionException>(async () => await client.StopAsync(Cancel))).Outcome);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_disposed_subscription_ends_its_reader_without_an_error()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static server => server.ReadCommandAsync());
        await using var ends = server;
        await using var closes = client;
        var events = client.Subscribe();
        var reading = ReadAllAsync();
        events.Dispose();
        Assert.Equal(0, await reading);

        async Task<int> ReadAllAsync()
        {
            int count = 0;
            await foreach (var _ in events.WithCancellation(Cancel))
                count++;
            return count;
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task A_caller_that_blocks_its_thread_does_not_block_the_replies_of_others()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            long[] ids = [await server.ReadCommandAsync(), await server.ReadCommandAsync()];
            // Both replies in one piece, so that one thread delivers them.
            await server.SendAsync(Encoding.UTF8.GetBytes(string.Concat(ids.Select(id => $$"""{"return": {{Status}}, "id": {{id}}}""" + "\r\n"))));
            await server.ReplyAsync(await server.ReadCommandAsync(), """{"name": "web1"}""");
        });
        await using var ends = server;
        await using var closes = client;
        using var secondIsBack = new ManualResetEventSlim();
        var first = CallAsync(() =>
        {
            Assert.True(secondIsBack.Wait(TimeSpan.FromSeconds(20)));
            Assert.True(client.QueryNameAsync(Cancel).AsTask().Wait(TimeSpan.FromSeconds(20), Cancel));
        });
        var second = CallAsync(secondIsBack.Set);
        await first;
        await second;

        async Task CallAsync(Action afterwards)
        {
            await client.QueryStatusAsync(Cancel).ConfigureAwait(false);
            afterwards();
        }
    }

    [Fact(Timeout = 30_000)]
    public async Task A_caller_may_block_its_thread_for_another_reply()
    {
        var (server, client) = await SimulatedQmpServer.ConnectAsync(static async server =>
        {
            await server.ReplyAsync(await server.ReadCommandAsync("query-status"), Status);
            await server.ReplyAsync(await server.ReadCommandAsync("query-name"), """{"name": "web1"}""");
            await server.ReplyAsync(await server.ReadCommandAsync("query-status"), Status);
        });
        await using var ends = server;
        await using var closes = client;
        await BlockAsync(client);
    }

    private static async Task BlockAsync(QmpClient client)
    {
        // Here on the thread that read the reply.
        await client.QueryStatusAsync(Cancel).ConfigureAwait(false);
        Assert.True(client.QueryNameAsync(Cancel).AsTask().Wait(TimeSpan.FromSeconds(20), Cancel));
        await client.QueryStatusAsync(Cancel).ConfigureAwait(false);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_session_is_read_alike_wherever_it_is_split()
    {
        const string Event = """{"timestamp": {"seconds": 1700000000, "microseconds": 5}, "event": "SHUTDOWN", "data": {"guest": true, "reason": "guest-shutdown"}}""";
        int length = Replies(10, 20).Length;
        for (int split = 0; split <= length; split++)
        {
            int at = split;
            var (server, client) = await SimulatedQmpServer.ConnectAsync(async server =>
            {
                byte[] bytes = Replies(await server.ReadCommandAsync(), await server.ReadCommandAsync());
                await server.SendAsync(bytes.AsMemory(0, Math.Min(at, bytes.Length)));
                // With nothing left to send, the client may have all it wants and close while the server still looks.
                if (at >= bytes.Length)
                    return;
                await server.WaitUntilReadAsync();
                await server.SendAsync(bytes.AsMemory(at));
            });
            await using var ends = server;
            await using var closes = client;
            using var events = client.Subscribe();
            var status = client.QueryStatusAsync(Cancel).AsTask();
            var name = client.QueryNameAsync(Cancel).AsTask();
            Assert.Equal(RunState.Running, (await status).Status);
            Assert.Equal("☃ \"web1\"", (await name).Name);
            Assert.True(Assert.IsType<ShutdownEvent>(await events.ReadAsync(Cancel)).Guest);
        }

        static byte[] Replies(long status, long name) => Encoding.UTF8.GetBytes(
            $$"""{"return": {{Status}}, "id": {{status}}}""" + "\r\n" + Event + "\r\n" + $$"""{"return": {"name": "☃ \"web1\""}, "id": {{name}}}""" + "\r\n");
    }

    [Fact(Timeout = 120_000)]
    public async Task The_greeting_and_the_negotiation_are_read_alike_wherever_they_are_split()
    {
        const string Commands = """[{"name": "query-status"}, {"name": "query-commands"}]""";
        int length = SimulatedQmpServer.Greeting.Length + Reply(1, "{}").Length + Reply(2, Commands).Length + 2;
        for (int split = 0; split <= length; split++)
        {
            int left = split;
            await using var server = SimulatedQmpServer.Start(async server =>
            {
                await SendAsync(server, SimulatedQmpServer.Greeting + "\r\n");
                await SendAsync(server, Reply(await server.ReadCommandAsync("qmp_capabilities"), "{}"));
                await SendAsync(server, Reply(await server.ReadCommandAsync("query-commands"), Commands));
                await server.ReplyAsync(await server.ReadCommandAsync("query-status"), Status);
            });
            await using var client = await QmpClient.ConnectAsync(server.SocketPath, null, Cancel);
            Assert.Equal(RunState.Running, (await client.QueryStatusAsync(Cancel)).Status);
            await server.ScriptAsync();

            async Task SendAsync(SimulatedQmpServer to, string text)
            {
                byte[] bytes = Encoding.UTF8.GetBytes(text);
                if (left > 0 && left < bytes.Length)
                {
                    await to.SendAsync(bytes.AsMemory(0, left));
                    await to.WaitUntilReadAsync();
                    await to.SendAsync(bytes.AsMemory(left));
                }
                else
                {
                    await to.SendAsync(bytes);
                }

                left -= bytes.Length;
            }
        }

        static string Reply(long id, string value) => $$"""{"return": {{value}}, "id": {{id}}}""" + "\r\n";
    }
}
