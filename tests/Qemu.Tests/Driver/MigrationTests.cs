using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Guests that move between two backends while they run, and live exactly once whatever happens.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed partial class MigrationTests
{
    /// <summary>So slow that a move lasts until somebody ends it.</summary>
    internal static readonly MigrationOptions Slow = new() { MaxBandwidthPerSecond = ByteSize.FromKiB(8), MaxDowntime = TimeSpan.FromMilliseconds(1) };

    private const string Counter = "(i=0; while :; do i=$((i+1)); echo \"count $i.\"; echo $i > /data/count; done) > /dev/ttyS0 2>&1 < /dev/null &";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    [Feature("MIG-01")]
    public async Task A_guest_moves_to_a_named_backend_while_it_counts_and_no_number_is_missing_or_said_twice()
    {
        await using var lab = await MigrationLab.CreateAsync();
        string disk = Path.Combine(lab.Lab.Images, "shared.raw");
        await File.WriteAllBytesAsync(disk, new byte[8 << 20], Token);
        // QEMU runs as another user when the tests are run by root.
        File.SetUnixFileMode(disk, (UnixFileMode)0b110_110_110);
        var machine = await lab.StartAsync(lab.Lab.Spec("counter", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(disk, "raw")) })));
        await lab.Lab.WaitForConsoleAsync(machine.Id, GuestImage.Prompt);
        await using var before = new FileStream(ConsoleOf(lab.Source, machine), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        await lab.Source.WaitUntilReadyAsync(machine.Id, new ReadinessOptions { Conditions = [new ReadinessCondition.Custom("the agent answers", AgentAnswersAsync)] }, Token);
        // By its agent: a line that is typed while the machine is busy can be lost.
        var begun = await lab.Source.Get<ICommands>().RunAsync(machine.Id, new CommandSpec { Command = ["/bin/sh", "-c", Counter] }, default, Token);
        Assert.True(begun.IsSuccess, Encoding.UTF8.GetString(begun.Error.Span));
        await WaitAsync(() => ReadAsync(before), text => text.Contains("count 50.", StringComparison.Ordinal));

        var check = await lab.Source.Get<IMigration>().CheckAsync(machine.Id, MigrationLab.To, Token);
        Assert.Empty(check.Obstacles);
        var moved = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, new MigrationOptions { MaxDowntime = TimeSpan.FromSeconds(2) }, null, Token).WaitForCompletionAsync(Token);

        Assert.Equal(PowerState.Running, moved.State);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
        string first = await ReadAsync(before);
        int last = Counts(first)[^1];
        string after = await WaitAsync(() => File.ReadAllTextAsync(ConsoleOf(lab.Target, machine), Token), text => Counts(text) is { Count: > 0 } counts && counts[^1] > last + 50);
        Assert.Equal(first, await ReadAsync(before));
        var counts = Counts(first + after);
        Assert.Equal(Enumerable.Range(1, counts.Count), counts);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_move_says_how_far_it_is_and_is_cancelled_so_that_the_guest_goes_on_where_it_was_and_moves_later()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(lab.Shared("web"));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, Slow, null, Token);
        await UnderWayAsync(operation);
        Assert.Null(await lab.Target.Get<IHypervisor>().FindAsync(machine.Id, Token));
        Assert.True(await operation.TryCancelAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token))).Code);
        Assert.False(await lab.AssertLivesOnceAsync(machine));

        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, null, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_QEMU_that_is_killed_while_memory_is_sent_leaves_the_machine_at_the_source_alone(bool killsSource)
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(lab.Shared("web"));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, Slow, null, Token);
        await UnderWayAsync(operation);
        var record = (killsSource ? lab.Source : lab.Target).Services.State.ReadProcess(machine.Id.ToString())!;
        using (var victim = LiveProcess.TryHold(new ProcessIdentity(record.Pid, record.StartTicks, record.BootId))!)
        {
            victim.Kill();
            await victim.Exited.WaitAsync(Token);
        }

        await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        if (!killsSource)
        {
            Assert.False(await lab.AssertLivesOnceAsync(machine));
            return;
        }

        Assert.Null(await lab.Target.Get<IHypervisor>().FindAsync(machine.Id, Token));
        Assert.Empty(CrashPoints.Names(lab.Target.Services.State.Path, "vms"));
        Assert.Empty(ProcessIdentity.WithArgument("-uuid", machine.Incarnation.ToString()!));
        await lab.Source.Get<IHypervisor>().StartAsync(machine.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_move_that_is_asked_for_again_by_its_request_is_the_one_that_was_done()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(lab.Shared("web"));
        var request = new RequestOptions { RequestId = RequestId.New() };
        var migration = lab.Source.Get<IMigration>();
        var moves = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() => migration.MigrateAsync(machine.Id, MigrationLab.To, null, request, Token).WaitForCompletionAsync(Token), Token)));
        Assert.All(moves, moved => Assert.Equal((machine.Incarnation, PowerState.Running), (moved.Incarnation, moved.State)));
        Assert.Equal(machine.Incarnation, (await migration.MigrateAsync(machine.Id, MigrationLab.To, null, request, Token).WaitForCompletionAsync(Token)).Incarnation);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
        // By a request of its own it is not there to be moved.
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => migration.MigrateAsync(machine.Id, MigrationLab.To, null, null, Token))).Code);
        await lab.Target.Get<IHypervisor>().DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.Contains("no longer there", (await Assert.ThrowsAsync<HypervisorException>(() => migration.MigrateAsync(machine.Id, MigrationLab.To, null, request, Token))).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 180_000)]
    [Feature("MIG-04")]
    public async Task A_check_names_the_processor_and_every_other_obstacle_before_anything_begins()
    {
        await using var lab = await MigrationLab.CreateAsync(target: options =>
        {
            options.Architectures.Add(new QemuArchitecture { Name = "x86_64", Program = "no-such-qemu", MachineType = "pc", CpuModel = "max", IsPc = true });
            options.ImageDirectories.Clear();
        });
        var migration = lab.Source.Get<IMigration>();
        var machine = await lab.Source.Get<IHypervisor>().CreateAsync(
            lab.Lab.Spec("web", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) })), null, Token).WaitForCompletionAsync(Token);
        await lab.Target.Get<IHypervisor>().List().GetPageAsync(null, 1, Token);

        var obstacles = (await migration.CheckAsync(machine.Id, MigrationLab.To, Token)).Obstacles;
        Assert.Contains(obstacles, text => text.Contains("architecture", StringComparison.Ordinal) && text.Contains("no-such-qemu", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("boot image", StringComparison.Ordinal));
        Assert.Contains(obstacles, text => text.Contains("Stopped", StringComparison.OrdinalIgnoreCase));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => migration.MigrateAsync(machine.Id, MigrationLab.To, null, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal((ErrorCode.InvalidState, RequestOutcome.Rejected), (refused.Code, refused.Outcome));
        Assert.Contains("own directory", refused.Message, StringComparison.Ordinal);
        Assert.Empty(CrashPoints.Names(lab.Target.Services.State.Path, "vms"));
        Assert.Single((await migration.CheckAsync(machine.Id, new MigrationTarget { Backend = BackendName.Parse("nowhere") }, Token)).Obstacles, text => text.Contains("nowhere", StringComparison.Ordinal));
    }

    [Fact(Timeout = 240_000)]
    public async Task A_machine_of_a_stated_version_moves_to_a_newer_QEMU_and_none_to_an_older_one()
    {
        var newer = await NewerQemu.GetAsync(Token);
        await using var lab = await MigrationLab.CreateAsync(isTargetOther: true, target: options =>
        {
            (options.QemuSystem, options.QemuImg) = (newer.SystemPath, newer.ImagePath);
            foreach (string firmware in newer.FirmwareDirectories)
                options.FirmwareDirectories.Add(firmware);
        });
        var migration = lab.Source.Get<IMigration>();
        var unstated = await lab.StartAsync(lab.Shared("unstated"));
        Assert.Contains("states its version", Assert.Single((await migration.CheckAsync(unstated.Id, MigrationLab.To, Token)).Obstacles), StringComparison.Ordinal);
        await lab.Source.Get<IHypervisor>().DeleteAsync(unstated.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);

        var spec = lab.Shared("stated");
        spec.Extensions.Set(new QemuMachine { Graphics = false, Type = "pc-i440fx-7.2" });
        var stated = await lab.StartAsync(spec);
        await migration.MigrateAsync(stated.Id, MigrationLab.To, null, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(stated));
        Assert.Contains((await lab.Target.Get<IMigration>().CheckAsync(stated.Id, MigrationLab.Back, Token)).Obstacles, text => text.Contains("older", StringComparison.Ordinal));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_controller_that_ends_around_the_decision_leaves_the_guest_running_once()
    {
        await MigrationLab.RunToDecisionAsync(lab => lab.Shared("web"), null, 0, false, targetFirst: true);
        await MigrationLab.RunToDecisionAsync(lab => lab.Shared("web"), null, 4, null, targetFirst: false);
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task A_controller_that_ends_at_any_point_of_a_move_leaves_the_guest_running_once()
    {
        bool targetFirst = false;
        int points = await CrashPoints.WalkAsync("move", arm => MigrationLab.RunToPointAsync(lab => lab.Shared("web"), null, arm, null, targetFirst = !targetFirst));
        Assert.True(points > 25, $"{points} points");
    }

    internal static async ValueTask<bool> AgentAnswersAsync(IBackend backend, Instance instance, CancellationToken cancellationToken)
    {
        try
        {
            return (await backend.Get<IGuestAgent>().GetInfoAsync(instance.Id, cancellationToken)).Agent.Length > 0;
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Unavailable || error.Code == ErrorCode.Timeout)
        {
            return false;
        }
    }

    internal static async Task UnderWayAsync(Operation operation)
    {
        await foreach (var progress in operation.WatchAsync(Token))
        {
            if (progress.Stage is { } stage && stage.StartsWith("memory:", StringComparison.Ordinal))
            {
                Assert.Contains("to stand still", stage, StringComparison.Ordinal);
                return;
            }
        }

        await operation.WaitAsync(Token);
        Assert.Fail("The move ended before it was under way.");
    }

    private static string ConsoleOf(QemuBackend backend, Instance machine) => Path.Combine(backend.Services.State.Path, "vms", machine.Id.ToString(), "console.log");

    private static async Task<string> ReadAsync(FileStream file)
    {
        file.Position = 0;
        using var copy = new MemoryStream();
        await file.CopyToAsync(copy, Token);
        return Encoding.UTF8.GetString(copy.ToArray());
    }

    private static async Task<string> WaitAsync(Func<Task<string>> read, Func<string, bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        string text;
        while (!condition(text = await read()))
            Assert.True(await timer.WaitForNextTickAsync(Token));
        return text;
    }

    private static List<int> Counts(string text) => [.. CountPattern().Matches(text).Select(match => int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture))];

    [GeneratedRegex(@"count (\d+)\.")]
    private static partial Regex CountPattern();
}
