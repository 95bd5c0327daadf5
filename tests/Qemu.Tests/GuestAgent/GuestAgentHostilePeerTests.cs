using System.Text;
using Hypervisor.Sdk.Qemu.GuestAgent;

namespace Hypervisor.Sdk.Qemu.Tests.GuestAgent;

/// <summary>The agent is in the guest, and the guest is not to be trusted; often there is none at all.</summary>
public class GuestAgentHostilePeerTests
{
    private const string HostName = """{"return": {"host-name": "web1"}}""";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 30_000)]
    public async Task No_agent_is_not_sent_and_one_that_comes_later_is_used()
    {
        var time = new ManualTimeProvider();
        await using var agent = SimulatedGuestAgent.Start(static async agent =>
        {
            // The guest is off: two attempts to find into step stay in the channel. Then an agent comes and answers what it finds.
            var (_, first) = await agent.ReadAsync();
            var (_, second) = await agent.ReadAsync();
            await agent.SendAsync(new byte[] { 0xFF });
            await agent.SendLineAsync($$"""{"return": {{first}}}""");
            await agent.SendAsync(new byte[] { 0xFF });
            await agent.SendLineAsync($$"""{"return": {{second}}}""");
            Assert.Equal("guest-info", (await agent.ReadAsync()).Name);
            await agent.SendLineAsync(SimulatedGuestAgent.Info);
            Assert.Equal("guest-get-host-name", (await agent.ReadAsync()).Name);
            await agent.SendLineAsync(HostName);
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, new GuestAgentClientOptions { TimeProvider = time }, Cancel);
        var none = client.GetHostNameAsync(Cancel).AsTask();
        while (time.ActiveTimers == 0)
            await Task.Yield();
        time.Advance(TimeSpan.FromSeconds(6));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => none);
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.NotSent), (error.Code, error.Outcome));
        Assert.Equal("web1", (await client.GetHostNameAsync(Cancel)).HostName);
    }

    [Fact(Timeout = 30_000)]
    public async Task Silence_after_the_command_is_unknown_and_the_late_reply_is_thrown_away()
    {
        var time = new ManualTimeProvider();
        var sent = new TaskCompletionSource();
        await using var agent = SimulatedGuestAgent.Start(async agent =>
        {
            await agent.GetIntoStepAsync();
            Assert.Equal("guest-get-host-name", (await agent.ReadAsync()).Name);
            sent.SetResult();
            var (name, id) = await agent.ReadAsync();
            Assert.Equal("guest-sync-delimited", name);
            // The late reply, torn, then the sentinel.
            await agent.SendAsync(Encoding.UTF8.GetBytes("""{"return": {"host-name": "too la"""));
            await agent.SendAsync(new byte[] { 0xFF });
            await agent.SendLineAsync($$"""{"return": {{id}}}""");
            Assert.Equal("guest-info", (await agent.ReadAsync()).Name);
            await agent.SendLineAsync(SimulatedGuestAgent.Info);
            await agent.ReadAsync();
            await agent.SendLineAsync(HostName);
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, new GuestAgentClientOptions { TimeProvider = time }, Cancel);
        var late = client.WithTimeout(TimeSpan.FromSeconds(20)).GetHostNameAsync(Cancel).AsTask();
        await sent.Task;
        time.Advance(TimeSpan.FromSeconds(21));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => late);
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.Unknown), (error.Code, error.Outcome));
        Assert.Equal("web1", (await client.GetHostNameAsync(Cancel)).HostName);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_cancelled_call_leaves_the_client_working()
    {
        var sent = new TaskCompletionSource();
        await using var agent = SimulatedGuestAgent.Start(async agent =>
        {
            await agent.GetIntoStepAsync();
            await agent.ReadAsync();
            sent.SetResult();
            await agent.GetIntoStepAsync();
            await agent.ReadAsync();
            await agent.SendLineAsync(HostName);
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, cancellationToken: Cancel);
        using var source = new CancellationTokenSource();
        var call = client.GetHostNameAsync(source.Token).AsTask();
        await sent.Task;
        await source.CancelAsync();
        Assert.Equal(source.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call)).CancellationToken);
        Assert.Equal("web1", (await client.GetHostNameAsync(Cancel)).HostName);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_shutdown_that_is_not_answered_has_worked()
    {
        await using var agent = SimulatedGuestAgent.Start(static async agent =>
        {
            await agent.GetIntoStepAsync();
            Assert.Equal("guest-shutdown", (await agent.ReadAsync()).Name);
            agent.Close();
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, cancellationToken: Cancel);
        await client.ShutdownAsync("powerdown", Cancel);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_shutdown_that_is_refused_throws()
    {
        await using var agent = SimulatedGuestAgent.Start(static async agent =>
        {
            await agent.GetIntoStepAsync();
            Assert.Equal("guest-shutdown", (await agent.ReadAsync()).Name);
            var (_, id) = await agent.ReadAsync();
            await agent.SendLineAsync("""{"error": {"class": "GenericError", "desc": "no"}}""");
            await agent.SendAsync(new byte[] { 0xFF });
            await agent.SendLineAsync($$"""{"return": {{id}}}""");
            await agent.GetIntoStepAsync();
            await agent.ReadAsync();
            await agent.SendLineAsync(HostName);
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, cancellationToken: Cancel);
        Assert.Equal(RequestOutcome.Rejected, (await Assert.ThrowsAsync<HypervisorException>(async () => await client.ShutdownAsync("explode", Cancel))).Outcome);
        Assert.Equal("web1", (await client.GetHostNameAsync(Cancel)).HostName);
    }

    [Theory(Timeout = 30_000)]
    [InlineData("garbage")]
    [InlineData("[]")]
    [InlineData("""{"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 1}}""")]
    public async Task Garbage_is_a_broken_protocol(string line)
    {
        await using var agent = SimulatedGuestAgent.Start(async agent =>
        {
            await agent.GetIntoStepAsync();
            await agent.ReadAsync();
            await agent.SendLineAsync(line);
            await agent.ReadAsync();
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, cancellationToken: Cancel);
        var error = await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.GetHostNameAsync(Cancel));
        Assert.Equal(RequestOutcome.Unknown, error.Outcome);
        Assert.Same(error, client.CloseReason);
        Assert.Equal(RequestOutcome.NotSent, (await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.GetHostNameAsync(Cancel))).Outcome);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_reply_of_another_shape_fails_its_call_and_leaves_the_client()
    {
        await using var agent = SimulatedGuestAgent.Start(static async agent =>
        {
            await agent.GetIntoStepAsync();
            await agent.ReadAsync();
            await agent.SendLineAsync("""{"return": {"host-name": 5}}""");
            await agent.ReadAsync();
            await agent.SendLineAsync(HostName);
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, cancellationToken: Cancel);
        Assert.Equal(ErrorCode.Protocol, (await Assert.ThrowsAsync<HypervisorException>(async () => await client.GetHostNameAsync(Cancel))).Code);
        Assert.Equal("web1", (await client.GetHostNameAsync(Cancel)).HostName);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_line_without_end_is_refused_before_it_is_buffered()
    {
        const int Limit = 1 << 20;
        long sent = 0;
        await using var agent = SimulatedGuestAgent.Start(async agent =>
        {
            await agent.GetIntoStepAsync();
            await agent.ReadAsync();
            byte[] block = new byte[64 * 1024];
            block.AsSpan().Fill((byte)'a');
            for (; Interlocked.Read(ref sent) < 1L << 30; Interlocked.Add(ref sent, block.Length))
                await agent.SendAsync(block);
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, new GuestAgentClientOptions { MaxMessageBytes = Limit }, Cancel);
        await Assert.ThrowsAsync<BackendProtocolException>(async () => await client.GetHostNameAsync(Cancel));
        // What it could not send is not buffered.
        Assert.InRange(Interlocked.Read(ref sent), Limit / 2, 4 * Limit);
    }

    [Fact(Timeout = 30_000)]
    public async Task A_channel_that_goes_away_ends_the_call()
    {
        await using var agent = SimulatedGuestAgent.Start(static async agent =>
        {
            await agent.GetIntoStepAsync();
            await agent.ReadAsync();
            agent.Close();
        });
        await using var client = await GuestAgentClient.ConnectAsync(agent.SocketPath, cancellationToken: Cancel);
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<BackendConnectionException>(async () => await client.GetHostNameAsync(Cancel))).Outcome);
    }
}
