using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Migration;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Guests that go on at the target before all of their memory has come there. QEMU has root's rights here, because the kernel gives userfaultfd to nobody else.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class MigrationPostCopyTests
{
    private const string LetGo = "let the guest go";

    /// <summary>Goes over at once, and then so slowly that it lasts until somebody ends it.</summary>
    private static readonly MigrationOptions s_slow = new() { PostCopyAfter = TimeSpan.Zero, MaxBandwidthPerSecond = ByteSize.FromKiB(8), MaxDowntime = TimeSpan.FromMilliseconds(1) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 240_000)]
    [InlineData(false)]
    [InlineData(true)]
    [Speed(SpeedAttribute.Full)]
    public async Task A_guest_that_writes_faster_than_memory_is_sent_moves_by_post_copy_alone_and_its_memory_is_right(bool isNewer)
    {
        var newer = isNewer ? await NewerQemu.GetAsync(Token) : null;
        await using var lab = await CreateAsync(configure: options => Use(newer, options));
        var machine = await lab.StartAsync(lab.Lab.Spec("writer"));
        await lab.Lab.WaitForConsoleAsync(machine.Id, GuestImage.Prompt);
        await lab.Source.WaitUntilReadyAsync(machine.Id, new ReadinessOptions { Conditions = [new ReadinessCondition.Custom("the agent answers", MigrationTests.AgentAnswersAsync)] }, Token);
        string sum = await QemuLab.ShellAsync(lab.Source, machine.Id, "dd if=/dev/urandom of=/tmp/kept bs=1M count=8 2>/dev/null; md5sum /tmp/kept");
        await QemuLab.ShellAsync(lab.Source, machine.Id, "dd if=/dev/urandom of=/tmp/from bs=1M count=6 2>/dev/null; (i=0; while :; do cp /tmp/from /tmp/to; i=$((i+1)); echo $i > /tmp/rounds; done) > /dev/null 2>&1 < /dev/null &");

        // By pre-copy it does not come to an end: after each pass there is more to send than may be while it stands still.
        var tight = new MigrationOptions { MaxBandwidthPerSecond = ByteSize.FromMiB(24), MaxDowntime = TimeSpan.FromMilliseconds(1) };
        var preCopy = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, tight, null, Token);
        await PassesAsync(lab.Source, machine, 2);
        Assert.True(await preCopy.TryCancelAsync(Token));
        await Assert.ThrowsAsync<HypervisorException>(() => preCopy.WaitAsync(Token));
        Assert.False(await lab.AssertLivesOnceAsync(machine));

        await lab.Source.Get<IMigration>().MigrateAsync(
            machine.Id, MigrationLab.To, new MigrationOptions { MaxBandwidthPerSecond = ByteSize.FromMiB(24), MaxDowntime = TimeSpan.FromMilliseconds(1), PostCopyAfter = TimeSpan.FromMilliseconds(200) }, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
        Assert.Equal(sum, await QemuLab.ShellAsync(lab.Target, machine.Id, "md5sum /tmp/kept"));
        string rounds = await QemuLab.ShellAsync(lab.Target, machine.Id, "cat /tmp/rounds");
        Assert.NotEqual(rounds, await QemuLab.ShellAsync(lab.Target, machine.Id, $"while [ \"$(cat /tmp/rounds)\" = '{rounds}' ]; do :; done; cat /tmp/rounds"));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_way_that_is_cut_in_post_copy_makes_the_guest_wait_and_another_one_is_made(bool byTcp)
    {
        await using var lab = await CreateAsync(configure: options => options.Migration.Address = byTcp ? System.Net.IPAddress.Loopback : null);
        var machine = await lab.StartAsync(lab.Shared("web"));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_slow, null, Token);
        await FollowingAsync(operation);
        var sender = lab.Source.Table.Get(machine.Id.ToString()).Supervision!.Reads;
        await sender.MigratePauseAsync(outOfBand: true, Token);
        await HurryAsync(lab, machine, operation);
        Assert.Contains("Migration paused", lab.Target.Table.ReadLogTail(machine.Id.ToString()), StringComparison.Ordinal);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_QEMU_that_is_killed_in_post_copy_is_the_end_of_the_guest_which_is_said_and_it_runs_nowhere(bool killsSource)
    {
        await using var lab = await CreateAsync();
        var machine = await lab.StartAsync(lab.Shared("web"));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_slow, null, Token);
        await FollowingAsync(operation);
        KillSeam.Kill(killsSource ? lab.Source : lab.Target, machine.Id);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        Assert.Contains("memory is lost", error.Message, StringComparison.Ordinal);
        Assert.Null(await lab.Source.Get<IHypervisor>().FindAsync(machine.Id, Token));
        Assert.Empty(ProcessIdentity.WithArgument("-uuid", machine.Incarnation.ToString()!));
        await lab.Target.Get<IHypervisor>().StartAsync(machine.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_target_that_is_killed_before_the_switch_costs_nothing_and_in_the_switch_the_memory_which_is_said()
    {
        var seam = new KillSeam();
        await using var lab = await CreateAsync(seam);
        var machine = await lab.StartAsync(lab.Shared("web"));
        seam.Arm("/moved", isAfter: true, lab.Target, machine.Id);
        await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_slow, null, Token).WaitForCompletionAsync(Token));
        Assert.True(seam.HasKilled);
        Assert.False(await lab.AssertLivesOnceAsync(machine));

        seam.Arm(LetGo, isAfter: false, lab.Target, machine.Id);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_slow, null, Token).WaitForCompletionAsync(Token));
        Assert.True(seam.HasKilled);
        Assert.Contains("is lost", error.Message, StringComparison.Ordinal);
        Assert.True(await IsAtSourceAloneAsync(lab, machine));
        Assert.Empty(ProcessIdentity.WithArgument("-uuid", machine.Incarnation.ToString()!));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_controller_that_ends_in_post_copy_leaves_a_guest_that_waits_and_another_move_to_there_goes_on_with_it(bool targetFirst)
    {
        var seam = new CrashSeam();
        await using var lab = await CreateAsync(seam);
        var machine = await lab.StartAsync(lab.Shared("web"));
        seam.Arm(LetGo);
        await Assert.ThrowsAsync<CrashException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_slow, null, Token).WaitForCompletionAsync(Token));
        seam.Crash();
        await lab.AbandonAsync();
        await lab.ConnectAsync(targetFirst: targetFirst);
        Assert.Equal(PowerState.Paused, (await lab.Source.Get<IHypervisor>().GetAsync(machine.Id, Token)).State);
        Assert.Null(await lab.Target.Get<IHypervisor>().FindAsync(machine.Id, Token));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IPausing>().ResumeAsync(machine.Id, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Unavailable, refused.Code);
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, null, null, Token);
        await FollowingAsync(operation);
        await HurryAsync(lab, machine, operation);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_way_between_two_processes_that_is_cut_in_post_copy_leaves_a_guest_that_waits_and_another_move_to_there_goes_on_with_it()
    {
        var way = new CutWay();
        await using var lab = await CreateAsync(way: way);
        var machine = await lab.StartAsync(lab.Shared("web"));
        way.Arm(MigrationWords.LetGo, isHeard: false);
        var cut = await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_slow, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.Unknown), (cut.Code, cut.Outcome));
        Assert.True(way.IsCut);
        way.Restore();
        Assert.Equal(PowerState.Paused, (await lab.Source.Get<IHypervisor>().GetAsync(machine.Id, Token)).State);
        Assert.Null(await lab.Target.Get<IHypervisor>().FindAsync(machine.Id, Token));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, null, null, Token);
        await FollowingAsync(operation);
        await HurryAsync(lab, machine, operation);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
        // And all the way over one that holds.
        await lab.Target.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.Back, new MigrationOptions { PostCopyAfter = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 180_000)]
    public async Task A_target_that_hangs_and_does_not_say_whether_it_has_all_is_waited_for_until_the_caller_waits_no_more()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(lab.Shared("web"));
        var (services, table, id) = (lab.Source.Services, lab.Source.Table, machine.Id.ToString());
        int pid = services.State.ReadProcess(id)!.Pid;
        await using var change = new MachineChange(services, table, await table.HoldAsync(id, TimeSpan.FromMinutes(1), Token), services.State.ReadJournal(id));
        await change.MonitorAsync(Token);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Signal(pid, "STOP");
        try
        {
            var waiting = MigrationPostCopy.AwaitRestAsync(change, isSenderGone: false, patience.Token);
            await patience.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(Token));
        }
        finally
        {
            Signal(pid, "CONT");
        }
    }

    [Fact(Timeout = 180_000)]
    public async Task Where_the_kernel_refuses_userfaultfd_to_the_user_of_QEMU_and_where_several_connections_carry_memory_post_copy_has_an_obstacle()
    {
        Assert.SkipWhen(await File.ReadAllTextAsync("/proc/sys/vm/unprivileged_userfaultfd", Token) != "0\n" || !RunUser.IsRoot, "The kernel gives userfaultfd to every user here, or these tests have no other user to give QEMU to.");
        await using var lab = await MigrationLab.CreateAsync(target: options => options.Migration.Channels = 4);
        var machine = await lab.StartAsync(lab.Shared("web"));
        var check = await lab.Source.Get<IMigration>().CheckAsync(machine.Id, MigrationLab.To, Token);
        Assert.Empty(check.Obstacles);
        Assert.Contains(check.PostCopyObstacles, text => text.Contains("Postcopy is not supported", StringComparison.Ordinal) && text.Contains("vm.unprivileged_userfaultfd", StringComparison.Ordinal));
        Assert.Contains(check.PostCopyObstacles, text => text.Contains("4 connections", StringComparison.Ordinal));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, s_slow, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal((ErrorCode.InvalidState, RequestOutcome.Rejected), (refused.Code, refused.Outcome));
        await Assert.ThrowsAsync<ArgumentException>(() => lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, new MigrationOptions { PostCopyAfter = TimeSpan.Zero, Live = false }, null, Token));
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, null, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    /// <summary>Both ends with a QEMU that has the rights of this process.</summary>
    private static async Task<MigrationLab> CreateAsync(DiskImages.IDurableSeam? seam = null, Action<QemuOptions>? configure = null, CutWay? way = null)
    {
        var options = new QemuOptions { StateDirectory = "/nowhere", Accelerator = QemuAccelerator.Tcg };
        configure?.Invoke(options);
        var host = await QemuHost.ProbeAsync(options, Token) with { RunAs = null, SetPriv = null };
        var lab = await MigrationLab.CreateAsync(seam, host, configure, configure, way: way);
        var offer = await MigrationOffer.AskAsync(lab.Source.Services, new State.MachineConfig { Id = "", Name = "", CreatedAt = default, Uuid = default, Cpus = 1, MemoryBytes = 0, Machine = new QemuMachine(), Boot = null! }, Token);
        if (offer.PostCopyProblem is { } problem)
        {
            await lab.DisposeAsync();
            Assert.Skip(problem);
        }

        return lab;
    }

    private static void Signal(int pid, string signal)
    {
        using var kill = System.Diagnostics.Process.Start("kill", ["-s", signal, pid.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        kill.WaitForExit();
        Assert.Equal(0, kill.ExitCode);
    }

    private static void Use(NewerQemu? newer, QemuOptions options)
    {
        if (newer is null)
            return;
        (options.QemuSystem, options.QemuImg) = (newer.SystemPath, newer.ImagePath);
        foreach (string firmware in newer.FirmwareDirectories)
            options.FirmwareDirectories.Add(firmware);
    }

    private static async Task<bool> IsAtSourceAloneAsync(MigrationLab lab, Instance machine) =>
        await lab.Target.Get<IHypervisor>().FindAsync(machine.Id, Token) is null && await lab.Source.Get<IHypervisor>().FindAsync(machine.Id, Token) is not null && CrashPoints.Names(lab.Target.Services.State.Path, "vms").Count == 0;

    private static async Task PassesAsync(QemuBackend source, Instance machine, long passes)
    {
        var reads = source.Table.Get(machine.Id.ToString()).Supervision!.Reads;
        await UntilAsync(async () => (await reads.QueryMigrateAsync(Token)).Ram?.DirtySyncCount > passes);
    }

    /// <summary>Lets the rest follow as fast as it goes, and waits until it has.</summary>
    private static async Task HurryAsync(MigrationLab lab, Instance machine, Operation operation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(TimeSpan.FromSeconds(120));
        var end = operation.WaitAsync(limit.Token);
        try
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            while (!end.IsCompleted && lab.Source.Table.Get(machine.Id.ToString()).Supervision is null)
                await timer.WaitForNextTickAsync(limit.Token);
            if (lab.Source.Table.Get(machine.Id.ToString()).Supervision is { } watched)
                await watched.Reads.MigrateSetParametersAsync(new MigrateSetParameters { MaxPostcopyBandwidth = 0 }, limit.Token);
        }
        catch (BackendConnectionException)
        {
            // All has come already, and the source's QEMU has ended.
        }

        try
        {
            await end;
        }
        catch (OperationCanceledException) when (!Token.IsCancellationRequested)
        {
            string source = await StatusAsync(lab.Source, machine), target = await StatusAsync(lab.Target, machine);
            Assert.Fail($"It does not come to an end, last at '{(await operation.GetProgressAsync(Token)).Stage}': the source's QEMU says {source}, the target's {target}.");
        }
    }

    private static async Task<string> StatusAsync(QemuBackend backend, Instance machine)
    {
        try
        {
            return backend.Table.Get(machine.Id.ToString()).Supervision is { } watched ? $"{(await watched.Reads.WithTimeout(TimeSpan.FromSeconds(5)).QueryMigrateAsync(Token)).Status}" : "nothing, unwatched";
        }
        catch (HypervisorException error)
        {
            return error.Message;
        }
    }

    private static async Task FollowingAsync(Operation operation)
    {
        await foreach (var progress in operation.WatchAsync(Token))
        {
            if (progress.Stage is { } stage && stage.StartsWith("memory that follows:", StringComparison.Ordinal))
                return;
        }

        await operation.WaitAsync(Token);
        Assert.Fail("The move ended before memory followed.");
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await condition())
            Assert.True(await timer.WaitForNextTickAsync(Token));
    }
}
