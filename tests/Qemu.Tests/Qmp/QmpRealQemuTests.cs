using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;

namespace Hypervisor.Sdk.Qemu.Tests.Qmp;

[Peer("qemu")]
public class QmpRealQemuTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_typed_command_is_answered()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();

        Assert.True(qmp.ServerVersion >= new Version(7, 2));
        Assert.True(qmp.IsOutOfBandEnabled);
        var status = await qmp.QueryStatusAsync(Cancel);
        Assert.Equal(RunState.Prelaunch, status.Status);
        Assert.False(status.Running);
        Assert.Equal(new RunStatus(RunState.Prelaunch, false), await qmp.GetRunStatusAsync(Cancel));
        Assert.Equal("none", (await qmp.QomGetAsync("/machine", "type", Cancel)).Json.GetString()?.Replace("-machine", "", StringComparison.Ordinal));
    }

    [Fact(Timeout = 60_000)]
    public async Task Events_follow_the_commands_that_cause_them()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        using var events = qmp.Subscribe(QmpEventName.Resume, QmpEventName.Stop);

        await qmp.ContAsync(Cancel);
        await qmp.StopAsync(Cancel);

        var resumed = Assert.IsType<ResumeEvent>(await events.ReadAsync(Cancel));
        Assert.NotNull(resumed.Timestamp);
        Assert.IsType<StopEvent>(await events.ReadAsync(Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_thousand_calls_are_in_flight_at_once()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();

        string[] answers = await Task.WhenAll(Enumerable.Range(0, 1000).Select(i => i % 2 == 0 ? StatusAsync() : NameAsync()));

        Assert.All(answers.Where((_, i) => i % 2 == 0), answer => Assert.Equal("prelaunch", answer));
        Assert.All(answers.Where((_, i) => i % 2 == 1), answer => Assert.Equal("no name", answer));

        async Task<string> StatusAsync() => (await qmp.QueryStatusAsync(Cancel)).Status.Text;
        async Task<string> NameAsync() => (await qmp.QueryNameAsync(Cancel)).Name ?? "no name";
    }

    [Fact(Timeout = 60_000)]
    public async Task A_command_out_of_band_is_answered()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        var stop = qmp.StopAsync(Cancel).AsTask();
        var instances = await qmp.QueryYankAsync(outOfBand: true, Cancel);
        Assert.Equal("compat_monitor0", Assert.Single(instances).Chardev?.Id);
        await stop;
    }

    [Fact(Timeout = 60_000)]
    public async Task Without_the_negotiation_nothing_is_sent_out_of_band()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync(new QmpClientOptions { OutOfBand = false });
        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await qmp.QueryYankAsync(outOfBand: true, Cancel));
        Assert.Equal((ErrorCode.Unsupported, RequestOutcome.NotSent), (error.Code, error.Outcome));
        Assert.Single(await qmp.QueryYankAsync(cancellationToken: Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_command_that_this_QEMU_lacks_is_not_sent()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        Assert.DoesNotContain("xen-load-devices-state-of-tomorrow", qmp.Commands);
        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await qmp.ExecuteAsync("of-tomorrow", cancellationToken: Cancel));
        Assert.Equal((ErrorCode.Unsupported, RequestOutcome.NotSent), (error.Code, error.Outcome));
        string missing = QmpCommands.All.Select(command => command.Name).First(name => !qmp.Commands.Contains(name));
        error = await Assert.ThrowsAsync<HypervisorException>(async () => await qmp.ExecuteAsync(missing, cancellationToken: Cancel));
        Assert.Contains(missing, error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_servers_no_is_told_in_its_own_words()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        var error = await Assert.ThrowsAsync<HypervisorException>(async () => await qmp.DeviceDelAsync("nothing", Cancel));
        Assert.Equal((ErrorCode.NotFound, RequestOutcome.Rejected, "DeviceNotFound"), (error.Code, error.Outcome, error.BackendCode));
        Assert.Equal("Device 'nothing' not found", error.BackendMessage);
        error = await Assert.ThrowsAsync<HypervisorException>(async () => await qmp.DeviceAddAsync(
            new DeviceAddArguments { Driver = "virtio-blk-pci", Id = "d0", Properties = { ["drive"] = "x", ["addr"] = "2" } }, Cancel));
        Assert.Equal((RequestOutcome.Rejected, "GenericError"), (error.Outcome, error.BackendCode));
    }

    [Fact(Timeout = 60_000)]
    public async Task Strings_arrive_as_they_were_sent()
    {
        const string Worst = "a\"b\\c\n\t\u0001 ümlaut ☃ 𝄞 $(id) -rf ,=;";
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        await qmp.ObjectAddAsync(new ObjectOptions { Id = "secret0", Secret = new SecretProperties { Data = Worst } }, Cancel);
        Assert.Equal(Worst, (await qmp.QomGetAsync("/objects/secret0", "data", Cancel)).Json.GetString());
    }

    [Fact(Timeout = 60_000)]
    public async Task A_job_runs_to_its_end_and_is_dismissed()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        string image = qemu.Directory["disk.qcow2"];
        await File.WriteAllBytesAsync(image, [], Cancel);
        await qmp.BlockdevAddAsync(new BlockdevOptions { NodeName = "file0", File = new BlockdevOptionsFile { Filename = image } }, Cancel);

        await qmp.RunJobAsync("create0", (q, ct) => q.BlockdevCreateAsync(
            "create0", new BlockdevCreateOptions { Qcow2 = new BlockdevCreateOptionsQcow2 { File = "file0", Size = 1 << 20 } }, ct), Cancel);

        Assert.Empty(await qmp.QueryJobsAsync(Cancel));
        await qmp.BlockdevAddAsync(new BlockdevOptions { NodeName = "disk0", Qcow2 = new BlockdevOptionsQcow2 { File = "file0" } }, Cancel);
        var node = (await qmp.QueryNamedBlockNodesAsync(cancellationToken: Cancel)).Single(node => node.NodeName == "disk0");
        Assert.Equal(1 << 20, node.Image.VirtualSize);
        Assert.Equal("qcow2", node.Image.Format);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_job_that_fails_throws_its_words()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        var error = await Assert.ThrowsAsync<HypervisorException>(() => qmp.RunJobAsync("create0", (q, ct) => q.BlockdevCreateAsync(
            "create0", new BlockdevCreateOptions { File = new BlockdevCreateOptionsFile { Filename = qemu.Directory["no/such/file"], Size = 1 } }, ct), Cancel));
        Assert.Equal(RequestOutcome.FailedMidway, error.Outcome);
        Assert.Contains("No such file", error.BackendMessage, StringComparison.Ordinal);
        Assert.Empty(await qmp.QueryJobsAsync(Cancel));
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => qmp.ConcludeJobAsync("create0", Cancel))).Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_killed_QEMU_ends_every_call()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        using var events = qmp.Subscribe();
        var calls = Enumerable.Range(0, 200).Select(_ => qmp.QueryQmpSchemaAsync(Cancel).AsTask()).ToList();
        await calls[0];
        qemu.Kill();
        int ended = 0;
        foreach (var call in calls.Skip(1))
        {
            if (await Task.WhenAny(call) is { IsFaulted: true } failed)
            {
                ended++;
                Assert.Equal(RequestOutcome.Unknown, Assert.IsAssignableFrom<HypervisorException>(failed.Exception!.InnerException).Outcome);
            }
        }

        Assert.True(ended > 0);
        await qmp.Closed;
        Assert.IsType<BackendConnectionException>(qmp.CloseReason);
        await Assert.ThrowsAnyAsync<HypervisorException>(async () => await events.ReadAsync(Cancel));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_monitor_that_is_taken_says_so_by_silence()
    {
        using var qemu = await QemuProcess.StartAsync(monitors: 2);
        await using var first = await qemu.ConnectAsync();
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => qemu.ConnectAsync(new QmpClientOptions { HandshakeTimeout = TimeSpan.FromMilliseconds(200) }));
        Assert.Contains("one client at a time", error.Message, StringComparison.Ordinal);
        await using var second = await qemu.ConnectAsync(monitor: 1);
        Assert.Equal(RunState.Prelaunch, (await second.QueryStatusAsync(Cancel)).Status);
    }

    [Fact(Timeout = 60_000)]
    public async Task Nobody_listening_is_not_sent()
    {
        using var directory = new TempDirectory();
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => QmpClient.ConnectAsync(directory["nothing"], cancellationToken: Cancel));
        Assert.Equal(RequestOutcome.NotSent, error.Outcome);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_cancelled_call_leaves_the_client_working()
    {
        using var qemu = await QemuProcess.StartAsync();
        await using var qmp = await qemu.ConnectAsync();
        for (int i = 0; i < 100; i++)
        {
            using var source = new CancellationTokenSource();
            var calls = Enumerable.Range(0, 8).Select(_ => qmp.QueryStatusAsync(source.Token).AsTask()).ToList();
            await source.CancelAsync();
            foreach (var call in calls)
                await Task.WhenAny(call);
            Assert.All(calls, call => Assert.True(call.IsCanceled || call.IsCompletedSuccessfully));
        }

        Assert.Equal(RunState.Prelaunch, (await qmp.QueryStatusAsync(Cancel)).Status);
    }
}
