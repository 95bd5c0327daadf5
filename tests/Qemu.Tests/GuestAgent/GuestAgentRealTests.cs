using System.Diagnostics;
using System.Text;
using Hypervisor.Sdk.Qemu.GuestAgent;

namespace Hypervisor.Sdk.Qemu.Tests.GuestAgent;

/// <summary>A real qemu-ga, on a unix socket of this machine, asked only what changes nothing.</summary>
[Peer("qemu-ga")]
public sealed class GuestAgentRealTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private Process? _agent;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _agent?.Kill();
        _agent?.WaitForExit();
        _agent?.Dispose();
        _directory.Dispose();
    }

    [Fact(Timeout = 60_000)]
    public async Task The_agent_is_asked_what_it_is()
    {
        await using var agent = await ConnectAsync();
        await agent.PingAsync(Cancel);
        var info = await agent.InfoAsync(Cancel);
        Assert.Contains(info.SupportedCommands, command => command.Name == "guest-exec" && command.Enabled);
        Assert.Equal(Environment.MachineName, (await agent.GetHostNameAsync(Cancel)).HostName);
        Assert.Equal(4711, await agent.SyncAsync(4711, Cancel));
        Assert.Equal(4712, await agent.SyncDelimitedAsync(4712, Cancel));
        Assert.Contains(await agent.NetworkGetInterfacesAsync(Cancel), device => device.Name == "lo");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_program_runs_and_its_output_comes_back()
    {
        await using var agent = await ConnectAsync();
        var started = await agent.ExecAsync(new GuestExecArguments { Path = "/bin/echo", Arg = ["a b", "$(id)"], CaptureOutput = true }, Cancel);
        GuestExecStatus status;
        do
            status = await agent.ExecStatusAsync(started.Pid, Cancel);
        while (!status.Exited);
        Assert.Equal(0, status.Exitcode);
        Assert.Equal("a b $(id)\n", Encoding.UTF8.GetString(Convert.FromBase64String(status.OutData!)));
    }

    [Fact(Timeout = 60_000)]
    public async Task The_agents_no_is_told_and_the_next_call_works()
    {
        await using var agent = await ConnectAsync();
        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await agent.ExecAsync(new GuestExecArguments { Path = "/no/such/program" }, Cancel));
        Assert.Equal((RequestOutcome.Rejected, "GenericError"), (error.Outcome, error.BackendCode));
        await agent.PingAsync(Cancel);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_command_that_is_switched_off_is_not_sent()
    {
        await using var agent = await ConnectAsync("--blacklist=guest-exec,guest-shutdown");
        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await agent.ExecAsync(new GuestExecArguments { Path = "/bin/true" }, Cancel));
        Assert.Equal((ErrorCode.Unsupported, RequestOutcome.NotSent), (error.Code, error.Outcome));
        error = await Assert.ThrowsAsync<HypervisorException>(async () => await agent.ShutdownAsync(cancellationToken: Cancel));
        Assert.Equal((ErrorCode.Unsupported, RequestOutcome.NotSent), (error.Code, error.Outcome));
    }

    [Fact(Timeout = 60_000)]
    public async Task Calls_from_many_sides_wait_for_their_turn()
    {
        await using var agent = await ConnectAsync();
        long[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(async i => await agent.SyncAsync(i, Cancel)));
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (long)i), answers);
    }

    private async Task<GuestAgentClient> ConnectAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(RealPeer.Program("qemu-ga")) { RedirectStandardError = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])["-m", "unix-listen", "-p", _directory["ga"], "-t", _directory.Path, "-f", _directory["pid"], .. arguments])
            start.ArgumentList.Add(argument);
        _agent = Process.Start(start)!;
        while (true)
        {
            try
            {
                return await GuestAgentClient.ConnectAsync(_directory["ga"], cancellationToken: Cancel);
            }
            catch (BackendConnectionException) when (!_agent.HasExited)
            {
                await Task.Yield();
            }
        }
    }
}
