namespace Hypervisor.Sdk.Simulation.Tests.Metrics;

public sealed class MetricsTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Counters_follow_the_load_and_stand_still_while_the_machine_does()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Pace = SimulationPace.Stepped;
            o.Guests.LoadOf = name => name == "busy" ? LoadModel.Steady(0.5, 0.25) : null;
        });
        var busy = await RunningAsync(dc, "busy");
        var idle = await RunningAsync(dc, "idle");
        var first = await SampleAsync(dc);
        dc.Clock.Advance(TimeSpan.FromHours(1));
        var second = await SampleAsync(dc);
        Assert.Equal(1800, (second[busy.Id].CpuTime!.Value - first[busy.Id].CpuTime!.Value).TotalSeconds, 3);
        Assert.Equal(18, (second[idle.Id].CpuTime!.Value - first[idle.Id].CpuTime!.Value).TotalSeconds, 3);
        Assert.True(second[busy.Id].NetworkReceivedBytes > first[busy.Id].NetworkReceivedBytes);
        Assert.Equal(busy.Memory!.Value.Bytes / 4, second[busy.Id].MemoryUsedByGuest!.Value.Bytes);

        await FinishAsync(dc, await dc.Backend.Get<IPausing>().PauseAsync(busy.Id, cancellationToken: Token));
        var paused = await SampleAsync(dc);
        dc.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(paused[busy.Id].CpuTime, (await SampleAsync(dc))[busy.Id].CpuTime);
        await FinishAsync(dc, await dc.Backend.Get<IPausing>().ResumeAsync(busy.Id, cancellationToken: Token));
        await FinishAsync(dc, await dc.Hypervisor().StopAsync(busy.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, cancellationToken: Token));
        Assert.DoesNotContain(busy.Id, (await SampleAsync(dc)).Keys);
        await FinishAsync(dc, await dc.Hypervisor().StartAsync(busy.Id, cancellationToken: Token));
        Assert.InRange((await SampleAsync(dc))[busy.Id].CpuTime!.Value.TotalSeconds, 0, 200);

        NodeMetrics? node = null;
        await foreach (var sample in dc.Backend.Get<IMetrics>().SampleNodesAsync(Token))
            node = sample;
        Assert.True(node!.CpuTime > TimeSpan.FromMinutes(30));
        Assert.Equal(0.5 + 0.005, node.LoadAverage1!.Value, 3);
    }

    private static async Task<Dictionary<InstanceId, InstanceMetrics>> SampleAsync(SimulatedDatacenter dc)
    {
        var samples = new Dictionary<InstanceId, InstanceMetrics>();
        await foreach (var sample in dc.Backend.Get<IMetrics>().SampleAsync(cancellationToken: Token))
            samples.Add(sample.Id, sample);
        return samples;
    }

    private static async Task<Instance> RunningAsync(SimulatedDatacenter dc, string name)
    {
        var vm = await FinishAsync(dc, await dc.Hypervisor().CreateAsync(Machines.Spec(name), cancellationToken: Token));
        return await FinishAsync(dc, await dc.Hypervisor().StartAsync(vm.Id, cancellationToken: Token));
    }

    private static async Task<Instance> FinishAsync(SimulatedDatacenter dc, Operation<Instance> operation)
    {
        dc.Clock.Advance(TimeSpan.FromMinutes(2));
        return await operation.WaitAsync(Token);
    }
}
