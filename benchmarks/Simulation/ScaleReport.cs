using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Simulation;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Benchmarks.Simulation;

/// <summary>How large a simulated data centre may be, and what it costs.</summary>
internal static class ScaleReport
{
    public const string Command = "simulation-scale";

    private const int Machines = 10_000;
    private const int Nodes = 200;
    private const int Rounds = 7;
    private const int Events = 1_000_000;
    private const int Batch = 2_000;

    public static async Task<int> RunAsync(string[] arguments)
    {
        var text = new StringBuilder();
        text.AppendLine("# A simulated data centre at scale").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"{Machines:N0} machines, a disk and a network device each, on {Nodes} nodes; medians of {Rounds} rounds, the slowest beside them. {Machine.Describe()}").AppendLine();
        text.AppendLine("Reproduce: `taskset -c 0 dotnet run -c Release --project benchmarks -- simulation-scale --report benchmarks/reports/simulation-scale.md`").AppendLine();
        text.AppendLine("| what | median | slowest round | wanted |").AppendLine("| --- | ---: | ---: | ---: |");

        // The first round pays for the JIT and is not counted.
        await CreateAsync();
        var created = new List<Creation>();
        for (int i = 0; i < Rounds; i++)
            created.Add(await CreateAsync());
        Row("creating all of them, with plans of where they go, tasks, events and the trace", created.Select(round => round.Milliseconds), "ms", 2000);
        Row("memory that they take, the trace of their making included", created.Select(round => round.Megabytes), "MB", 250);
        Row("listing all, the first time", created.Select(round => round.FirstListMilliseconds), "ms", 20);
        Row("listing all again", created.Select(round => round.ListMilliseconds), "ms", 20);
        Row("listing all after each has changed", created.Select(round => round.ListAfterChangeMilliseconds), "ms", 20);

        var rates = new List<double>();
        for (int i = 0; i <= Rounds; i++)
            rates.Add(await EventsAsync());
        Row("events a second of processor time through a subscription: state changed, traced, published, read", rates.Skip(1), "/s", 1_000_000, more: true);

        text.AppendLine().AppendLine("## `Inventory` over it").AppendLine();
        text.AppendLine(CultureInfo.InvariantCulture, $"Processor time of the whole process for one change of state, from the simulation to the inventory. Nothing is searched or listed for an event. The last row tells why the others grow: with as many machines, but the same few of them changing, most of the growth is gone, so it is how much memory is touched and not how many machines there are.").AppendLine();
        text.AppendLine("| machines | of them change | us an event, median | slowest round |").AppendLine("| ---: | ---: | ---: | ---: |");
        foreach ((int machines, int among) in new[] { (100, 100), (1_000, 1_000), (10_000, 10_000), (40_000, 40_000), (40_000, 100) })
        {
            var costs = new List<double>();
            for (int i = 0; i <= Rounds; i++)
                costs.Add(await InventoryAsync(machines, among));
            var counted = costs.Skip(1).Order().ToList();
            text.AppendLine(CultureInfo.InvariantCulture, $"| {machines:N0} | {among:N0} | {counted[counted.Count / 2]:0.00} | {counted[^1]:0.00} |");
        }

        Console.Write(text);
        if (arguments is ["--report", var file])
            await File.WriteAllTextAsync(file, text.ToString());
        return 0;

