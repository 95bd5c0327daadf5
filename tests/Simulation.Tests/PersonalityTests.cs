namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>What the simulation does differently when it behaves like one backend or another.</summary>
public sealed class PersonalityTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string> Names => ["generic", "qemu", "proxmox", "lxd", "libvirt"];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task What_a_personality_cannot_do_it_says_with_a_reason_and_offers_no_service_for(string name)
    {
        var personality = Of(name);
        await using var dc = new SimulatedDatacenter(o => o.Personality = personality);
        foreach (var (capability, answer) in personality.Capabilities)
        {
            var asked = await dc.Backend.QueryAsync(capability, cancellationToken: Token);
            Assert.Equal(answer, asked);
            Assert.True(asked.Support == CapabilitySupport.Yes || asked.Reason is { Length: > 10 });
        }

        Assert.Equal(personality.Answer(Capability.LiveMigration).Support != CapabilitySupport.No, dc.Backend.TryGet<IMigration>(out _));
        Assert.All(personality.Quirks, quirk => Assert.True(quirk.Behaviour.Length > 10 && quirk.Source.Length > 10));
        string server = name switch { "proxmox" => "Proxmox VE 9.2", "lxd" => "LXD 5.0.2", "libvirt" => "libvirt 9.0", _ => "" };
        string[] begins = name == "qemu" ? ["Our driver: "] : [$"Recorded with {server}: ", $"Observed with {server}: ", $"Assumed for {server}: "];
        Assert.All(personality.Quirks, quirk => Assert.True(begins.Any(begin => quirk.Source.StartsWith(begin, StringComparison.Ordinal)), quirk.Source));
        // What is only assumed has been compared with nothing.
        Assert.All(personality.Quirks.Where(quirk => quirk.Source.Contains("ssumed", StringComparison.Ordinal)), quirk => Assert.True(quirk.Provisional));
        Assert.All(personality.Quirks.Where(_ => name != "qemu"), quirk => Assert.True(quirk.Provisional));
        if (name != "generic")
            Assert.NotEmpty(personality.Quirks);
    }

    [Fact(Timeout = 60_000)]
    public async Task Proxmox_uses_numbers_again_lets_names_repeat_and_accepts_work_on_a_locked_machine_only_to_fail_it()
    {
        await using var dc = new SimulatedDatacenter(o => o.Personality = SimulationPersonality.Proxmox);
        var first = await dc.MakeAsync("Same.Name");
        var second = await dc.MakeAsync("Same.Name");
        Assert.Equal(("100", "101"), (first.Id.ToString(), second.Id.ToString()));
        await dc.Hypervisor().DeleteAsync(first.Id).WaitForCompletionAsync(Token);
        Assert.Equal("100", (await dc.MakeAsync("third")).Id.ToString());
        dc.Faults.Lock(second.Id).Now();
        var operation = await dc.Hypervisor().StartAsync(second.Id, cancellationToken: Token);
        var error = await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token));
        Assert.Equal((ErrorCode.Locked, "500", "VM is locked (backup)"), (error.Code, error.BackendCode, error.BackendMessage));
        var plan = await dc.Hypervisor().PlanAsync(second.Id, new InstanceChange { Description = "x" }, Token);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().ApplyAsync(plan, cancellationToken: Token))).Code);
        var missing = await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().StartAsync(InstanceId.Parse("999"), cancellationToken: Token));
        Assert.Equal("Configuration file 'nodes/pve1/qemu-server/999.conf' does not exist", missing.BackendMessage);
    }

    [Fact(Timeout = 60_000)]
    public async Task Lxd_knows_instances_by_their_names_and_refuses_a_busy_one_at_once()
    {
        await using var dc = new SimulatedDatacenter(o => { o.Personality = SimulationPersonality.Lxd; o.AddNetwork("lan"); });
        var vm = await dc.MakeAsync("web1");
        Assert.Equal("web1", vm.Id.ToString());
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => dc.MakeAsync("1web"))).Code);
        dc.Faults.Lock(vm.Id).Now();
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().StartAsync(vm.Id, cancellationToken: Token))).Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task Qemu_is_one_node_without_pools_where_another_maximum_waits_for_the_next_start()
    {
        await using var dc = new SimulatedDatacenter(o => { o.Personality = SimulationPersonality.Qemu; o.AddNetwork("lan"); });
        var vm = await dc.MakeRunningAsync("web1");
        Assert.Null(vm.Node);
        Assert.Matches("^vm-[a-z2-7]{13}$", vm.Id.ToString());
        Assert.False(dc.Backend.TryGet<IStorageBackend>(out _));
        Assert.False(dc.Backend.TryGet<ISuspendToDisk>(out _));
        var plan = await dc.Hypervisor().PlanAsync(vm.Id, new InstanceChange { Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(512)) { MaxCpus = 4 } }, Token);
        Assert.Equal(ChangeEffects.AtNextStart, plan.Effects);
        var spec = Machines.Spec("pooled");
        spec.Disks[0].Content = new DiskContent.Blank(ByteSize.FromGiB(1), PoolName.Parse("local"));
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().CreateAsync(spec, cancellationToken: Token))).Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task Libvirt_keeps_no_tasks_and_counts_no_revisions()
    {
        await using var dc = new SimulatedDatacenter(o => { o.Personality = SimulationPersonality.Libvirt; o.AddNetwork("lan"); });
        var operation = await dc.Hypervisor().CreateAsync(Machines.Spec("Dom 1"), cancellationToken: Token);
        Assert.Null(operation.Token);
        Assert.True(Guid.TryParse((await operation.WaitAsync(Token)).Id.ToString(), out _));
        Assert.Equal(CapabilitySupport.No, (await dc.Backend.QueryAsync(Capability.AtomicRevision, cancellationToken: Token)).Support);
    }

    private static SimulationPersonality Of(string name) => name switch
    {
        "qemu" => SimulationPersonality.Qemu,
        "proxmox" => SimulationPersonality.Proxmox,
        "lxd" => SimulationPersonality.Lxd,
        "libvirt" => SimulationPersonality.Libvirt,
        _ => SimulationPersonality.Generic,
    };
}
