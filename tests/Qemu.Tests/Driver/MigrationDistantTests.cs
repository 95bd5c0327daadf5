using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Migration;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Guests that move between backends that see nothing of each other but what they say: over a way that is cut at any word, and with either of them ended at any point.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class MigrationDistantTests
{
    private const string LetGo = "let the guest go";

    private static readonly MigrationOptions s_withStorage = new() { WithStorage = true, MaxDowntime = TimeSpan.FromSeconds(2) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task A_way_that_is_cut_around_the_decision_leaves_the_guest_running_once()
    {
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay());
        var machine = await lab.StartAsync(QemuLab.EmptySpec("disks"));
        (string Word, bool IsHeard, bool? IsThere)[] cuts =
        [
            (MigrationWords.Prepare, true, false), (MigrationWords.Await, true, false), (MigrationWords.CloseDisks, false, false), (MigrationWords.LetGo, false, true), (MigrationWords.LetGo, true, true), (MigrationWords.Take, true, true),
        ];
        foreach (var (word, isHeard, isThere) in cuts)
            Assert.Equal(isThere, await MoveOverCutWayAsync(lab, machine, word, isHeard));
    }

    [Fact(Timeout = 900_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task A_way_that_is_cut_at_any_word_of_a_move_leaves_the_guest_running_once()
    {
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay());
        var machine = await lab.StartAsync(QemuLab.EmptySpec("disks"));
        await MoveAsync(lab.Source, machine, MigrationLab.To);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
        var words = lab.Way!.Words;
        string[] all =
        [
            MigrationWords.FindWaiting, MigrationWords.Ask, MigrationWords.Hold, MigrationWords.Prepare, MigrationWords.ListenForDisks, MigrationWords.Listen, MigrationWords.Await, MigrationWords.CloseDisks,
            MigrationWords.LetGo, MigrationWords.Take, MigrationWords.View,
        ];
        // What is asked again and again is asked as often as it takes, and may not be asked at all.
        Assert.Equal(all.Order(StringComparer.Ordinal), words.Except([MigrationWords.HasCome, MigrationWords.IsUp]).Order(StringComparer.Ordinal));
        await MoveAsync(lab.Target, machine, MigrationLab.Back);
        foreach (string word in all)
        {
            foreach (bool isHeard in (bool[])[false, true])
            {
                bool isThere = await MoveOverCutWayAsync(lab, machine, word, isHeard);
                // What was given before the cut arrives, and nothing else.
                Assert.Equal(word is MigrationWords.LetGo or MigrationWords.Take or MigrationWords.View, isThere);
            }
        }
    }

    [Theory(Timeout = 240_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Both_ends_that_die_around_the_decision_leave_the_guest_running_once_whichever_comes_back_first(bool targetFirst)
    {
        await MigrationLab.RunToDecisionAsync(lab => lab.Shared("web"), null, 0, false, targetFirst, isDistant: true);
        await MigrationLab.RunToDecisionAsync(lab => lab.Shared("web"), null, 4, true, targetFirst, isDistant: true);
    }

    [Fact(Timeout = 1_800_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task Both_ends_that_die_at_any_point_of_a_move_leave_the_guest_running_once()
    {
        bool targetFirst = false;
        Assert.NotEqual(0, await CrashPoints.WalkAsync("move between processes", arm => MigrationLab.RunToPointAsync(_ => QemuLab.EmptySpec("disks"), s_withStorage, arm, null, targetFirst = !targetFirst, isDistant: true)));
    }

    [Theory(Timeout = 240_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_end_that_dies_after_the_decision_finds_the_guest_given_when_it_comes_back(bool isTarget)
    {
        var seam = new CrashSeam();
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay());
        var machine = await lab.StartAsync(lab.Shared("web"));
        await lab.ReconnectAsync(isTarget, seam);
        seam.Arm(isTarget ? LetGo : "trash/", after: isTarget ? null : MigrationLab.Decision);
        await DieAsync(lab, machine, isTarget, seam);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Theory(Timeout = 240_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_end_that_dies_before_the_decision_finds_the_guest_running_at_the_source(bool isTarget)
    {
        var seam = new CrashSeam();
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay());
        var machine = await lab.StartAsync(lab.Shared("web"));
        await lab.ReconnectAsync(isTarget, seam);
        seam.Arm(isTarget ? "process.json" : MigrationLab.Decision);
        await DieAsync(lab, machine, isTarget, seam);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 240_000)]
    public async Task A_target_that_asks_in_the_moment_before_the_decision_is_told_nothing_and_keeps_what_came()
    {
        var way = new CutWay();
        var moment = new MomentSeam(MigrationLab.Decision);
        await using var lab = await MigrationLab.CreateAsync(way: way);
        var machine = await lab.StartAsync(lab.Shared("web"));
        await lab.ReconnectAsync(isTarget: false, moment);
        moment.Act = () =>
        {
            way.Cut();
            way.Restore();
            // Who asks again was not told anything by which it could have dropped the machine.
            Assert.True(SpinWait.SpinUntil(() => way.CountOf(MigrationWords.Judge) > 2, TimeSpan.FromSeconds(60)), "The target asks no more.");
        };
        var unknown = await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(lab.Source, machine, MigrationLab.To));
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.Unknown), (unknown.Code, unknown.Outcome));
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_way_on_which_no_answer_comes_to_what_is_not_given_up_is_lost()
    {
        var time = new ManualTimeProvider();
        var (own, other) = Remote.BackendChannel.CreatePair();
        await using (other)
        {
            await using var target = new DistantMigrationTarget("there", "vm-x", null!, own, time);
            var letting = target.LetGoAsync();
            await other.Input.ReadAsync(Token);
            // The wait begins when what was sent has gone.
            Assert.True(SpinWait.SpinUntil(() => { time.Advance(TimeSpan.FromMinutes(3)); return letting.IsCompleted; }, TimeSpan.FromSeconds(30)));
            var lost = await Assert.ThrowsAsync<BackendConnectionException>(() => letting);
            Assert.Equal((RequestOutcome.Unknown, true), (lost.Outcome, target.IsLost));
        }
    }

    [Fact(Timeout = 240_000)]
    public async Task A_target_that_ends_while_its_way_is_cut_gives_the_guest_back_that_has_not_run_there()
    {
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay());
        var machine = await lab.StartAsync(lab.Shared("web"));
        lab.Way!.Arm(MigrationWords.LetGo, isHeard: false);
        await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(lab.Source, machine, MigrationLab.To));
        Assert.True(lab.Way.IsCut);
        KillSeam.Kill(lab.Target, machine.Id);
        // It was given and does not know whether it arrived: it stands still and is not to be changed.
        Assert.Equal(PowerState.Paused, (await lab.Source.Get<IHypervisor>().GetAsync(machine.Id, Token)).State);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IPausing>().ResumeAsync(machine.Id, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Unavailable, refused.Code);
        lab.Way.Restore();
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 240_000)]
    public async Task A_target_that_cannot_ask_is_told_by_the_next_move_what_became_of_the_last()
    {
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay(), target: options => options.FindBackend = null);
        var machine = await lab.StartAsync(lab.Shared("web"));
        lab.Way!.Arm(MigrationWords.Await, isHeard: true);
        await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(lab.Source, machine, MigrationLab.To));
        lab.Way.Restore();
        await MoveAsync(lab.Source, machine, MigrationLab.To);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 240_000)]
    public async Task A_machine_is_not_taken_for_arrived_by_another_directory_of_the_same_name()
    {
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay());
        var machine = await lab.StartAsync(lab.Shared("web"));
        lab.Way!.Arm(MigrationWords.LetGo, isHeard: false);
        await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(lab.Source, machine, MigrationLab.To));
        await lab.ReconnectAsync(isTarget: true, null, options => (options.StateDirectory, options.RuntimeDirectory) = (lab.Lab["another"], lab.Lab["ra"]));
        lab.Way.Restore();
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => lab.Source.Get<IHypervisor>().DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Unavailable, refused.Code);
        await lab.ReconnectAsync(isTarget: true, null);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 240_000)]
    public async Task A_move_over_a_way_says_what_stands_in_the_way_there_is_cancelled_and_moves_later()
    {
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay());
        await lab.Target.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("taken"), null, Token).WaitForCompletionAsync(Token);
        var taken = await lab.StartAsync(lab.Shared("taken"));
        Assert.Contains("of the name 'taken' already", Assert.Single((await lab.Source.Get<IMigration>().CheckAsync(taken.Id, MigrationLab.To, Token)).Obstacles), StringComparison.Ordinal);
        await lab.Source.Get<IHypervisor>().DeleteAsync(taken.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);

        var machine = await lab.StartAsync(lab.Shared("web"));
        var operation = await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, MigrationTests.Slow, null, Token);
        await MigrationTests.UnderWayAsync(operation);
        Assert.True(await operation.TryCancelAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token))).Code);
        await lab.Target.Get<IHypervisor>().DeleteAsync((await lab.Target.Get<IHypervisor>().List().ToListAsync(Token)).Single().Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
        await MoveAsync(lab.Source, machine, MigrationLab.To);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 240_000)]
    public async Task A_machine_that_nobody_could_have_made_there_is_refused_whoever_sends_it()
    {
        await using var lab = await MigrationLab.CreateAsync(way: new CutWay());
        var machine = await lab.StartAsync(lab.Shared("web"));
        var config = lab.Source.Services.State.ReadConfig(machine.Id.ToString())!;
        var program = config.EffectivePlatform with { Program = "/bin/sh" };
        lab.Source.Services.State.WriteConfig(config with { Platform = program });
        lab.Source.Table.Get(config.Id).Forget();
        Assert.Contains("'/bin/sh'", Assert.Single((await lab.Source.Get<IMigration>().CheckAsync(machine.Id, MigrationLab.To, Token)).Obstacles), StringComparison.Ordinal);

        // And without having asked.
        var peer = new DistantMigrationPeer(MigrationLab.There, lab.Way!.To(() => lab.Target).Get<Remote.IBackendChannels>(), TimeProvider.System);
        var incoming = new IncomingMachine { Migration = Guid.NewGuid(), Source = "local", SourceIdentity = lab.Source.Services.State.Identity(), RunAfter = true };
        (string Said, State.MachineConfig Config)[] foreign =
        [
            ("'/bin/sh'", config with { Platform = program, Incoming = incoming }),
            ("'/etc/shadow'", config with { Nvram = new State.NvramConfig { Firmware = "/etc/shadow", Template = "/etc/shadow", SizeBytes = 1 << 20 }, Incoming = incoming }),
            ("'disk0'", config with { Disks = [config.Disks[0] with { ExternalPath = "/no/such/disk" }], Incoming = incoming }),
            ("machine type", config with { Machine = new QemuMachine { Type = "pc,dumpdtb=/tmp/x" }, Incoming = incoming }),
            ("devices of a host", config with { HostDevices = [new State.HostDeviceConfig { Id = "hv-host0", Address = "0000:01:00.0" }], Incoming = incoming }),
            ("from where", config with { Incoming = incoming with { SourceState = "/" } }),
            ("from where", config with { Id = Machines.MachineIds.Of(RequestId.New()), Incoming = incoming }),
        ];
        foreach (var (said, sent) in foreign)
        {
            await using var target = await peer.HoldAsync(config.Id, Token);
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => target.PrepareAsync(new MigrationArrival { Config = sent, Request = RequestId.New().ToString() }, Token));
            Assert.Equal(RequestOutcome.Rejected, refused.Outcome);
            Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        }

        // Nor is anybody led to a socket of a machine that does not come.
        var channels = lab.Target.Get<Remote.IBackendChannels>();
        foreach (string greeting in (string[])["", "{}", $$"""{"id":"{{machine.Id}}","name":"migrate.sock"}""", """{"id":"../x","name":"migrate.sock"}""", $$"""{"id":"{{machine.Id}}","name":"changes.sock"}"""])
            Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => channels.OpenAsync(MigrationWords.Bytes, System.Text.Encoding.UTF8.GetBytes(greeting), Token))).Code);
        lab.Source.Services.State.WriteConfig(config);
        lab.Source.Table.Get(config.Id).Forget();
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    /// <summary>Moves a machine from the source over a way that is cut at a word, makes the way anew, looks that it lives once, and brings it back when it has gone.</summary>
    /// <returns>Whether it had.</returns>
    private static async Task<bool> MoveOverCutWayAsync(MigrationLab lab, Instance machine, string word, bool isHeard)
    {
        lab.Way!.Arm(word, isHeard);
        try
        {
            await MoveAsync(lab.Source, machine, MigrationLab.To);
        }
        catch (HypervisorException)
        {
            // What became of it is looked at.
        }

        Assert.True(lab.Way.IsCut, word);
        lab.Way.Restore();
        bool isThere = await lab.AssertLivesOnceAsync(machine);
        if (isThere)
        {
            await MoveAsync(lab.Target, machine, MigrationLab.Back);
            Assert.False(await lab.AssertLivesOnceAsync(machine));
        }

        return isThere;
    }

    private static async Task DieAsync(MigrationLab lab, Instance machine, bool isTarget, CrashSeam seam)
    {
        Exception? failure = null;
        try
        {
            await MoveAsync(lab.Source, machine, MigrationLab.To);
        }
        catch (Exception error) when (error is HypervisorException or CrashException)
        {
            failure = error;
        }

        Assert.True(seam.HasCrashed);
        Assert.NotNull(failure);
        await lab.ReconnectAsync(isTarget, null);
    }

    private static async Task MoveAsync(QemuBackend from, Instance machine, MigrationTarget to) =>
        await from.Get<IMigration>().MigrateAsync(machine.Id, to, s_withStorage, null, Token).WaitForCompletionAsync(Token);

    /// <summary>Does something once, in the moment before an effect.</summary>
    private sealed class MomentSeam(string effect) : DiskImages.IDurableSeam
    {
        private int _isOver;

        public Action? Act { get; set; }

        public void Before(string next)
        {
            if (Act is { } act && next.Contains(effect, StringComparison.Ordinal) && Interlocked.Exchange(ref _isOver, 1) == 0)
                act();
        }

        public void After(string last)
        {
        }
    }
}