        void Row(string what, IEnumerable<double> values, string unit, double wanted, bool more = false)
        {
            var sorted = values.Order().ToList();
            double worst = more ? sorted[0] : sorted[^1];
            text.AppendLine(CultureInfo.InvariantCulture, $"| {what} | {sorted[sorted.Count / 2]:N1} {unit} | {worst:N1} {unit} | {(more ? "more than" : "less than")} {wanted:N0} {unit} |");
        }
    }

    private static SimulatedDatacenter Make(int machines) => new(options =>
    {
        for (int i = 0; i < Math.Max(1, machines * Nodes / Machines); i++)
            options.AddNode(string.Create(CultureInfo.InvariantCulture, $"node{i:000}"), node => node.Memory = ByteSize.FromGiB(512));
        options.AddPool("tank", pool => pool.Capacity = ByteSize.FromTiB(10_000));
    });

    private static async Task FillAsync(SimulatedDatacenter datacenter, int machines)
    {
        var hypervisor = datacenter.Backend.Get<IHypervisor>();
        await datacenter.RunAsync(async () =>
        {
            var operations = new Operation<Instance>[machines];
            for (int i = 0; i < machines; i++)
            {
                var spec = new VirtualMachineSpec { Name = InstanceName.Parse(string.Create(CultureInfo.InvariantCulture, $"machine-{i:00000}")), Sizing = new Sizing.Explicit(2, ByteSize.FromGiB(2)) };
                spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(10)) });
                spec.Networks.Add(new NetworkSpec { Network = "lan" });
                operations[i] = await hypervisor.CreateAsync(spec);
            }

            foreach (var operation in operations)
                await operation.WaitAsync();
        });
    }

    private static async Task<Creation> CreateAsync()
    {
        long before = GC.GetTotalMemory(forceFullCollection: true);
        long begin = Stopwatch.GetTimestamp();
        await using var datacenter = Make(Machines);
        await FillAsync(datacenter, Machines);
        double creating = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        double first = await ListAsync(datacenter);
        double again = await ListAsync(datacenter);
        double megabytes = (GC.GetTotalMemory(forceFullCollection: true) - before) / 1e6;
        foreach (var instance in datacenter.World.Instances)
            instance.Touch();
        double changed = await ListAsync(datacenter);
        return new Creation(creating, megabytes, first, again, changed);
    }

    private static async Task<double> ListAsync(SimulatedDatacenter datacenter)
    {
        long begin = Stopwatch.GetTimestamp();
        int count = 0;
        await foreach (var instance in datacenter.Backend.Get<IHypervisor>().List())
            count += instance.Cpus == 2 ? 1 : 0;
        double milliseconds = Stopwatch.GetElapsedTime(begin).TotalMilliseconds;
        return count == Machines ? milliseconds : throw new InvalidOperationException($"{count} of {Machines} machines were listed.");
    }

    private static async Task<double> EventsAsync()
    {
        await using var datacenter = Make(1_000);
        await FillAsync(datacenter, 1_000);
        await using var watch = await datacenter.Backend.Get<IHypervisor>().WatchAsync();
        await using var events = watch.GetAsyncEnumerator();
        var world = datacenter.World;
        double begin = ProcessClock.Microseconds;
        int read = 0;
        for (int published = 0; published < Events; published += Batch)
        {
            await PublishAsync(world, published, Batch, world.Instances.Count);
            for (int i = 0; i < Batch; i++)
            {
                await events.MoveNextAsync();
                read += events.Current is InstanceStateChanged ? 1 : 0;
            }
        }

        double microseconds = ProcessClock.Microseconds - begin;
        return read == Events ? Events / (microseconds / 1e6) : throw new InvalidOperationException($"{read} of {Events} events were read.");
    }

    /// <summary>Changes the state of one machine after the other, within the loop.</summary>
    private static Task<bool> PublishAsync(World world, int first, int count, int among) => world.Loop.EnterAsync(() =>
    {
        for (int i = first; i < first + count; i++)
        {
            var instance = world.Instances[i % among];
            world.SetState(instance, instance.State == PowerState.Running ? PowerState.Paused : PowerState.Running);
        }

        return Task.FromResult(true);
    });

    private static async Task<double> InventoryAsync(int machines, int among)
    {
        const int Changes = 100_000;
        await using var datacenter = Make(machines);
        await FillAsync(datacenter, machines);
        await using var registry = new BackendRegistry();
        var name = BackendName.Parse("sim");
        registry.Add(name, "simulation", _ => Task.FromResult(datacenter.Connect()));
        await using var inventory = new Inventory(registry);
        inventory.Start();
        await inventory.WaitUntilSynchronizedAsync(name);
        var world = datacenter.World;
        double begin = ProcessClock.Microseconds;
        for (int published = 0; published < Changes; published += Batch)
        {
            await PublishAsync(world, published, Batch, among);
            var last = world.Instances[(published + Batch - 1) % among];
            var wanted = last.State;
            while (!inventory.TryGet(new InstanceRef(name, last.Id), out var seen) || seen.State != wanted)
                await Task.Yield();
        }

        return (ProcessClock.Microseconds - begin) / Changes;
    }

    private sealed record Creation(double Milliseconds, double Megabytes, double FirstListMilliseconds, double ListMilliseconds, double ListAfterChangeMilliseconds);
}
