using System.Globalization;

namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Ten machines and ten thousand are the same code: created at once, placed on nodes that hold them, listed page by page, followed when a node is lost.</summary>
public sealed class ScaleTests
{
    [Theory(Timeout = 120_000)]
    [InlineData(10, 2)]
    [InlineData(1_000, 20)]
    [InlineData(10_000, 200)]
    [Feature("CLU-25")]
    public async Task Machines_are_created_started_listed_and_followed_however_many(int machines, int nodes)
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            for (int node = 0; node < nodes; node++)
                o.AddNode(string.Create(CultureInfo.InvariantCulture, $"node{node:000}"), options => options.Memory = ByteSize.FromGiB(256));
            o.AddPool("tank", pool => pool.Capacity = ByteSize.FromTiB(1000));
        });
        var hypervisor = dc.Hypervisor();
        int started = 0, lost = 0;
        await dc.RunAsync(async () =>
        {
            await using var watch = await hypervisor.WatchAsync(new WatchOptions { Capacity = Math.Min(65536, 8 * machines) });
            var reading = CountAsync(watch);
            var creating = Enumerable.Range(0, machines).Select(number => hypervisor.CreateAsync(Machines.Spec(string.Create(CultureInfo.InvariantCulture, $"machine-{number:00000}")))).ToList();
            var made = new List<Instance>(machines);
            foreach (var creation in creating)
                made.Add(await (await creation).WaitAsync());
            foreach (var start in made.Select(instance => hypervisor.StartAsync(instance.Id)).ToList())
                await (await start).WaitAsync();
            Assert.Equal(machines, (await ListAsync()).Count);
            dc.Faults.Crash("node001").At(dc.Clock.Elapsed + TimeSpan.FromMinutes(1));
            await Task.Delay(TimeSpan.FromMinutes(2), dc.Clock);
            await watch.DisposeAsync();
            await reading;
        });

        // What is on the lost node is not in the list, and was told to have gone.
        int left = (await ListAsync()).Count;
        Assert.InRange(left, machines / 2, machines - 1);
        Assert.Equal((machines, machines - left), (started, lost));

        async Task<HashSet<InstanceId>> ListAsync()
        {
            var listed = new HashSet<InstanceId>();
            await foreach (var instance in hypervisor.List())
                Assert.True(listed.Add(instance.Id), $"'{instance.Name}' is listed twice.");
            return listed;
        }

        async Task CountAsync(Subscription watch)
        {
            await foreach (var happened in watch)
            {
                if (happened is InstanceStateChanged { To: var state })
                {
                    started += state == PowerState.Running ? 1 : 0;
                    lost += state == PowerState.Unknown ? 1 : 0;
                }
            }
        }
    }
}
