namespace Hypervisor.Sdk.Simulation.Tests;

/// <summary>Snapshots, clones, moves, volumes, power.</summary>
public sealed class FeatureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Disks_are_limited_and_CDs_changed()
    {
        var options = new SimulationOptions();
        options.Images["install.iso"] = ByteSize.FromMiB(300);
        await using var dc = new SimulatedDatacenter(options);
        var spec = Machines.Spec("web");
        spec.Boot = new BootSource.Iso(VolumeId.Parse("install.iso"));
        spec.Disks[0].Limits = new DiskLimits { Write = new DiskRate { BytesPerSecond = ByteSize.FromMiB(1) } };
        var vm = await dc.Hypervisor().CreateAsync(spec).WaitForCompletionAsync(Token);
        Assert.Equal([("disk0", false, null), ("cd0", true, "install.iso")], vm.Disks.Select(disk => (disk.Id.ToString(), disk.IsCd, disk.Image)));
        Assert.Equal(spec.Disks[0].Limits, vm.Disks[0].Limits);
        var (disk, cd) = (vm.Disks[0].Id, vm.Disks[1].Id);
        var changed = await dc.Hypervisor().ChangeAsync(vm.Id, new InstanceChange { LimitDisks = { [disk] = null }, ChangeMedia = { [cd] = null } }).WaitForCompletionAsync(Token);
        Assert.Equal((null, null, null), (changed.Disks[0].Limits, changed.Disks[1].Image, changed.Disks[1].Size));
        changed = await dc.Hypervisor().ChangeAsync(vm.Id, new InstanceChange { ChangeMedia = { [cd] = "install.iso" } }).WaitForCompletionAsync(Token);
        Assert.Equal(("install.iso", ByteSize.FromMiB(300)), (changed.Disks[1].Image, changed.Disks[1].Size));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().PlanAsync(vm.Id, new InstanceChange { ChangeMedia = { [disk] = "install.iso" } }, Token));
        Assert.Contains($"changeMedia[{disk}]", refused.FieldErrors!.Keys);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_guest_makes_do_with_less_and_what_cloud_init_was_given_goes_where_the_backend_does_that()
    {
        await using var dc = new SimulatedDatacenter(new SimulationOptions { Personality = SimulationPersonality.Qemu });
        var spec = Machines.Spec("web");
        spec.CloudInit = new CloudInitData();
        spec.Networks.Clear();
        var vm = await dc.Hypervisor().CreateAsync(spec).WaitForCompletionAsync(Token);
        var change = new InstanceChange { MemoryTarget = new ByteSize(vm.Memory!.Value.Bytes / 2), RemoveCloudInit = true };
        var plan = await dc.Hypervisor().PlanAsync(vm.Id, change, Token);
        Assert.Equal(["memoryTarget", "cloudInit"], plan.Steps.Select(step => step.Property));
        Assert.Equal(ChangeEffects.Live | ChangeEffects.DestroysData, plan.Effects);
        var changed = await dc.Hypervisor().ApplyAsync(plan, new ApplyOptions { Accept = plan.Effects }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(change.MemoryTarget.Value, changed.MemoryTarget);
        Assert.Empty((await dc.Hypervisor().PlanAsync(vm.Id, change, Token)).Steps);
        Assert.Null((await dc.Hypervisor().ChangeAsync(vm.Id, new InstanceChange { MemoryTarget = (ByteSize?)null }).WaitForCompletionAsync(Token)).MemoryTarget);

        await using var other = new SimulatedDatacenter();
        var machine = await other.Hypervisor().CreateAsync(Machines.Spec("web")).WaitForCompletionAsync(Token);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => other.Hypervisor().PlanAsync(machine.Id, new InstanceChange { MemoryTarget = ByteSize.FromMiB(64) }, Token));
        Assert.Equal((ErrorCode.Unsupported, "memoryTarget"), (refused.Code, Assert.Single(refused.FieldErrors!).Key));
    }

    [Fact(Timeout = 60_000)]
    public async Task Snapshots_are_a_tree_and_going_back_brings_memory_and_devices_back()
    {
        await using var dc = new SimulatedDatacenter();
        var snapshots = dc.Backend.Get<ISnapshots>();
        var vm = await dc.MakeRunningAsync("tree");
        await MakeAsync("a", memory: true);
        await MakeAsync("b", memory: false);
        await dc.Hypervisor().ChangeAsync(vm.Id, new InstanceChange { ResizeDisks = { [DeviceId.Parse("disk0")] = ByteSize.FromGiB(20) } }).WaitForCompletionAsync(Token);
        await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("a")).WaitForCompletionAsync(Token);
        Assert.Equal(ByteSize.FromGiB(10), (await dc.Hypervisor().GetAsync(vm.Id, Token)).Disks[0].Size);
        Assert.Equal(PowerState.Running, (await dc.Hypervisor().GetAsync(vm.Id, Token)).State);
        await MakeAsync("c", memory: false);
        var all = await snapshots.ListAsync(vm.Id, Token).ToListAsync(Token);
        Assert.Equal([("a", null, false), ("b", "a", false), ("c", "a", true)], all.Select(snapshot => (snapshot.Name, snapshot.Parent, snapshot.IsCurrent)));
        Assert.True(all[0].IncludesMemory);
        await snapshots.DeleteAsync(vm.Id, SnapshotName.Parse("a")).WaitForCompletionAsync(Token);
        Assert.All(await snapshots.ListAsync(vm.Id, Token).ToListAsync(Token), snapshot => Assert.Null(snapshot.Parent));
        await dc.Hypervisor().StopAsync(vm.Id).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Stopped, (await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("b")).WaitForCompletionAsync(Token)).State);
        await dc.Hypervisor().DeleteAsync(vm.Id).WaitForCompletionAsync(Token);
        Assert.Equal(0, dc.World.Pools["local"].UsedBytes);

        Task<Snapshot> MakeAsync(string name, bool memory) => snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse(name), IncludeMemory = memory }).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task Linked_clones_share_a_template_that_stays_while_they_need_it()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeAsync("golden");
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => CloneAsync("early", CloneMode.Linked));
        Assert.Equal(ErrorCode.InvalidState, refused.Code);
        Assert.True((await dc.Backend.Get<ITemplates>().ConvertToTemplateAsync(vm.Id).WaitForCompletionAsync(Token)).IsTemplate);
        var full = await CloneAsync("full", CloneMode.Full);
        var linked = await CloneAsync("linked", CloneMode.Linked);
        Assert.NotEqual(vm.Incarnation, full.Incarnation);
        Assert.NotEqual(vm.Networks[0].Mac, linked.Networks[0].Mac);
        Assert.Equal(vm.Id, linked.ClonedFrom);
        Assert.Equal(ByteSize.Zero, linked.Disks[0].Allocated);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().DeleteAsync(vm.Id, cancellationToken: Token))).Code);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().StartAsync(vm.Id, cancellationToken: Token))).Code);
        await dc.Hypervisor().DeleteAsync(linked.Id).WaitForCompletionAsync(Token);
        Assert.False((await dc.Backend.Get<ITemplates>().ConvertToInstanceAsync(vm.Id).WaitForCompletionAsync(Token)).IsTemplate);

        Task<Instance> CloneAsync(string name, CloneMode mode) => dc.Backend.Get<ICloning>().CloneAsync(vm.Id, new CloneSpec { Name = InstanceName.Parse(name), Mode = mode }).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_running_guest_moves_in_rounds_and_stands_still_no_longer_than_allowed()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Durations.SetAllToZero();
            o.Guests.DirtyShare = 0.1;
            o.AddNode("a", node => node.BandwidthPerSecond = ByteSize.FromMiB(256)).AddNode("b");
        });
        var vm = await dc.MakeRunningAsync("mover");
        var before = dc.Clock.Elapsed;
        var moved = await dc.Backend.Get<IMigration>().MigrateAsync(vm.Id, new MigrationTarget { Node = NodeName.Parse("b") }).WaitForCompletionAsync(Token);
        Assert.Equal("b", moved.Node?.ToString());
        Assert.Equal(PowerState.Running, moved.State);
        // 512 MiB at 256 MiB/s take 2 s; a tenth a second is written meanwhile: 102.4 MiB take 0.4 s, 20.48 MiB take 0.08 s, within 0.3 s.
        Assert.Equal(TimeSpan.FromSeconds(2.48), dc.Clock.Elapsed - before);
        Assert.Equal(["round=1 remaining=536870912 bandwidth=268435456", "round=2 remaining=107374182 bandwidth=268435456", "round=3 remaining=21474836 bandwidth=268435456 downtime=800000"],
            dc.Trace.Lines.Where(line => line.Kind == "migrate").Select(line => line.Details));
        Assert.Equal(0, dc.World.Nodes["a"].UsedMemoryBytes);
        Assert.Equal(512 << 20, dc.World.Nodes["b"].UsedMemoryBytes);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_guest_that_writes_faster_than_the_link_carries_runs_on_where_it_was_when_its_move_is_given_up()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Pace = SimulationPace.Stepped;
            o.Durations.SetAllToZero();
            o.Guests.DirtyShare = 1;
            o.AddNode("a").AddNode("b");
        });
        var vm = await dc.MakeRunningAsync("busy");
        var options = new MigrationOptions { MaxBandwidthPerSecond = ByteSize.FromMiB(100) };
        var operation = await dc.Backend.Get<IMigration>().MigrateAsync(vm.Id, new MigrationTarget { Node = NodeName.Parse("b") }, options, cancellationToken: Token);
        dc.Clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(OperationState.Running, (await operation.GetProgressAsync(Token)).State);
        Assert.True(await operation.TryCancelAsync(Token));
        dc.Clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(ErrorCode.Cancelled, (await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Token))).Code);
        var still = await dc.Hypervisor().GetAsync(vm.Id, Token);
        Assert.Equal(("a", PowerState.Running), (still.Node?.ToString(), still.State));
        Assert.Equal(0, dc.World.Nodes["b"].UsedMemoryBytes);
    }

    [Fact(Timeout = 60_000)]
    public async Task Every_obstacle_to_a_move_is_named_before_it_starts()
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.AddNode("a").AddNode("b", node => { node.Memory = ByteSize.FromMiB(100); node.Architecture = Architecture.Arm64; });
            o.AddPool("la", pool => pool.Node = NodeName.Parse("a"));
        });
        var vm = await dc.MakeRunningAsync("stuck");
        var check = await dc.Backend.Get<IMigration>().CheckAsync(vm.Id, new MigrationTarget { Node = NodeName.Parse("b") }, Token);
        Assert.Equal(2, check.Obstacles.Count);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => dc.Backend.Get<IMigration>().MigrateAsync(vm.Id, new MigrationTarget { Node = NodeName.Parse("b") }, cancellationToken: Token));
        Assert.Contains("'la'", refused.Message, StringComparison.Ordinal);
        Assert.Contains("x86_64", refused.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Pause_reset_and_suspend_do_what_they_say()
    {
        await using var dc = new SimulatedDatacenter();
        var vm = await dc.MakeRunningAsync("power");
        var pausing = dc.Backend.Get<IPausing>();
        Assert.Equal(PowerState.Paused, (await pausing.PauseAsync(vm.Id).WaitForCompletionAsync(Token)).State);
        dc.Clock.Advance(TimeSpan.FromHours(1));
        Assert.Empty((await dc.Hypervisor().GetAsync(vm.Id, Token)).Networks[0].Addresses);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => dc.Hypervisor().StartAsync(vm.Id, cancellationToken: Token))).Code);
        Assert.Equal(PowerState.Running, (await pausing.ResumeAsync(vm.Id).WaitForCompletionAsync(Token)).State);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Single((await dc.Hypervisor().GetAsync(vm.Id, Token)).Networks[0].Addresses);
        Assert.Empty((await dc.Backend.Get<IReset>().ResetAsync(vm.Id).WaitForCompletionAsync(Token)).Networks[0].Addresses);
        dc.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(PowerState.Suspended, (await dc.Backend.Get<ISuspendToDisk>().SuspendAsync(vm.Id).WaitForCompletionAsync(Token)).State);
        Assert.Equal(0, dc.World.Nodes["node1"].UsedMemoryBytes);
        Assert.Single((await dc.Hypervisor().StartAsync(vm.Id).WaitForCompletionAsync(Token)).Networks[0].Addresses);
    }

    [Fact(Timeout = 60_000)]
    public async Task Volumes_are_made_cloned_attached_and_kept_while_somebody_needs_them()
    {
        await using var dc = new SimulatedDatacenter(o => o.AddPool("thin", pool => pool.Capacity = ByteSize.FromGiB(10)).AddPool("thick", pool => { pool.Thin = false; pool.Capacity = ByteSize.FromGiB(10); }));
        var storage = dc.Backend.Get<IStorageBackend>();
        var volume = await MakeAsync("thin", 100);
        Assert.Equal(ErrorCode.Exhausted, (await Assert.ThrowsAsync<HypervisorException>(() => MakeAsync("thick", 100))).Code);
        var thick = await MakeAsync("thick", 8);
        Assert.Equal(thick.Size, thick.Allocated);
        var clone = await storage.CloneAsync(volume.Id, new VolumeSpec { Pool = volume.Pool, Size = default }, CloneMode.Linked).WaitForCompletionAsync(Token);
        Assert.Equal(volume.Id, clone.ClonedFrom);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => storage.DeleteAsync(volume.Id, cancellationToken: Token))).Code);
        Assert.Null((await dc.Backend.Get<IVolumeFlattening>().FlattenAsync(clone.Id).WaitForCompletionAsync(Token)).ClonedFrom);
        var consumer = new VolumeConsumer { Node = NodeName.Parse("node1"), AcceptedKinds = ["managed"] };
        var lease = await storage.AttachAsync(volume.Id, consumer, VolumeAccess.SingleWriter, Token);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.AttachAsync(volume.Id, consumer, VolumeAccess.ReadOnlyMany, Token))).Code);
        await storage.AttachAsync(volume.Id, consumer, VolumeAccess.MigrationHandover, Token);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.DeleteAsync(volume.Id, cancellationToken: Token))).Code);
        await storage.DetachAsync(lease.Id, Token);
        await storage.DetachAsync(lease.Id, Token);
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => storage.ResizeAsync(volume.Id, ByteSize.FromGiB(1), cancellationToken: Token))).Code);
        Assert.Equal(2, await storage.ListVolumes(PoolName.Parse("thin")).CountAsync(Token));

        Task<Volume> MakeAsync(string pool, long size) => storage.CreateAsync(new VolumeSpec { Pool = PoolName.Parse(pool), Size = ByteSize.FromGiB(size) }).WaitForCompletionAsync(Token);
    }
}
