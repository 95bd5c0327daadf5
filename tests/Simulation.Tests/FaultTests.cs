namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Everything that can break, each seen by the caller and in the trace.</summary>
public sealed class FaultTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_crashed_node_takes_its_machines_along_is_named_by_lists_and_returns()
    {
        await using var dc = TwoNodes();
        var vm = await dc.MakeRunningAsync("web1");
        dc.Faults.Crash("pve1").For(TimeSpan.FromMinutes(5)).Now();
        var page = await dc.Hypervisor().List().GetPageAsync(null, 10, Token);
        Assert.Empty(page.Items);
        Assert.Equal(ErrorCode.Unavailable, Assert.Single(page.Unreachable).Code);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().StartAsync(vm.Id, cancellationToken: Token));
        Assert.Equal(ErrorCode.Unavailable, error.Code);
        Assert.Contains("pve1", error.Message, StringComparison.Ordinal);
        Assert.False((await dc.Backend.Get<INodes>().ListAsync(Token).ToListAsync(Token)).Single(node => node.Name.ToString() == "pve1").IsOnline);
        dc.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(PowerState.Stopped, (await dc.Hypervisor().GetAsync(vm.Id, Token)).State);
        Assert.Equal(0, dc.World.Nodes["pve1"].UsedMemoryBytes);
        AssertTraced(dc, "fault", "pve1", "crash");
        AssertTraced(dc, "fault-end", "pve1", "crash");
        Assert.Equal(PowerState.Running, (await dc.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync(Token)).State);
    }

    [Fact(Timeout = 60_000)]
    public async Task Work_on_a_node_that_crashes_fails_midway()
    {
        await using var dc = new SimulatedDatacenter(o => { o.Pace = SimulationPace.Stepped; o.AddNode("pve1"); });
        var operation = await dc.Hypervisor().CreateAsync(Machines.Spec("half"), cancellationToken: Token);
        dc.Faults.Crash("pve1").Now();
        dc.Clock.Advance(TimeSpan.FromSeconds(1));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        Assert.Equal(ErrorCode.Unavailable, error.Code);
        Assert.Empty(dc.World.Volumes);
    }

    [Fact(Timeout = 60_000)]
    public async Task Behind_a_partition_machines_run_on_and_watches_have_a_gap()
    {
        await using var dc = TwoNodes();
        var vm = await dc.MakeRunningAsync("web1");
        await using var watch = await dc.Hypervisor().WatchAsync(cancellationToken: Token);
        dc.Faults.Partition("pve1").For(TimeSpan.FromMinutes(1)).Now();
        Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().FindAsync(vm.Id, Token))).Code);
        dc.Faults.Panic(vm.Id).Now();
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        await using var events = watch.GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());
        Assert.IsType<EventGap>(events.Current);
        Assert.Equal(PowerState.Crashed, (await dc.Hypervisor().GetAsync(vm.Id, Token)).State);
        AssertTraced(dc, "fault", "pve1", "partition");
    }

    [Fact(Timeout = 60_000)]
    public async Task What_runs_an_instance_can_be_killed_and_takes_nothing_of_its_node_then()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeRunningAsync("killed");
        var stopping = await dc.Hypervisor().StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.FromHours(1) }, cancellationToken: Token);
        dc.Faults.Kill(vm.Id).Now();
        Assert.Equal(PowerState.Stopped, (await stopping.WaitAsync(Token)).State);
        await dc.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync(Token);
        dc.Faults.Panic(vm.Id).Now();
        Assert.NotEqual(0, dc.World.Nodes["node1"].UsedMemoryBytes);
        dc.Faults.Kill(vm.Id).Now();
        var killed = await dc.Hypervisor().GetAsync(vm.Id, Token);
        Assert.Equal((PowerState.Crashed, "What ran it ended unasked.", 0L), (killed.State, killed.StateReason, dc.World.Nodes["node1"].UsedMemoryBytes));
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Backend.Get<IReset>().ResetAsync(vm.Id, cancellationToken: Token).WaitForCompletionAsync(Token))).Code);
        await dc.Hypervisor().DeleteAsync(vm.Id).WaitForCompletionAsync(Token);
    }

    [Fact]
    public async Task What_is_to_befall_an_instance_that_is_not_there_is_refused()
    {
        await using var dc = new SimulatedDatacenter();
        var none = InstanceId.Parse("vm-none");
        Func<ScheduledFault>[] faults = [() => dc.Faults.Panic(none), () => dc.Faults.Kill(none), () => dc.Faults.SilenceAgent(none), () => dc.Faults.Deafen(none), () => dc.Faults.Lock(none), () => dc.Faults.ChangeBehind(none)];
        Assert.All(faults, fault => Assert.Contains("There is no instance 'vm-none'", Assert.Throws<ArgumentException>(fault).Message, StringComparison.Ordinal));
        Assert.Throws<ArgumentException>(() => dc.Faults.Panic(default));
        Assert.NotNull(dc.Faults.ReuseId(none));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_lost_reply_is_unknown_to_the_caller_and_known_to_the_request_log()
    {
        await using var dc = new SimulatedDatacenter();
        dc.Faults.LoseReplies().On("create").Times(1);
        var request = new RequestOptions { RequestId = RequestId.New() };
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => dc.Hypervisor().CreateAsync(Machines.Spec("lost"), request, Token));
        Assert.Equal(RequestOutcome.Unknown, error.Outcome);
        Assert.Equal(RequestState.Running, (await dc.Backend.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, Token)).State);
        var made = await dc.Hypervisor().CreateAsync(Machines.Spec("lost"), request, Token).WaitForCompletionAsync(Token);
        Assert.Single((await dc.Hypervisor().List().GetPageAsync(null, 10, Token)).Items, instance => instance.Id == made.Id);
        AssertTraced(dc, "fault", "lost", "lost-reply create");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_lost_request_is_unknown_to_the_caller_and_never_seen_by_the_request_log()
    {
        await using var dc = new SimulatedDatacenter();
        dc.Faults.LoseRequests().On("create").Times(1);
        var request = new RequestOptions { RequestId = RequestId.New() };
        Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<BackendConnectionException>(() => dc.Hypervisor().CreateAsync(Machines.Spec("lost"), request, Token))).Outcome);
        Assert.Equal(RequestState.NeverSeen, (await dc.Backend.Get<IRequestLog>().LookUpAsync(request.RequestId.Value, Token)).State);
        AssertTraced(dc, "fault", "lost", "lost-request create");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_reset_connection_sent_nothing_and_tears_a_gap_into_watches()
    {
        await using var dc = new SimulatedDatacenter();
        await using var watch = await dc.Hypervisor().WatchAsync(cancellationToken: Token);
        dc.Faults.ResetConnections().Times(1);
        var error = await Assert.ThrowsAsync<BackendConnectionException>(() => dc.Hypervisor().CreateAsync(Machines.Spec("reset"), cancellationToken: Token));
        Assert.Equal(RequestOutcome.NotSent, error.Outcome);
        Assert.True(error.IsTransient);
        await using var events = watch.GetAsyncEnumerator(Token);
        Assert.True(await events.MoveNextAsync());
        Assert.IsType<EventGap>(events.Current);
        dc.Faults.Disconnect().Now();
        Assert.True(await events.MoveNextAsync());
        Assert.IsType<EventGap>(events.Current);
        AssertTraced(dc, "fault", "reset", "reset create");
        AssertTraced(dc, "fault", "", "disconnect");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_slow_network_delays_calls_by_what_was_said()
    {
        await using var dc = new SimulatedDatacenter();
        var fault = dc.Faults.Delay(SimulatedDuration.Exactly(TimeSpan.FromSeconds(3))).On("list");
        var before = dc.Clock.Elapsed;
        await dc.Hypervisor().List().GetPageAsync(null, 10, Token);
        Assert.Equal(TimeSpan.FromSeconds(3), dc.Clock.Elapsed - before);
        fault.End();
        await dc.Hypervisor().List().GetPageAsync(null, 10, Token);
        Assert.Equal(TimeSpan.FromSeconds(3), dc.Clock.Elapsed - before);
        AssertTraced(dc, "fault", "", "latency list");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_full_pool_and_a_quota_refuse_new_disks_and_leave_nothing_behind()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddPool("tank", pool => pool.Capacity = ByteSize.FromGiB(100)));
        dc.Faults.FillPool("tank").For(TimeSpan.FromHours(1)).Now();
        var error = await Assert.ThrowsAsync<HypervisorException>(() => dc.MakeAsync("full"));
        Assert.Equal(ErrorCode.Exhausted, error.Code);
        Assert.Contains("tank", error.Message, StringComparison.Ordinal);
        dc.Clock.Advance(TimeSpan.FromHours(1));
        await dc.MakeAsync("full");
        dc.Faults.LimitPool("tank", ByteSize.FromGiB(15)).Now();
        Assert.Equal(ErrorCode.Exhausted, (await Assert.ThrowsAsync<HypervisorException>(() => dc.MakeAsync("second"))).Code);
        Assert.Single(dc.World.Volumes);
        AssertTraced(dc, "fault", "tank", "full-pool");
        AssertTraced(dc, "fault", "tank", "quota");
    }

    [Fact(Timeout = 60_000)]
    public async Task Slow_storage_makes_copies_take_longer()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Durations.SetAllToZero();
            o.AddPool("tank", pool => pool.BytesPerSecond = ByteSize.FromGiB(1));
            o.AddImage("debian", ByteSize.FromGiB(2));
        });
        Assert.Equal(TimeSpan.FromSeconds(2), await CopyAsync("quick"));
        dc.Faults.SlowPool("tank", 10).Now();
        Assert.Equal(TimeSpan.FromSeconds(20), await CopyAsync("slow"));
        AssertTraced(dc, "fault", "tank", "slow-pool");

        async Task<TimeSpan> CopyAsync(string name)
        {
            var spec = Machines.Spec(name);
            spec.Disks[0].Content = new DiskContent.FromImage("debian");
            var before = dc.Clock.Elapsed;
            await dc.Hypervisor().CreateAsync(spec).WaitForCompletionAsync(Token);
            return dc.Clock.Elapsed - before;
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_lock_of_the_backends_makes_others_wait_and_a_lock_that_it_cannot_get_is_refused()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeAsync("locked");
        dc.Faults.Lock(vm.Id).For(TimeSpan.FromMinutes(2)).Now();
        var before = dc.Clock.Elapsed;
        await dc.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync(Token);
        Assert.True(dc.Clock.Elapsed - before >= TimeSpan.FromMinutes(2));
        dc.Faults.RefuseLocks().On("stop").Times(1);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().StopAsync(vm.Id, cancellationToken: Token));
        Assert.Equal(ErrorCode.Locked, error.Code);
        Assert.True(error.IsTransient);
        AssertTraced(dc, "fault", vm.Id.ToString(), "lock");
        AssertTraced(dc, "fault", vm.Id.ToString(), "lock-refused stop");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_change_behind_the_callers_back_makes_his_plan_stale()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeAsync("stale");
        var plan = await dc.Hypervisor().PlanAsync(vm.Id, new InstanceChange { Description = "mine" }, Token);
        dc.Faults.ChangeBehind(vm.Id).Now();
        Assert.Equal(ErrorCode.Conflict, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().ApplyAsync(plan, cancellationToken: Token))).Code);
        AssertTraced(dc, "fault", vm.Id.ToString(), "stale-revision");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_reused_id_is_told_by_its_incarnation()
    {
        await using var dc = new SimulatedDatacenter();
        var first = await dc.MakeAsync("first");
        await dc.Hypervisor().DeleteAsync(first.Id).WaitForCompletionAsync(Token);
        dc.Faults.ReuseId(first.Id).Now();
        var second = await dc.MakeAsync("second");
        Assert.Equal(first.Id, second.Id);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().DeleteAsync(first.Id, null, new RequestOptions { IfIncarnation = first.Incarnation }, Token));
        Assert.Equal(ErrorCode.Conflict, error.Code);
        AssertTraced(dc, "fault", first.Id.ToString(), "reused-id");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_step_of_the_clock_moves_what_it_shows_and_not_the_time_that_passes()
    {
        await using var dc = new SimulatedDatacenter();
        dc.Faults.StepClock(TimeSpan.FromHours(-1)).Now();
        Assert.Equal(dc.Clock.Start.AddHours(-1), dc.Clock.GetUtcNow());
        Assert.Equal(TimeSpan.Zero, dc.Clock.Elapsed);
        await dc.MakeAsync("unmoved");
        AssertTraced(dc, "fault", "", "clock-step");
    }

    [Fact(Timeout = 60_000)]
    public async Task A_guest_that_panics_has_crashed_until_it_is_reset()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeRunningAsync("panics");
        dc.Faults.Panic(vm.Id).At(TimeSpan.FromMinutes(10));
        dc.Clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(PowerState.Crashed, (await dc.Hypervisor().GetAsync(vm.Id, Token)).State);
        Assert.Equal(TimeSpan.FromMinutes(10), dc.Trace.Lines.Single(line => line is { Kind: "fault", Details: "panic" }).At);
        Assert.Equal(PowerState.Running, (await dc.Backend.Get<IReset>().ResetAsync(vm.Id).WaitForCompletionAsync(Token)).State);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_silent_agent_lets_no_quiesced_snapshot_be_made()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeRunningAsync("silent");
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        var snapshots = dc.Backend.Get<ISnapshots>();
        await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("heard"), Quiesce = true }).WaitForCompletionAsync(Token);
        dc.Faults.SilenceAgent(vm.Id).For(TimeSpan.FromMinutes(1)).Now();
        Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<HypervisorException>(() => snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("unheard"), Quiesce = true }, cancellationToken: Token))).Code);
        AssertTraced(dc, "fault", vm.Id.ToString(), "silent-agent");
    }

    [Fact(Timeout = 60_000)]
    public async Task Faults_by_chance_are_the_same_for_the_same_seed()
    {
        Assert.Equal(await RunAsync(3), await RunAsync(3));
        Assert.NotEqual(await RunAsync(3), await RunAsync(4));

        static async Task<string> RunAsync(ulong seed)
        {
            await using var dc = new SimulatedDatacenter(o => o.Seed = seed);
            dc.Faults.LoseReplies().WithChance(0.3);
            dc.Faults.Crash("node1").For(TimeSpan.FromMinutes(1)).WithChance(0.5).Every(TimeSpan.FromHours(1));
            await dc.RunAsync(async () =>
            {
                for (int i = 0; i < 30; i++)
                {
                    try
                    {
                        await dc.MakeAsync($"vm{i}");
                    }
                    catch (HypervisorException error) when (error.Code == ErrorCode.Unavailable)
                    {
                        await Task.Delay(TimeSpan.FromMinutes(10), dc.Clock);
                    }
                }
            });
            return dc.Trace.ToString();
        }
    }

    [Fact]
    public async Task Senseless_faults_are_refused_plainly()
    {
        await using var dc = new SimulatedDatacenter();
        Assert.Contains("node1", Assert.Throws<ArgumentException>(() => dc.Faults.Crash("nowhere")).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => dc.Faults.Crash("node1").WithChance(1.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => dc.Faults.Crash("node1").WithChance(double.NaN));
        Assert.Throws<ArgumentOutOfRangeException>(() => dc.Faults.LoseReplies().WithChance(-0.1));
        Assert.Throws<ArgumentOutOfRangeException>(() => dc.Faults.SlowPool("local", 0.5));
        Assert.Throws<ArgumentOutOfRangeException>(() => dc.Faults.Crash("node1").Every(TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => SimulatedDuration.Exactly(TimeSpan.FromSeconds(-1)));
        Assert.Throws<ArgumentException>(() => new SimulatedDatacenter(o => o.TimeFactor = -1));
    }

    private static SimulatedDatacenter TwoNodes() => new(o => o.AddNode("pve1").AddNode("pve2"));

    private static void AssertTraced(SimulatedDatacenter dc, string kind, string subject, string details) =>
        Assert.Contains(dc.Trace.Lines, line => line.Kind == kind && line.Subject == subject && line.Details == details);
}
