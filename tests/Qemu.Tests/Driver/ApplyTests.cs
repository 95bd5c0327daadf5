using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Plans and their application where no guest need answer.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ApplyTests
{
    private const ChangeEffects Anything = (ChangeEffects)63;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    [Feature("CMP-24")]
    public async Task What_waits_for_the_next_start_is_told_kept_and_taken_by_a_restart()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = await StartedAsync(hypervisor, "web");
        var plan = await PlanAsync(hypervisor, id, change =>
        {
            change.Sizing = new Sizing.Explicit(2, ByteSize.FromMiB(48));
            change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("slow"), Bus = "ide", Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        });
        Assert.Equal(ChangeEffects.AtNextStart, plan.Effects);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => ApplyAsync(hypervisor, plan, ChangeEffects.Live));
        Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
        Assert.Contains("cpus from 1 to 2 has the effect AtNextStart", refused.Message, StringComparison.Ordinal);

        var waiting = await ApplyAsync(hypervisor, plan, ChangeEffects.AtNextStart);
        Assert.True(waiting.HasPendingChanges);
        Assert.Equal((2, ByteSize.FromMiB(48)), (waiting.Cpus, waiting.Memory));

        // What is live in between does not hide what waits; a disk that is not in QEMU yet can be grown and removed.
        Assert.True((await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, change => change.Name = InstanceName.Parse("db")), ChangeEffects.Live)).HasPendingChanges);
        await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, change => change.ResizeDisks[DeviceId.Parse("slow")] = ByteSize.FromMiB(16)), ChangeEffects.Live);
        var running = await hypervisor.RestartAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((PowerState.Running, false, "db"), (running.State, running.HasPendingChanges, running.Name));
        var (machine, config) = backend.Table.Require(id);
        Assert.Equal(2, (await backend.Table.AskAsync(machine, config, async client => await client.QueryCpusFastAsync(Token), Token)).Count);
        var live = await backend.Table.AskAsync(machine, config, client => Qemu.Changes.LiveDevices.QueryAsync(client, Token), Token);
        Assert.Contains("slow", live.Devices);
        Assert.Equal(16 << 20, live.Disks["slow"]);
        Assert.False((await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, change => change.Labels["a"] = "b"), ChangeEffects.Live)).HasPendingChanges);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_stopped_machine_changes_at_once_and_its_disks_go_as_they_should()
    {
        await using var lab = await QemuLab.CreateAsync();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), new byte[1 << 20], Token);
        string attached = lab["attached.raw"];
        await File.WriteAllBytesAsync(attached, new byte[1 << 20], Token);
        File.SetUnixFileMode(attached, (UnixFileMode)438);
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = (await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token)).Id;
        var changed = await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, change =>
        {
            change.Name = InstanceName.Parse("db");
            change.Description = "text";
            change.Labels["tier"] = "back";
            change.Sizing = new Sizing.Explicit(3, ByteSize.FromMiB(64));
            change.ResizeDisks[DeviceId.Parse("disk0")] = ByteSize.FromMiB(12);
            change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("image"), Content = new DiskContent.FromImage("base.raw") });
            change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("theirs"), Content = new DiskContent.Attached(new VolumeAttachment.File(attached, "raw")) });
            change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("dear"), Disposal = DiskDisposal.Kept, Content = new DiskContent.Blank(ByteSize.FromMiB(4)) });
            change.AddNetworks.Add(new NetworkSpec { Network = "user" });
        }), ChangeEffects.Live);
        Assert.Equal(("db", "text", "back", 3), (changed.Name, changed.Description, changed.Labels["tier"], changed.Cpus));
        Assert.False(changed.HasPendingChanges);
        Assert.Equal(["db"], CrashPoints.Names(lab.StateDirectory, "names"));
        Assert.Equal([ByteSize.FromMiB(12), ByteSize.FromMiB(1), ByteSize.FromMiB(1), ByteSize.FromMiB(4)], changed.Disks.Select(disk => disk.Size));
        Assert.Single(changed.Networks);

        // What the plan wrote down is what QEMU takes.
        Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token)).State);
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);

        var plan = await PlanAsync(hypervisor, id, change =>
        {
            foreach (string disk in (string[])["image", "theirs", "dear"])
                change.RemoveDevices.Add(DeviceId.Parse(disk));
        });
        Assert.Equal([true, false, false], plan.Steps.Select(step => step.Effects.HasFlag(ChangeEffects.DestroysData)));
        await ApplyAsync(hypervisor, plan, Anything);
        Assert.Equal(["disk0.qcow2"], CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));
        Assert.Equal(["dear.qcow2"], CrashPoints.Names(lab.StateDirectory, $"kept/{id}"));
        Assert.True(File.Exists(attached));
        Assert.Empty((await PlanAsync(hypervisor, id, change => change.Description = "text")).Steps);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_guest_that_does_not_answer_keeps_its_disk()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = await StartedAsync(hypervisor, "deaf");
        await backend.Get<IPausing>().PauseAsync(id, null, Token).WaitForCompletionAsync(Token);
        await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, change => change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Blank(ByteSize.FromMiB(8)) })), ChangeEffects.Live);
        var late = await Assert.ThrowsAsync<HypervisorException>(async () => await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, change =>
        {
            change.Description = "before";
            change.RemoveDevices.Add(DeviceId.Parse("data"));
            change.Labels["after"] = "too";
        }), Anything));
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.FailedMidway), (late.Code, late.Outcome));
        Assert.Contains("did not give up 'data' within 10 s", late.Message, StringComparison.Ordinal);
        Assert.Contains("Done: description to before; labels to after=too. Not done: disk:data", late.Message, StringComparison.Ordinal);
        var left = await hypervisor.GetAsync(id, Token);
        Assert.Equal("before", left.Description);
        Assert.Contains(left.Disks, disk => disk.Id.ToString() == "data");
        Assert.Contains("data.qcow2", CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));

        // A reset carries out what stands; what QEMU no longer has is then only written down, and removed without it.
        await backend.Get<IPausing>().ResumeAsync(id, null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IReset>().ResetAsync(id, null, Token).WaitForCompletionAsync(Token);
        var (machine, config) = backend.Table.Require(id);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        while ((await backend.Table.AskAsync(machine, config, client => Qemu.Changes.LiveDevices.QueryAsync(client, Token), Token)).Devices.Contains("data"))
            await timer.WaitForNextTickAsync(Token);
        await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, change => change.RemoveDevices.Add(DeviceId.Parse("data"))), Anything);
        Assert.Equal(["disk0.qcow2"], CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));
        await ApplyAsync(hypervisor, await PlanAsync(hypervisor, id, change => change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Blank(ByteSize.FromMiB(8)) })), ChangeEffects.Live);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_plan_that_is_stale_impossible_or_of_another_backend_changes_nothing()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = (await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.CreateAsync(QemuLab.EmptySpec("other"), null, Token).WaitForCompletionAsync(Token);
        var first = await PlanAsync(hypervisor, id, change => change.Description = "first");
        var second = await PlanAsync(hypervisor, id, change => change.Description = "second");
        await ApplyAsync(hypervisor, first, ChangeEffects.Live);
        var stale = await Assert.ThrowsAsync<HypervisorException>(() => ApplyAsync(hypervisor, second, ChangeEffects.Live));
        Assert.Equal((ErrorCode.Conflict, RequestOutcome.Rejected), (stale.Code, stale.Outcome));

        var taken = await PlanAsync(hypervisor, id, change => change.Name = InstanceName.Parse("other"));
        Assert.False(taken.IsPossible);
        var impossible = await Assert.ThrowsAsync<HypervisorException>(() => ApplyAsync(hypervisor, taken, Anything));
        Assert.Equal((ErrorCode.Unsupported, RequestOutcome.Rejected), (impossible.Code, impossible.Outcome));

        var elsewhere = new ChangePlan { Instance = new InstanceRef(BackendName.Parse("elsewhere"), id), BasedOn = first.BasedOn, Change = first.Change, Steps = [] };
        await Assert.ThrowsAsync<ArgumentException>(() => ApplyAsync(hypervisor, elsewhere, Anything));
        var missing = await Assert.ThrowsAsync<HypervisorException>(() => PlanAsync(hypervisor, InstanceId.Parse("vm-aaaaaaaaaaaaa"), _ => { }));
        Assert.Equal(ErrorCode.NotFound, missing.Code);
        Assert.Equal("first", (await hypervisor.GetAsync(id, Token)).Description);
    }

    [Fact(Timeout = 120_000)]
    public async Task Of_many_that_apply_at_once_one_does_and_the_same_request_does_once()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var one = await lab.ConnectAsync();
        await using var two = await lab.ConnectAsync();
        var hypervisor = one.Get<IHypervisor>();
        var id = (await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token)).Id;
        var plan = await PlanAsync(hypervisor, id, change => change.AddDisks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) }));
        var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(async i =>
        {
            try
            {
                await ApplyAsync((i % 2 == 0 ? one : two).Get<IHypervisor>(), plan, ChangeEffects.Live);
                return true;
            }
            catch (HypervisorException error) when (error.Code == ErrorCode.Conflict)
            {
                return false;
            }
        }));
        Assert.Equal(1, results.Count(done => done));
        Assert.Equal(2, (await two.Get<IHypervisor>().GetAsync(id, Token)).Disks.Count);

        var request = new RequestOptions { RequestId = RequestId.New() };
        var again = await PlanAsync(hypervisor, id, change => change.AddDisks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) }));
        for (int i = 0; i < 2; i++)
            Assert.Equal(3, (await hypervisor.ApplyAsync(again, null, request, Token).WaitForCompletionAsync(Token)).Disks.Count);
    }

    [Theory(Timeout = 120_000)]
    [InlineData("pc")]
    [InlineData("q35")]
    public async Task Memory_that_was_kept_with_a_plugged_in_device_fits_the_next_start(string type)
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web", spec => spec.Extensions.Set(new QemuMachine { Type = type, Graphics = false })), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await ApplyAsync(hypervisor, await PlanAsync(hypervisor, created.Id, change =>
        {
            change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
            change.AddNetworks.Add(new NetworkSpec { Network = "user" });
        }), ChangeEffects.Live);
        var name = SnapshotName.Parse("kept");
        await backend.Get<ISnapshots>().CreateAsync(created.Id, new SnapshotSpec { Name = name, IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        var held = await PlanAsync(hypervisor, created.Id, change => change.RemoveDevices.Add(DeviceId.Parse("data")));
        Assert.Contains("'kept'", Assert.Single(held.Steps).Impossible, StringComparison.Ordinal);

        await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        var back = await backend.Get<ISnapshots>().RevertAsync(created.Id, name, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((PowerState.Running, false), (back.State, back.HasPendingChanges));
    }

    private static async Task<InstanceId> StartedAsync(IHypervisor hypervisor, string name)
    {
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec(name), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        return created.Id;
    }

    private static async Task<ChangePlan> PlanAsync(IHypervisor hypervisor, InstanceId id, Action<InstanceChange> configure)
    {
        var change = new InstanceChange();
        configure(change);
        return await hypervisor.PlanAsync(id, change, Token);
    }

    private static async Task<Instance> ApplyAsync(IHypervisor hypervisor, ChangePlan plan, ChangeEffects accept) =>
        await hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = accept }, null, Token).WaitForCompletionAsync(Token);
}
