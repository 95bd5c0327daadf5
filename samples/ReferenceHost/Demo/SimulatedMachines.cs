using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>A simulated data centre of three nodes for <c>--simulate</c>, and sixty machines in it under load: they are stopped, started, changed, moved and kept by snapshots, and now and then a node is lost.</summary>
internal sealed class SimulatedMachines(SimulatedDatacenter datacenter, IBackendRegistry backends, ILogger<SimulatedMachines> log) : BackgroundService
{
    private const int Machines = 60;
    private static readonly string[] s_roles = ["web", "app", "db", "cache", "build"];
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(2);
    private readonly Random _random = new(1);

    /// <summary>What the data centre is made of.</summary>
    public static void Configure(SimulationOptions options)
    {
        options.Name = "local";
        options.Seed = 1;
        options.Start = DateTimeOffset.UtcNow;
        options.Pace = SimulationPace.RealTime;
        options.KeptTraceLines = 100_000;
        options.KeptRequests = 10_000;
        options.AddNode("node1", node => node.Memory = ByteSize.FromGiB(128)).AddNode("node2", node => node.Memory = ByteSize.FromGiB(128)).AddNode("node3", node => node.Memory = ByteSize.FromGiB(128));
        options.AddPool("fast", pool => pool.Capacity = ByteSize.FromTiB(4)).AddPool("large", pool =>
        {
            pool.Capacity = ByteSize.FromTiB(40);
            pool.BytesPerSecond = ByteSize.FromMiB(150);
        });
        options.AddNetwork("lan").AddNetwork("dmz", network => network.Addresses = Cidr.Parse("10.1.0.0/16"));
        options.AddImage("debian-12", ByteSize.FromGiB(2)).AddImage("alpine-3", ByteSize.FromMiB(200));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            var backend = await backends.GetAsync(BackendName.Parse("local"), stoppingToken);
            var ids = await MakeAsync(backend.Get<IHypervisor>(), stoppingToken);
            // ./run waits for this line.
            log.LogInformation("{Machines} simulated machines run on {Nodes} nodes.", ids.Count, 3);
            datacenter.Faults.Crash("node3").For(TimeSpan.FromMinutes(2)).Every(TimeSpan.FromMinutes(15));
            while (true)
            {
                await Task.Delay(s_pause, stoppingToken);
                await DisturbAsync(backend, ids[_random.Next(ids.Count)], stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host ends, and the data centre with it.
        }
    }

    private static async Task<IReadOnlyList<InstanceId>> MakeAsync(IHypervisor hypervisor, CancellationToken cancellationToken)
    {
        var made = await Task.WhenAll(Enumerable.Range(0, Machines).Select(async number =>
        {
            string role = s_roles[number % s_roles.Length];
            var spec = new VirtualMachineSpec
            {
                Name = InstanceName.Parse($"{role}-{1 + (number / s_roles.Length)}"),
                Description = "A machine of a simulated data centre.",
                Sizing = new Sizing.Explicit(1 + (number % 4), ByteSize.FromGiB(1 + (number % 4))),
                Disks = { new DiskSpec { Content = new DiskContent.FromImage(number % 2 == 0 ? "debian-12" : "alpine-3", ByteSize.FromGiB(20), PoolName.Parse("fast")) } },
                Networks = { new NetworkSpec { Network = role == "web" ? "dmz" : "lan" } },
                Labels = { ["role"] = role, ["demo"] = "true" },
            };
            return await hypervisor.CreateAsync(spec, cancellationToken: cancellationToken).WaitForCompletionAsync(cancellationToken);
        }));
        await Task.WhenAll(made.Where((_, number) => number % 10 != 9).Select(instance => hypervisor.StartAsync(instance.Id, cancellationToken: cancellationToken).WaitForCompletionAsync(cancellationToken)));
        return [.. made.Select(instance => instance.Id)];
    }

    /// <summary>Does something to a machine, as its people would.</summary>
    private async Task DisturbAsync(IBackend backend, InstanceId id, CancellationToken cancellationToken)
    {
        var hypervisor = backend.Get<IHypervisor>();
        try
        {
            if (await hypervisor.FindAsync(id, cancellationToken) is not { } seen)
                return;
            var what = _random.Next(8);
            if (seen.State == PowerState.Stopped)
                await hypervisor.StartAsync(id, cancellationToken: cancellationToken);
            else if (what == 0)
                await hypervisor.RestartAsync(id, cancellationToken: cancellationToken);
            else if (what == 1)
                await hypervisor.StopAsync(id, cancellationToken: cancellationToken);
            else if (what == 2)
                await hypervisor.ChangeAsync(id, new InstanceChange { Labels = { ["seen"] = DateTimeOffset.UtcNow.ToString("HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture) } }, cancellationToken: cancellationToken);
            else if (what == 3)
                await backend.Get<IMigration>().MigrateAsync(id, new MigrationTarget { Node = NodeName.Parse($"node{1 + _random.Next(3)}") }, cancellationToken: cancellationToken);
            else if (what == 4)
                await backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse($"auto-{_random.Next(1000)}") }, cancellationToken: cancellationToken);
        }
        catch (HypervisorException failure)
        {
            // A node is lost, or it is there already: what people see as well.
            log.LogDebug(failure, "The machine {Id} was left alone.", id);
        }
    }
}
