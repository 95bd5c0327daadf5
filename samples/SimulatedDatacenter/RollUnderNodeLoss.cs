using Hypervisor.Sdk;
using Hypervisor.Sdk.Simulation;

namespace Samples.SimulatedDatacenter;

/// <summary>The test of <see cref="WebServerRoll"/>: a data centre of three nodes loses one of them, and replies besides, while nine web servers are rolled.</summary>
internal static class RollUnderNodeLoss
{
    private const int Servers = 9;
    private static readonly Sizing.Explicit s_small = new(1, ByteSize.FromGiB(1));
    private static readonly Sizing.Explicit s_large = new(2, ByteSize.FromGiB(2));

    /// <summary>Runs it once.</summary>
    /// <param name="seed">Decides when what breaks.</param>
    /// <param name="breaks">Whether anything breaks at all.</param>
    public static async Task<RollResult> RunAsync(ulong seed, bool breaks = true)
    {
        await using var datacenter = new Hypervisor.Sdk.Simulation.SimulatedDatacenter(options =>
        {
            options.Seed = seed;
            options.AddNode("node1").AddNode("node2").AddNode("node3");
        });
        var hypervisor = datacenter.Backend.Get<IHypervisor>();
        return await datacenter.RunAsync(async () =>
        {
            await MakeServersAsync(hypervisor);
            await using var watch = await hypervisor.WatchAsync();
            if (breaks)
            {
                datacenter.Faults.Crash("node2").For(TimeSpan.FromMinutes(10)).WithChance(0.3).Every(TimeSpan.FromSeconds(40));
                datacenter.Faults.LoseReplies().WithChance(0.05);
            }

            var began = datacenter.Clock.Elapsed;
            await new WebServerRoll(hypervisor, datacenter.Clock).RunAsync(Servers, s_large);
            var took = datacenter.Clock.Elapsed - began;
            int rolled = await CountAsync(hypervisor, datacenter.Clock);
            int crashes = datacenter.Trace.Lines.Count(line => line is { Kind: "fault", Details: "crash" });
            return new RollResult(rolled, crashes, took, datacenter.Trace);
        });
    }

    /// <summary>How many are as they should be, once all can be seen: the node may be down just now.</summary>
    private static async Task<int> CountAsync(IHypervisor hypervisor, TimeProvider time)
    {
        while (true)
        {
            var page = await hypervisor.List().GetPageAsync(null, 100);
            if (page.Unreachable.Count == 0)
                return page.Items.Count(server => server is { HasPendingChanges: false, Cpus: 2 } && server.Memory == s_large.Memory);
            await Task.Delay(TimeSpan.FromMinutes(1), time);
        }
    }

    private static async Task MakeServersAsync(IHypervisor hypervisor)
    {
        for (int i = 1; i <= Servers; i++)
        {
            var spec = new VirtualMachineSpec { Name = InstanceName.Parse($"web{i}"), Sizing = s_small, Labels = { ["role"] = "web" } };
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(10)) });
            spec.Networks.Add(new NetworkSpec { Network = "lan" });
            var made = await hypervisor.CreateAsync(spec).WaitForCompletionAsync();
            await hypervisor.StartAsync(made.Id).WaitForCompletionAsync();
        }
    }
}
