using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Migration;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>QEMUs that are killed around the moment at which a machine goes from one host to the other.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class MigrationKillTests
{
    private const string SwitchOver = "let the guest switch over";
    private const string LetGo = "let the guest go";

    private static readonly MigrationOptions s_withStorage = new() { WithStorage = true, MaxDowntime = TimeSpan.FromSeconds(2) };

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    public async Task A_target_that_is_killed_before_the_guest_ran_there_leaves_it_running_at_the_source_whatever_was_decided()
    {
        var seam = new KillSeam();
        await using var lab = await MigrationLab.CreateAsync(seam);
        var machine = await lab.StartAsync(QemuLab.EmptySpec("disks"));
        foreach (var (effect, isAfter) in ((string, bool)[])[("send the guest", true), (SwitchOver, false), (SwitchOver, true), (MigrationLab.Decision, false), (MigrationLab.Decision, true), (LetGo, false)])
        {
            seam.Arm(effect, isAfter, lab.Target, machine.Id);
            await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(lab.Source, machine, MigrationLab.To));
            Assert.True(seam.HasKilled, effect);
            Assert.False(await lab.AssertLivesOnceAsync(machine), effect);
        }

        await MoveAsync(lab.Source, machine, MigrationLab.To);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact(Timeout = 240_000)]
    public async Task A_target_that_is_killed_when_the_guest_runs_there_is_a_crash_there_and_the_source_has_nothing()
    {
        var seam = new KillSeam();
        await using var lab = await MigrationLab.CreateAsync(seam);
        var machine = await lab.StartAsync(lab.Shared("web"));
        seam.Arm(LetGo, isAfter: true, lab.Target, machine.Id);
        try
        {
            await MoveAsync(lab.Source, machine, MigrationLab.To);
        }
        catch (HypervisorException error)
        {
            Assert.Contains("has moved", error.Message, StringComparison.Ordinal);
        }

        Assert.True(seam.HasKilled);
        await AssertCrashedThereAsync(lab, machine);
    }

    [Fact(Timeout = 240_000)]
    public async Task A_source_that_is_killed_when_all_of_the_guest_has_left_it_leaves_it_running_at_the_target()
    {
        var seam = new KillSeam();
        await using var lab = await MigrationLab.CreateAsync(seam);
        var machine = await lab.StartAsync(QemuLab.EmptySpec("disks"));
        // It has no part in the decision, nor in what follows.
        seam.Arm(MigrationLab.Decision, isAfter: false, lab.Source, machine.Id);
        await MoveAsync(lab.Source, machine, MigrationLab.To);
        Assert.True(seam.HasKilled);
        Assert.True(await lab.AssertLivesOnceAsync(machine));

        seam.Arm(LetGo, isAfter: false, lab.Target, machine.Id);
        await MoveAsync(lab.Target, machine, MigrationLab.Back);
        Assert.True(seam.HasKilled);
        Assert.False(await lab.AssertLivesOnceAsync(machine));

        // What it knows is lost with it while it holds the guest.
        seam.Arm(SwitchOver, isAfter: false, lab.Source, machine.Id);
        await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(lab.Source, machine, MigrationLab.To));
        Assert.Null(await lab.Target.Get<IHypervisor>().FindAsync(machine.Id, Token));
        Assert.Empty(ProcessIdentity.WithArgument("-uuid", machine.Incarnation.ToString()!));
        await lab.Source.Get<IHypervisor>().StartAsync(machine.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.False(await lab.AssertLivesOnceAsync(machine));
    }

    [Theory(Timeout = 180_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_controller_and_a_target_that_both_end_after_the_decision_leave_the_guest_running_at_the_source(bool targetFirst)
    {
        var (lab, machine) = await MigrationLab.RunToDoubleFailureAsync(LetGo, targetFirst);
        await using (lab)
        {
            // Whoever was connected first hears of the other.
            using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
            while (await lab.Source.Get<IHypervisor>().FindAsync(machine.Id, Token) is not { State: var state } || state != PowerState.Running)
                Assert.True(await timer.WaitForNextTickAsync(Token));
            Assert.False(await lab.AssertLivesOnceAsync(machine));
        }
    }

    [Fact(Timeout = 180_000)]
    public async Task A_controller_and_a_target_that_both_end_when_the_guest_has_run_there_leave_nothing_that_runs_at_the_source()
    {
        // The first effect after the guest was let go.
        var (lab, machine) = await MigrationLab.RunToDoubleFailureAsync("config.json", targetFirst: false, after: LetGo);
        await using (lab)
            await AssertCrashedThereAsync(lab, machine);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_source_stands_still_and_is_not_to_be_changed_until_the_target_that_it_was_given_to_is_heard_of()
    {
        var seam = new CrashSeam();
        await using var lab = await MigrationLab.CreateAsync(seam);
        var machine = await lab.StartAsync(lab.Shared("web"));
        seam.Arm(LetGo);
        await Assert.ThrowsAsync<CrashException>(() => MoveAsync(lab.Source, machine, MigrationLab.To));
        seam.Crash();
        await lab.AbandonAsync();
        string there = lab.Lab["there"], away = lab.Lab["away"];
        Directory.Move(there, away);
        await using (var source = await lab.Lab.ConnectAsync())
        {
            Assert.Equal(PowerState.Paused, (await source.Get<IHypervisor>().GetAsync(machine.Id, Token)).State);
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => source.Get<IHypervisor>().DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token));
            Assert.Equal(ErrorCode.Unavailable, refused.Code);
        }

        Directory.Move(away, there);
        await lab.ConnectAsync();
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    [Fact]
    public void Only_a_log_that_speaks_of_run_states_and_never_of_running_proves_that_a_guest_did_not_run()
    {
        const string Waits = "qemu: a warning\nrunstate_set current_run_state 6 (prelaunch) new_state 1 (inmigrate)\n";
        const string Came = Waits + "4711@1700000000.1:runstate_set current_run_state 1 (inmigrate) new_state 4 (paused)\n";
        Assert.Null(MigrationWitness.HasRun(""));
        Assert.Null(MigrationWitness.HasRun("running\n"));
        Assert.False(MigrationWitness.HasRun("handle_qmp_command mon 0x56 req: {}\n"));
        Assert.False(MigrationWitness.HasRun(Waits));
        Assert.False(MigrationWitness.HasRun(Came));
        Assert.True(MigrationWitness.HasRun(Came + "runstate_set current_run_state 4 (paused) new_state 9 (running)\n"));
    }

    private static async Task AssertCrashedThereAsync(MigrationLab lab, Instance machine)
    {
        // Whoever was connected first hears of the other in the background.
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (await lab.Source.Get<IHypervisor>().FindAsync(machine.Id, Token) is not null || await lab.Target.Get<IHypervisor>().FindAsync(machine.Id, Token) is not { } there || there.State == PowerState.Running
            || ProcessIdentity.WithArgument("-uuid", machine.Incarnation.ToString()!).Any())
            Assert.True(await timer.WaitForNextTickAsync(Token));
        await lab.Target.Get<IHypervisor>().StartAsync(machine.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.True(await lab.AssertLivesOnceAsync(machine));
    }

    private static async Task MoveAsync(QemuBackend from, Instance machine, MigrationTarget to) =>
        await from.Get<IMigration>().MigrateAsync(machine.Id, to, s_withStorage, null, Token).WaitForCompletionAsync(Token);
}
