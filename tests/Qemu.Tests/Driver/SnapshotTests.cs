using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class SnapshotTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Feature("SNP-01")]
    [Feature("SNP-02")]
    [Feature("SNP-03")]
    public async Task A_running_guest_goes_back_to_its_memory_and_its_disk_of_that_time()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var snapshots = backend.Get<ISnapshots>();
        var vm = await hypervisor.CreateAsync(lab.Spec("back", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(32)) })), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
        await QemuLab.ShellAsync(backend, vm.Id, "echo first > /data/disk; echo first > /tmp/memory; sync");

        var made = await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("first"), IncludeMemory = true, Description = "before" }, null, Token).WaitForCompletionAsync(Token);
        Assert.True(made is { Name: "first", IncludesMemory: true, IsCurrent: true, Parent: null, Description: "before" });
        Assert.Equal(PowerState.Running, (await hypervisor.GetAsync(vm.Id, Token)).State);
        await QemuLab.ShellAsync(backend, vm.Id, "echo second > /data/disk; echo second > /tmp/memory; sync");
        var second = await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("second") }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("first", second.Parent);
        Assert.False(second.IncludesMemory);

        // In place: the same QEMU goes on.
        var before = backend.Services.State.ReadProcess(vm.Id.ToString())!.Pid;
        var back = await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("first"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, back.State);
        Assert.Equal(before, backend.Services.State.ReadProcess(vm.Id.ToString())!.Pid);
        Assert.Equal("first first", await QemuLab.ShellAsync(backend, vm.Id, "echo $(cat /data/disk) $(cat /tmp/memory)"));

        // Switched off: a new QEMU is given the memory.
        await QemuLab.ShellAsync(backend, vm.Id, "echo third > /tmp/memory");
        await hypervisor.StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("first"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("first first", await QemuLab.ShellAsync(backend, vm.Id, "echo $(cat /data/disk) $(cat /tmp/memory)"));

        // Without memory: the guest boots anew from the disk of that time.
        await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("second"), null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
        Assert.Equal("second gone", await QemuLab.ShellAsync(backend, vm.Id, "echo $(cat /data/disk) $(cat /tmp/memory 2>/dev/null || echo gone)"));

        await snapshots.DeleteAsync(vm.Id, SnapshotName.Parse("first"), null, Token).WaitForCompletionAsync(Token);
        var left = Assert.Single(await ListAsync(snapshots, vm.Id));
        Assert.True(left is { Name: "second", Parent: null, IsCurrent: true });
        await hypervisor.DeleteAsync(vm.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task Who_looks_after_a_snapshot_with_memory_does_not_see_the_machine_stand_still_also_where_another_process_made_it()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var watching = await lab.ConnectAsync();
        var vm = await watching.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await watching.Get<IHypervisor>().StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await using var other = await lab.ConnectAsync();
        for (int round = 0; round < 6; round++)
        {
            var maker = round % 2 == 0 ? other : watching;
            await maker.Get<ISnapshots>().CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse($"s{round}"), IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
            Assert.Equal(PowerState.Running, (await watching.Get<IHypervisor>().GetAsync(vm.Id, Token)).State);
            Assert.Equal(PowerState.Running, (await other.Get<IHypervisor>().GetAsync(vm.Id, Token)).State);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task Snapshots_of_a_stopped_machine_are_a_tree()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var snapshots = backend.Get<ISnapshots>();
        var vm = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("tree"), null, Token).WaitForCompletionAsync(Token);
        await MakeAsync("a");
        await MakeAsync("b");
        await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("a"), null, Token).WaitForCompletionAsync(Token);
        await MakeAsync("c");
        Assert.Equal(["a<", "b<a", "c<a*"], (await ListAsync(snapshots, vm.Id)).Select(snapshot => $"{snapshot.Name}<{snapshot.Parent}{(snapshot.IsCurrent ? "*" : "")}"));
        await snapshots.DeleteAsync(vm.Id, SnapshotName.Parse("a"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(["b<", "c<*"], (await ListAsync(snapshots, vm.Id)).Select(snapshot => $"{snapshot.Name}<{snapshot.Parent}{(snapshot.IsCurrent ? "*" : "")}"));

        async Task MakeAsync(string name) => await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse(name) }, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_same_request_makes_one_snapshot_and_what_cannot_be_is_refused_with_the_reason()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var snapshots = backend.Get<ISnapshots>();
        var vm = await hypervisor.CreateAsync(QemuLab.EmptySpec("once"), null, Token).WaitForCompletionAsync(Token);
        var request = new RequestOptions { RequestId = RequestId.New() };
        var spec = new SnapshotSpec { Name = SnapshotName.Parse("one") };
        await snapshots.CreateAsync(vm.Id, spec, request, Token).WaitForCompletionAsync(Token);
        Assert.Equal("one", (await snapshots.CreateAsync(vm.Id, spec, request, Token).WaitForCompletionAsync(Token)).Name);
        Assert.Single(await ListAsync(snapshots, vm.Id));

        await RefusedAsync(ErrorCode.AlreadyExists, () => snapshots.CreateAsync(vm.Id, spec, null, Token));
        await RefusedAsync(ErrorCode.InvalidState, () => snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("two"), IncludeMemory = true }, null, Token));
        await RefusedAsync(ErrorCode.InvalidState, () => snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("two"), Quiesce = true }, null, Token));
        await RefusedAsync(ErrorCode.InvalidArgument, () => snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("a,b") }, null, Token));
        await RefusedAsync(ErrorCode.NotFound, () => snapshots.RevertAsync(vm.Id, SnapshotName.Parse("none"), null, Token));
        await RefusedAsync(ErrorCode.NotFound, () => snapshots.DeleteAsync(vm.Id, SnapshotName.Parse("none"), null, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => snapshots.RevertAsync(vm.Id, default, null, Token));

        string file = lab["other.qcow2"];
        await backend.Services.Images.CreateAsync(DiskImages.DiskImage.At(file, "qcow2"), ByteSize.FromMiB(1), null, Token);
        var attached = await hypervisor.CreateAsync(QemuLab.EmptySpec("attached", spec =>
        {
            spec.Disks.Clear();
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(file, "qcow2")) });
        }), null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(ErrorCode.Unsupported, () => snapshots.CreateAsync(attached.Id, spec, null, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_machine_without_a_disk_keeps_its_memory_and_a_paused_one_comes_back_paused()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var snapshots = backend.Get<ISnapshots>();
        var vm = await hypervisor.CreateAsync(QemuLab.EmptySpec("diskless", spec =>
        {
            spec.Disks.Clear();
            spec.Networks.Add(new NetworkSpec { Network = "user" });
            spec.Boot = new BootSource.NetworkBoot();
        }), null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(ErrorCode.Unsupported, () => snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("none") }, null, Token));
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IPausing>().PauseAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse("paused"), IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        var back = await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("paused"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Paused, back.State);
    }

    private static async Task RefusedAsync<T>(ErrorCode code, Func<Task<T>> call)
    {
        var refused = await Assert.ThrowsAsync<HypervisorException>(call);
        Assert.Equal(code, refused.Code);
    }

    private static async Task<List<Snapshot>> ListAsync(ISnapshots snapshots, InstanceId id)
    {
        var list = new List<Snapshot>();
        await foreach (var snapshot in snapshots.ListAsync(id, Token))
            list.Add(snapshot);
        return list;
    }
}
