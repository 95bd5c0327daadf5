using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>What machines go through, as a user's own test sees it.</summary>
public sealed class LifecycleTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_machine_is_created_started_stopped_and_deleted()
    {
        await using var dc = new SimulatedDatacenter();
        var hypervisor = dc.Hypervisor();
        var made = await dc.MakeAsync("web1");
        Assert.Equal(PowerState.Stopped, made.State);
        Assert.Equal("web1", made.Name);
        Assert.Equal(ByteSize.FromGiB(10), Assert.Single(made.Disks).Size);
        Assert.Empty(Assert.Single(made.Networks).Addresses);

        var running = await hypervisor.StartAsync(made.Id).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, running.State);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(Assert.Single((await hypervisor.GetAsync(made.Id, Token)).Networks).Addresses);

        var stopped = await hypervisor.StopAsync(made.Id).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Stopped, stopped.State);
        Assert.DoesNotContain(dc.Trace.Lines, line => line.Details.Contains("switching off", StringComparison.Ordinal));
        await hypervisor.DeleteAsync(made.Id).WaitForCompletionAsync(Token);
        Assert.Null(await hypervisor.FindAsync(made.Id, Token));
        Assert.Empty(dc.World.Volumes);
    }

    [Fact(Timeout = 60_000)]
    public async Task Stop_forces_a_deaf_guest_off_after_the_grace_period_or_leaves_it_running()
    {
        await using var dc = new SimulatedDatacenter(o => o.Guests.DeafShare = 1);
        var hypervisor = dc.Hypervisor();
        var vm = await dc.MakeRunningAsync("deaf");
        var error = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StopAsync(vm.Id, new StopOptions { ForceAfterGrace = false }, cancellationToken: Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Timeout, error.Code);
        Assert.Equal(PowerState.Running, (await hypervisor.GetAsync(vm.Id, Token)).State);
        var before = dc.Clock.Elapsed;
        Assert.Equal(PowerState.Stopped, (await hypervisor.StopAsync(vm.Id).WaitForCompletionAsync(Token)).State);
        Assert.InRange(dc.Clock.Elapsed - before, TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(62));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_request_repeated_is_the_same_effect_and_can_be_looked_up()
    {
        await using var dc = new SimulatedDatacenter();
        var request = new RequestOptions { RequestId = RequestId.New() };
        var log = dc.Backend.Get<IRequestLog>();
        Assert.Equal(RequestState.NeverSeen, (await log.LookUpAsync(request.RequestId.Value, Token)).State);
        var first = await dc.Hypervisor().CreateAsync(Machines.Spec("once"), request, Token);
        Assert.Equal(RequestState.Running, (await log.LookUpAsync(request.RequestId.Value, Token)).State);
        var second = await dc.Hypervisor().CreateAsync(Machines.Spec("once"), request, Token);
        var one = await first.WaitAsync(Token);
        var other = await second.WaitAsync(Token);
        Assert.Equal(one.Incarnation, other.Incarnation);
        var found = await log.LookUpAsync(request.RequestId.Value, Token);
        Assert.Equal(RequestState.Succeeded, found.State);
        Assert.Equal(one.Id, found.Instance);
        var taken = await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().CreateAsync(Machines.Spec("once"), cancellationToken: Token));
        Assert.Equal(ErrorCode.AlreadyExists, taken.Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_operation_is_resumed_by_its_token_through_another_connection()
    {
        await using var dc = new SimulatedDatacenter(o => o.Pace = SimulationPace.Stepped);
        var operation = await dc.Hypervisor().CreateAsync(Machines.Spec("far"), cancellationToken: Token);
        await using var other = dc.Connect();
        var resumed = await other.Get<IOperations>().ResumeAsync(operation.Token!.Value, Token);
        Assert.NotNull(resumed);
        var wait = resumed.WaitAsync(Token);
        Assert.False(wait.IsCompleted);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        await wait;
        Assert.Equal(OperationState.Succeeded, (await resumed.GetProgressAsync(Token)).State);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_cancelled_create_leaves_nothing_behind_and_a_cancelled_wait_leaves_the_work_alone()
    {
        await using var dc = new SimulatedDatacenter(o => o.Pace = SimulationPace.Stepped);
        var operation = await dc.Hypervisor().CreateAsync(Machines.Spec("gone"), cancellationToken: Token);
        using var impatient = new CancellationTokenSource();
        var wait = operation.WaitAsync(impatient.Token);
        await impatient.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        Assert.Equal(impatient.Token, cancelled.CancellationToken);
        Assert.Equal(OperationState.Running, (await operation.GetProgressAsync(Token)).State);
        Assert.True(await operation.TryCancelAsync(Token));
        var error = await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, error.Code);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty((await dc.Hypervisor().List().GetPageAsync(null, 10, Token)).Items);
        var again = await dc.Hypervisor().CreateAsync(Machines.Spec("gone"), cancellationToken: Token);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        await again.WaitAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_plan_is_applied_as_it_was_shown_and_refused_when_it_is_stale_or_does_more_than_was_accepted()
    {
        await using var dc = new SimulatedDatacenter();
        var hypervisor = dc.Hypervisor();
        var vm = await dc.MakeRunningAsync("planned");
        var change = new InstanceChange { Sizing = new Sizing.Explicit(4, ByteSize.FromGiB(1)), Description = "larger" };
        change.AddDisks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(1)) });
        var plan = await hypervisor.PlanAsync(vm.Id, change, Token);
        Assert.Equal(["description", "cpus", "memory", "disk:disk1"], plan.Steps.Select(step => step.Property));
        Assert.Equal(ChangeEffects.Live | ChangeEffects.AtNextStart, plan.Effects);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.ApplyAsync(plan, cancellationToken: Token));
        Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
        var changed = await hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.True(changed.HasPendingChanges);
        Assert.Equal(2, changed.Disks.Count);
        var stale = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, cancellationToken: Token));
        Assert.Equal(ErrorCode.Conflict, stale.Code);
        Assert.False((await hypervisor.RestartAsync(vm.Id).WaitForCompletionAsync(Token)).HasPendingChanges);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_watch_begins_with_a_snapshot_goes_on_with_events_and_resumes_at_a_position()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeAsync("watched");
        EventPosition? middle = null;
        await using (var watch = await dc.Hypervisor().WatchAsync(new WatchOptions { IncludeSnapshot = true }, Token))
        {
            await dc.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync(Token);
            await using var events = watch.GetAsyncEnumerator(Token);
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(vm.Id, Assert.IsType<InstanceObserved>(events.Current).Instance.Id);
            Assert.True(await events.MoveNextAsync());
            middle = Assert.IsType<Synchronized>(events.Current).Position;
            Assert.True(await events.MoveNextAsync());
            Assert.Equal(PowerState.Running, Assert.IsType<InstanceStateChanged>(events.Current).To);
        }

        await using var resumed = await dc.Hypervisor().WatchAsync(new WatchOptions { After = middle }, Token);
        await using var again = resumed.GetAsyncEnumerator(Token);
        Assert.True(await again.MoveNextAsync());
        Assert.Equal(PowerState.Running, Assert.IsType<InstanceStateChanged>(again.Current).To);
    }

    [Fact(Timeout = 60_000)]
    public async Task Machines_that_are_made_side_by_side_spread_over_the_nodes()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddNode("a").AddNode("b").AddNode("c"));
        await dc.RunAsync(() => Task.WhenAll(Enumerable.Range(0, 30).Select(number => dc.MakeAsync($"vm{number}"))));
        Assert.All(dc.World.Instances.GroupBy(instance => instance.Node.Text), node => Assert.Equal(10, node.Count()));
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => dc.MakeAsync("vm1"))).Code);
        await Task.WhenAll(dc.World.Instances.ToList().Select(instance => dc.Hypervisor().DeleteAsync(instance.Id).WaitForCompletionAsync(Token)));
        Assert.All(dc.World.Nodes.Values, node => Assert.Equal(0, node.AssignedMemoryBytes));
    }

    [Fact(Timeout = 60_000)]
    public async Task Ten_lines_give_an_application_a_data_centre()
    {
        var services = new ServiceCollection();
        services.AddSimulation(o =>
        {
            o.Seed = 7;
            o.AddNode("pve1").AddNode("pve2");
        });
        await using var provider = services.BuildServiceProvider();
        var backend = await provider.GetRequiredService<IBackendRegistry>().GetAsync(BackendName.Parse("sim"), Token);
        var vm = await backend.Get<IHypervisor>().CreateAsync(Machines.Spec("web1"), cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal("pve1", vm.Node?.ToString());
        Assert.Same(provider.GetRequiredService<SimulatedDatacenter>().Clock, provider.GetRequiredService<TimeProvider>());
    }
}
