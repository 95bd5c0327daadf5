namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>What a simulated backend locks, what it says that it locks, and that the one is the other.</summary>
public sealed class LaneTests
{
    private const int Places = 8;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Clones_share_a_source_that_is_off_take_a_running_one_alone_and_a_place_of_the_node()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Personality = SimulationPersonality.Proxmox;
            o.AddNode("pve1", node => node.MaxCreationsAtOnce = 4).AddNode("pve2");
        });
        var vm = await dc.MakeAsync("web1");
        Assert.Equal(["instance:100 Shared", "node:pve1 Shared 1/4"], await ClaimsAsync(dc, new LaneQuery { Action = "clone", Source = vm.Id }));
        Assert.Equal(["instance:100 Shared"], await ClaimsAsync(dc, new LaneQuery { Action = "clone", Source = vm.Id, Node = NodeName.Parse("pve2") }));
        await dc.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync(Token);
        Assert.Equal(["instance:100 Exclusive", "node:pve1 Shared 1/4"], await ClaimsAsync(dc, new LaneQuery { Action = "clone", Source = vm.Id }));
        Assert.Equal(["instance:100 Exclusive"], await ClaimsAsync(dc, new LaneQuery { Action = "power", Instance = vm.Id }));

        // A template has a lane of its own beside: who changes or deletes it meets who clones it in both.
        await dc.Hypervisor().StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }).WaitForCompletionAsync(Token);
        await dc.Backend.Get<ITemplates>().ConvertToTemplateAsync(vm.Id).WaitForCompletionAsync(Token);
        Assert.Equal(["instance:100 Shared", "template:100 Shared", "node:pve1 Shared 1/4"], await ClaimsAsync(dc, new LaneQuery { Action = "clone", Source = vm.Id }));
        Assert.Equal(["instance:100 Exclusive", "template:100 Exclusive"], await ClaimsAsync(dc, new LaneQuery { Action = "delete", Instance = vm.Id }));

        // What names no node is placed when it is made.
        Assert.Empty(await ClaimsAsync(dc, new LaneQuery { Action = "create" }));
        Assert.Equal(["node:pve1 Shared 1/4"], await ClaimsAsync(dc, new LaneQuery { Action = "create", Node = NodeName.Parse("pve1") }));
    }

    [Fact(Timeout = 60_000)]
    public async Task Where_clones_of_a_source_wait_for_each_other_the_lane_is_for_one_alone()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddNode("n1", node => node.MaxCreationsAtOnce = 2));
        var vm = await dc.MakeAsync("web1");
        Assert.Equal([$"instance:{vm.Id} Exclusive", "node:n1 Shared 1/2"], await ClaimsAsync(dc, new LaneQuery { Action = "clone", Source = vm.Id }));
        Assert.Equal(["node:n1 Shared 1/2"], await ClaimsAsync(dc, new LaneQuery { Action = "create" }));
    }

    [Theory(Timeout = 60_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Clones_that_claim_the_lanes_they_are_told_of_are_made_beside_each_other_and_meet_no_lock(bool areClaimed)
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Personality = SimulationPersonality.Proxmox;
            o.AddNode("pve1", node => node.MaxCreationsAtOnce = Places).AddPool("tank");
        });
        int refused = 0;
        await dc.RunAsync(async () =>
        {
            var template = await dc.MakeAsync("golden");
            await dc.Backend.Get<ITemplates>().ConvertToTemplateAsync(template.Id).WaitForCompletionAsync();
            var clones = new List<Task>();
            for (int number = 0; number < 50; number++)
                clones.Add(CloneAsync(template.Id, number, areClaimed && number >= Places ? clones[number - Places] : Task.CompletedTask));
            await Task.WhenAll(clones);
        });
        Assert.Equal(areClaimed ? 0 : 50 - Places, refused);
        if (areClaimed)
            Assert.Equal(Places, MostAtOnce(dc.Trace, "clone"));

        async Task CloneAsync(InstanceId template, int number, Task before)
        {
            await before;
            try
            {
                await dc.Backend.Get<ICloning>().CloneAsync(template, new CloneSpec { Name = InstanceName.Parse($"clone-{number}") }).WaitForCompletionAsync();
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Locked)
            {
                refused++;
            }
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task While_clones_share_a_source_nobody_changes_it_and_while_somebody_does_none_is_made()
    {
        await using var dc = new SimulatedDatacenter(o => o.Personality = SimulationPersonality.Proxmox);
        var source = await dc.MakeAsync("golden");
        await dc.RunAsync(async () =>
        {
            var clones = new List<Operation<Instance>> { await CloneAsync("one"), await CloneAsync("two") };
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => DescribeAsync())).Code);
            var start = await dc.Hypervisor().StartAsync(source.Id);
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => start.WaitAsync())).Code);
            foreach (var clone in clones)
                await clone.WaitAsync();
            start = await dc.Hypervisor().StartAsync(source.Id);
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => CloneAsync("three"))).Code);
            await start.WaitAsync();
            await DescribeAsync();
        });

        Task<Operation<Instance>> CloneAsync(string name) => dc.Backend.Get<ICloning>().CloneAsync(source.Id, new CloneSpec { Name = InstanceName.Parse(name) });

        async Task DescribeAsync() => await dc.Hypervisor().ApplyAsync(await dc.Hypervisor().PlanAsync(source.Id, new InstanceChange { Description = "x" })).WaitForCompletionAsync();
    }

    [Theory(Timeout = 60_000)]
    [InlineData("generic")]
    [InlineData("lxd")]
    public async Task What_a_node_has_no_place_for_waits_or_is_refused_as_the_personality_does(string personality)
    {
        bool waits = personality == "generic";
        await using var dc = new SimulatedDatacenter(Configure);
        await dc.RunAsync(async () =>
        {
            var begun = new List<Operation<Instance>>();
            for (int number = 0; number < 7; number++)
            {
                try
                {
                    begun.Add(await dc.Hypervisor().CreateAsync(Machines.Spec($"vm{number}")));
                }
                catch (HypervisorException error) when (error.Code == ErrorCode.Locked)
                {
                    Assert.False(waits);
                }
            }

            Assert.Equal(waits ? 7 : 2, begun.Count);
            if (waits)
            {
                // One that waits gives up, and the places go on to the others.
                Assert.True(await begun[2].TryCancelAsync());
                Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => begun[2].WaitAsync())).Code);
                begun.RemoveAt(2);
            }

            foreach (var operation in begun)
                await operation.WaitAsync();
            await dc.MakeAsync("after");
        });
        Assert.Equal(waits ? 7 : 3, await dc.Hypervisor().List().CountAsync(Token));
        Assert.Null(SimulationTrace.Compare(dc.Trace, await SimulationReplay.RunAsync(dc.Trace, Configure))?.ToString());

        void Configure(SimulationOptions o)
        {
            o.Personality = waits ? SimulationPersonality.Generic : SimulationPersonality.Lxd;
            o.AddNetwork("lan").AddNode("n1", node => node.MaxCreationsAtOnce = 2);
        }
    }

    private static async Task<IEnumerable<string>> ClaimsAsync(SimulatedDatacenter dc, LaneQuery query) =>
        (await dc.Backend.Get<ILaneHints>().GetClaimsAsync(query, Token)).Select(claim => $"{claim.Key} {claim.Mode}{(claim.Capacity is { } capacity ? $" {claim.Weight}/{capacity}" : "")}");

    private static int MostAtOnce(SimulationTrace trace, string kind)
    {
        int most = 0;
        int running = 0;
        foreach (var line in trace.Lines.Where(line => line.Details.StartsWith(kind + ' ', StringComparison.Ordinal)))
            most = Math.Max(most, running += line.Kind switch { "begin" => 1, "end" => -1, _ => 0 });
        return most;
    }
}
