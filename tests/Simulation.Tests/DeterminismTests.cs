namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Same seed and same calls, same trace.</summary>
public sealed class DeterminismTests
{
    [Fact(Timeout = 60_000)]
    public async Task Same_seed_and_same_calls_give_the_same_trace_byte_for_byte()
    {
        string first = await RunAsync(7);
        string second = await RunAsync(7);
        Assert.Equal(first, second);
        Assert.NotEqual(first, await RunAsync(8));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_month_passes_in_seconds_and_everything_in_it_happens()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddNode("a").AddNode("b"));
        var vm = await dc.MakeAsync("monthly");
        int restarts = 0;
        dc.Faults.Crash("a").For(TimeSpan.FromMinutes(10)).Every(TimeSpan.FromDays(1));
        await dc.RunAsync(async () =>
        {
            // A watchdog as somebody would write it: looks every five minutes, and starts what is off.
            for (var end = dc.Clock.GetUtcNow().AddDays(30); dc.Clock.GetUtcNow() < end; await Task.Delay(TimeSpan.FromMinutes(5), dc.Clock))
            {
                var page = await dc.Hypervisor().List().GetPageAsync(null, 10);
                if (page.Items.SingleOrDefault() is not { } seen || seen.State != PowerState.Stopped)
                    continue;
                await dc.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync();
                restarts++;
            }
        });
        Assert.True(dc.Clock.Elapsed >= TimeSpan.FromDays(30));
        Assert.Equal(30, restarts);
    }

    [Fact(Timeout = 60_000)]
    public async Task Code_that_runs_within_the_simulation_stays_in_it_behind_awaits_of_the_sdks_own()
    {
        await using var dc = new SimulatedDatacenter();
        await dc.RunAsync(async () =>
        {
            await using var watch = await dc.Hypervisor().WatchAsync(new WatchOptions { IncludeSnapshot = true });
            var reading = ReadAsync(watch);
            var vm = await dc.MakeRunningAsync("inside");
            Assert.True(dc.World.Loop.IsCurrent);
            using var impatient = new CancellationTokenSource(TimeSpan.FromSeconds(1), dc.Clock);
            var stop = await dc.Hypervisor().StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.FromHours(1) });
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stop.WaitAsync(impatient.Token));
            Assert.True(dc.World.Loop.IsCurrent);
            await stop.WaitAsync();
            Assert.Throws<InvalidOperationException>(() => dc.Clock.Advance(TimeSpan.FromSeconds(1)));
            Assert.Equal(PowerState.Stopped, await reading);
            Assert.True(dc.World.Loop.IsCurrent);
        });
        Assert.False(dc.World.Loop.IsCurrent);

        static async Task<PowerState> ReadAsync(Subscription watch)
        {
            await foreach (var next in ((IAsyncEnumerable<BackendEvent>)watch).ConfigureAwait(false))
            {
                if (next is InstanceStateChanged { To: var to } && to == PowerState.Stopped)
                    return to;
            }

            return PowerState.Unknown;
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task What_escapes_from_the_code_under_test_reaches_whoever_runs_it()
    {
        await using var dc = new SimulatedDatacenter();
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => dc.RunAsync(async () =>
        {
            await Task.Delay(TimeSpan.FromHours(1), dc.Clock);
            throw new InvalidTimeZoneException();
        }));
        // The simulation goes on.
        await dc.MakeAsync("after");
    }

    [Fact(Timeout = 60_000)]
    public async Task With_real_time_the_simulation_goes_as_many_times_faster_as_was_said()
    {
        var time = new ManualTimeProvider();
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Pace = SimulationPace.RealTime;
            o.TimeFactor = 60;
            o.RealTimeProvider = time;
        });
        var making = dc.MakeRunningAsync("real");
        Assert.False(making.IsCompleted);
        while (!making.IsCompleted)
        {
            time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Yield();
        }

        await making;
        Assert.True(dc.Clock.Elapsed >= TimeSpan.FromSeconds(0.7));
        Assert.Throws<InvalidOperationException>(() => dc.Clock.Advance(TimeSpan.FromSeconds(1)));
    }

    private static async Task<string> RunAsync(ulong seed)
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Seed = seed;
            o.AddNode("a").AddNode("b");
        });
        await dc.RunAsync(async () =>
        {
            await Task.WhenAll(Enumerable.Range(0, 20).Select(async number =>
            {
                // Every run makes other request ids up; the trace calls them by their order.
                var made = await dc.Hypervisor().CreateAsync(Machines.Spec($"vm{number}"), new RequestOptions { RequestId = RequestId.New() }).WaitForCompletionAsync();
                await dc.Hypervisor().StartAsync(made.Id).WaitForCompletionAsync();
                await Task.Delay(TimeSpan.FromSeconds(number), dc.Clock);
                await dc.Hypervisor().StopAsync(made.Id).WaitForCompletionAsync();
            }));
        });
        return dc.Trace.ToString();
    }
}
