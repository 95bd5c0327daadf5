using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Machines that move with their own disks.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class MigrationStorageTests
{
    private static readonly MigrationOptions s_withStorage = new() { WithStorage = true, MaxDowntime = TimeSpan.FromSeconds(2) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task What_a_guest_has_written_before_and_while_its_disk_moves_is_on_the_disk_at_the_target()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(lab.Lab.Spec("writer", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(48)) })));
        await lab.Lab.WaitForConsoleAsync(machine.Id, GuestImage.Prompt);
        await lab.Source.WaitUntilReadyAsync(machine.Id, new ReadinessOptions { Conditions = [new ReadinessCondition.Custom("the agent answers", MigrationTests.AgentAnswersAsync)] }, Token);
        string sum = await RunAsync(lab.Source, machine, "dd if=/dev/urandom of=/data/big bs=1M count=8 2>/dev/null; sync; md5sum /data/big");
        await RunAsync(lab.Source, machine, "(i=0; while :; do i=$((i+1)); echo $i >> /data/log; sync; done) > /dev/null 2>&1 < /dev/null &");

        var refused = await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, null, null, Token).WaitForCompletionAsync(Token));
        Assert.Contains(nameof(MigrationOptions.WithStorage), refused.Message, StringComparison.Ordinal);
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_withStorage, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));

        // From the disk, not from what the guest remembers of it.
        Assert.Equal(sum, await RunAsync(lab.Target, machine, "echo 3 > /proc/sys/vm/drop_caches; md5sum /data/big"));
        Assert.Equal("0", await RunAsync(lab.Target, machine, "awk 'NR != $1 { bad++ } END { print bad + 0 }' /data/log"));
        Assert.Equal("0", await RunAsync(lab.Target, machine, "dmesg | grep -c -i 'i/o error'; true"));
        string before = await RunAsync(lab.Target, machine, "wc -l < /data/log");
        Assert.NotEqual(before, await RunAsync(lab.Target, machine, $"while [ $(wc -l < /data/log) -eq {before} ]; do :; done; wc -l < /data/log"));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_QEMU_that_is_killed_while_disks_are_copied_leaves_the_machine_at_the_source_alone(bool killsSource)
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(await FilledAsync(lab));
        var slow = new MigrationOptions { WithStorage = true, MaxBandwidthPerSecond = ByteSize.FromKiB(64) };
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, slow, null, Token);
        await CopyingAsync(operation);
        var record = (killsSource ? lab.Source : lab.Target).Services.State.ReadProcess(machine.Id.ToString())!;
        using (var victim = LiveProcess.TryHold(new ProcessIdentity(record.Pid, record.StartTicks, record.BootId))!)
        {
            victim.Kill();
            await victim.Exited.WaitAsync(Token);
        }

        await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        if (killsSource)
            await lab.Source.Get<IHypervisor>().StartAsync(machine.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_withStorage, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));

        // It lay upon an image that the target does not need.
        await lab.Target.Get<IHypervisor>().StopAsync(machine.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        string disk = Path.Combine(lab.Target.Services.State.Path, "vms", machine.Id.ToString(), "disks", "disk0.qcow2");
        Assert.DoesNotContain("full.raw", await ImageToolAsync("info", disk), StringComparison.Ordinal);
        Assert.Contains("identical", await ImageToolAsync("compare", "-f", "raw", "-F", "qcow2", Path.Combine(lab.Lab.Images, "full.raw"), disk), StringComparison.Ordinal);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_move_that_is_cancelled_while_disks_are_copied_leaves_no_mirror_and_the_guest_where_it_was()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(await FilledAsync(lab));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, new MigrationOptions { WithStorage = true, MaxBandwidthPerSecond = ByteSize.FromKiB(64) }, null, Token);
        await CopyingAsync(operation);
        Assert.True(await operation.TryCancelAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token))).Code);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
        var (found, config) = lab.Source.Table.Require(machine.Id);
        Assert.Empty(await lab.Source.Table.AskAsync(found, config, async client => await client.QueryJobsAsync(Token), Token));
        Assert.DoesNotContain(await lab.Source.Table.AskAsync(found, config, async client => await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: Token), Token), node => node.NodeName!.StartsWith("hv-move", StringComparison.Ordinal));
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_withStorage, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_controller_that_ends_around_the_decision_leaves_a_machine_with_disks_running_once()
    {
        await MigrationLab.RunToDecisionAsync(_ => QemuLab.EmptySpec("disks"), s_withStorage, 0, false, targetFirst: true);
        await MigrationLab.RunToDecisionAsync(_ => QemuLab.EmptySpec("disks"), s_withStorage, 4, null, targetFirst: false);
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task A_controller_that_ends_at_any_point_of_a_move_with_disks_leaves_the_guest_running_once()
    {
        bool targetFirst = false;
        Assert.NotEqual(0, await CrashPoints.WalkAsync("move with disks", arm => MigrationLab.RunToPointAsync(_ => QemuLab.EmptySpec("disks"), s_withStorage, arm, null, targetFirst = !targetFirst)));
    }

    /// <summary>A machine with a disk that takes a while.</summary>
    private static async Task<VirtualMachineSpec> FilledAsync(MigrationLab lab)
    {
        string image = Path.Combine(lab.Lab.Images, "full.raw");
        byte[] content = new byte[4 << 20];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(image, content, Token);
        return QemuLab.EmptySpec("full", spec => spec.Disks[0].Content = new DiskContent.FromImage("full.raw"));
    }

    private static async Task<string> ImageToolAsync(params string[] arguments)
    {
        var start = new ProcessStartInfo(RealPeer.Program("qemu-img")) { RedirectStandardOutput = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        using var process = Process.Start(start)!;
        string output = await process.StandardOutput.ReadToEndAsync(Token);
        await process.WaitForExitAsync(Token);
        return output;
    }

    internal static async Task CopyingAsync(Operation operation)
    {
        await foreach (var progress in operation.WatchAsync(Token))
        {
            if (progress.Stage is { } stage && stage.StartsWith("disks:", StringComparison.Ordinal))
                return;
        }

        await operation.WaitAsync(Token);
        Assert.Fail("The move ended before its disks were copied.");
    }

    private static async Task<string> RunAsync(QemuBackend backend, Instance machine, string script)
    {
        var result = await backend.Get<ICommands>().RunAsync(machine.Id, new CommandSpec { Command = ["/bin/sh", "-c", script] }, default, Token);
        Assert.True(result.IsSuccess, Encoding.UTF8.GetString(result.Error.Span));
        return Encoding.UTF8.GetString(result.Output.Span).Trim();
    }
}
