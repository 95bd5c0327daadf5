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

        var calls = Enumerable.Range(0, 1000).Select(i => i % 2 == 0
            ? qmp.QueryStatusAsync(Cancel).AsTask().ContinueWith(static t => t.Result.Status.Text, Cancel, TaskContinuationOptions.None, TaskScheduler.Default)
            : qmp.QueryNameAsync(Cancel).AsTask().ContinueWith(static t => t.Result.Name ?? "no name", Cancel, TaskContinuationOptions.None, TaskScheduler.Default)).ToList();
        string[] answers = await Task.WhenAll(calls);

        Assert.All(answers.Where((_, i) => i % 2 == 0), answer => Assert.Equal("prelaunch", answer));
        Assert.All(answers.Where((_, i) => i % 2 == 1), answer => Assert.Equal("no name", answer));
    }
}
