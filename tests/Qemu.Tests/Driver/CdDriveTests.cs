using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>CDs that are put in and taken out.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class CdDriveTests
{
    private static readonly DeviceId s_drive = DeviceId.Parse("drive");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_guest_reads_the_CD_that_was_put_in_and_one_that_uses_it_keeps_it()
    {
        await using var lab = await QemuLab.CreateAsync();
        MakeCds(lab);
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("web", spec => spec.Disks.Add(new DiskSpec { Id = s_drive, Bus = "scsi", Content = new DiskContent.Cd() }));
        var created = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        var drive = Assert.Single(created.Disks);
        Assert.Equal((true, null, null, true, DiskDisposal.Kept), (drive.IsCd, drive.Image, drive.Size, drive.ReadOnly, drive.Disposal));
        var id = created.Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);

        var filled = await PutAsync(hypervisor, id, "a.iso");
        Assert.Equal((Path.Combine(lab.Images, "a.iso"), false), (filled.Disks[0].Image, filled.HasPendingChanges));
        Assert.Equal("a", await RunAsync(backend, id, "modprobe -a virtio_scsi sr_mod isofs; mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/which"));

        // What the guest has mounted it holds.
        var held = await Assert.ThrowsAsync<HypervisorException>(() => PutAsync(hypervisor, id, "b.iso"));
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.FailedMidway), (held.Code, held.Outcome));
        Assert.Contains("did not let go of the door of 'drive'", held.Message, StringComparison.Ordinal);
        Assert.Equal(Path.Combine(lab.Images, "a.iso"), (await hypervisor.GetAsync(id, Token)).Disks[0].Image);
        Assert.Equal("a", await RunAsync(backend, id, "cat /mnt/which; umount /mnt"));

        await PutAsync(hypervisor, id, "b.iso");
        Assert.Equal("b", await RunAsync(backend, id, "mount -t iso9660 -o ro /dev/sr0 /mnt && cat /mnt/which; umount /mnt"));
        await PutAsync(hypervisor, id, null);
        Assert.Equal("empty", await RunAsync(backend, id, "mount -t iso9660 -o ro /dev/sr0 /mnt 2>/dev/null || echo -n empty"));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_CD_is_changed_while_the_machine_is_stopped_running_and_paused()
    {
        await using var lab = await QemuLab.CreateAsync();
        MakeCds(lab);
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = QemuLab.EmptySpec("web", spec => spec.Boot = new BootSource.Iso(VolumeId.Parse("a.iso")));
        var created = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(["disk0", "cd0"], created.Disks.Select(disk => disk.Id.ToString()));
        var (id, cd) = (created.Id, created.Disks[1].Id);
        Assert.Equal(Path.Combine(lab.Images, "a.iso"), created.Disks[1].Image);
        await PutAsync(hypervisor, id, "b.iso", cd);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await AssertHasAsync(backend, id, cd, "b.iso");
        await PutAsync(hypervisor, id, null, cd);
        await AssertHasAsync(backend, id, cd, null);
        await backend.Get<IPausing>().PauseAsync(id, null, Token).WaitForCompletionAsync(Token);
        await PutAsync(hypervisor, id, "a.iso", cd);
        await AssertHasAsync(backend, id, cd, "a.iso");

        // By another process, and after an end.
        await using (var other = await lab.ConnectAsync())
            await PutAsync(other.Get<IHypervisor>(), id, "b.iso", cd);
        await AssertHasAsync(backend, id, cd, "b.iso");
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await AssertHasAsync(backend, id, cd, "b.iso");
    }

    [Fact(Timeout = 60_000)]
    public async Task What_is_no_CD_or_no_drive_is_refused_with_its_field_and_value()
    {
        await using var lab = await QemuLab.CreateAsync();
        MakeCds(lab);
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = (await hypervisor.CreateAsync(QemuLab.EmptySpec("web", spec => spec.Disks.Add(Drive("a.iso"))), null, Token).WaitForCompletionAsync(Token)).Id;
        await RefusedAsync(ErrorCode.NotFound, "changeMedia[drive]", "nothing.iso", change => change.ChangeMedia[s_drive] = "nothing.iso");
        await RefusedAsync(ErrorCode.InvalidArgument, "changeMedia[disk0]", "'disk0' is no CD drive", change => change.ChangeMedia[DeviceId.Parse("disk0")] = "a.iso");
        await RefusedAsync(ErrorCode.NotFound, "changeMedia[cd9]", "cd9", change => change.ChangeMedia[DeviceId.Parse("cd9")] = null);
        await RefusedAsync(ErrorCode.InvalidArgument, "limitDisks[drive]", "a CD drive has no limits", change => change.LimitDisks[s_drive] = new DiskLimits { Total = new DiskRate { OperationsPerSecond = 1 } });
        await RefusedAsync(ErrorCode.InvalidArgument, "addDisks[0].bus", "virtio", change => change.AddDisks.Add(new DiskSpec { Bus = "virtio", Content = new DiskContent.Cd() }));
        await RefusedAsync(ErrorCode.NotFound, "addDisks[0].content.image", "x.iso", change => change.AddDisks.Add(new DiskSpec { Content = new DiskContent.Cd("x.iso") }));

        async Task RefusedAsync(ErrorCode code, string field, string words, Action<InstanceChange> configure)
        {
            var change = new InstanceChange();
            configure(change);
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.PlanAsync(id, change, Token));
            Assert.Equal(code, refused.Code);
            Assert.Contains(field, refused.FieldErrors!.Keys);
            Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_changing_a_CD_and_limits_leaves_what_is_written_down()
    {
        var disk = DeviceId.Parse("disk0");
        int points = await CrashPoints.RunAsync(
            "change a CD and limits",
            static async (lab, backend) =>
            {
                MakeCds(lab);
                var created = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web", spec => spec.Disks.Add(Drive("a.iso"))), null, Token).WaitForCompletionAsync(Token);
                await backend.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
                return created.Id;
            },
            (_, backend, id) => ApplyAsync(backend.Get<IHypervisor>(), id!.Value, change =>
            {
                change.LimitDisks[disk] = new DiskLimits { Total = new DiskRate { OperationsPerSecond = 77 } };
                change.ChangeMedia[s_drive] = "b.iso";
            }),
            async (lab, backend, id, finished) =>
            {
                var instance = await backend.Get<IHypervisor>().GetAsync(id!.Value, Token);
                Assert.True(!finished || instance.Disks[1].Image == Path.Combine(lab.Images, "b.iso"));
                await AssertHasAsync(backend, id.Value, s_drive, Path.GetFileName(instance.Disks[1].Image));
                Assert.Equal(instance.Disks[0].Limits is null ? 0 : 77, (await BlocksAsync(backend, id.Value)).First(block => block.Inserted?.NodeName == "disk0").Inserted!.Iops);
                await PutAsync(backend.Get<IHypervisor>(), id.Value, "b.iso");
                await AssertHasAsync(backend, id.Value, s_drive, "b.iso");
            });
        Assert.True(points > 10, $"{points} points");
    }

    private static void MakeCds(QemuLab lab)
    {
        foreach (string name in (string[])["a", "b"])
            File.WriteAllBytes(Path.Combine(lab.Images, $"{name}.iso"), IsoImage.Create("CD", [new IsoFile("which", Encoding.ASCII.GetBytes(name))], DateTimeOffset.UnixEpoch));
    }

    private static DiskSpec Drive(string? image) => new() { Id = s_drive, Content = new DiskContent.Cd(image) };

    private static async Task<string> RunAsync(QemuBackend backend, InstanceId id, string script)
    {
        var result = await backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["/bin/sh", "-c", script] }, cancellationToken: Token);
        return Encoding.UTF8.GetString(result.Output.Span);
    }

    private static Task<Instance> PutAsync(IHypervisor hypervisor, InstanceId id, string? image, DeviceId? drive = null) => ApplyAsync(hypervisor, id, change => change.ChangeMedia[drive ?? s_drive] = image);

    private static async Task<Instance> ApplyAsync(IHypervisor hypervisor, InstanceId id, Action<InstanceChange> configure)
    {
        var change = new InstanceChange();
        configure(change);
        return await hypervisor.ApplyAsync(await hypervisor.PlanAsync(id, change, Token), null, null, Token).WaitForCompletionAsync(Token);
    }

    private static async Task<IReadOnlyList<BlockInfo>> BlocksAsync(QemuBackend backend, InstanceId id)
    {
        var (machine, config) = backend.Table.Require(id);
        return await backend.Table.AskAsync(machine, config, async client => await client.QueryBlockAsync(Token), Token);
    }

    /// <summary>The drive is shut, has that image and no other is open; nothing that was handed over is left.</summary>
    private static async Task AssertHasAsync(QemuBackend backend, InstanceId id, DeviceId drive, string? image)
    {
        var (machine, config) = backend.Table.Require(id);
        var cd = config.Disks.First(disk => disk.Id == drive.ToString());
        Assert.Equal(image, Path.GetFileName(cd.ExternalPath));
        var block = (await BlocksAsync(backend, id)).First(block => block.Qdev == cd.Id);
        Assert.Equal((image is null ? null : BlockNode.CdNodeOf(cd), false), (block.Inserted?.NodeName, block.TrayOpen ?? false));
        var live = await backend.Table.AskAsync(machine, config, client => LiveDevices.QueryAsync(client, Token), Token);
        Assert.Equal(image is null ? [] : [BlockNode.CdNodeOf(cd)], live.Disks.Keys.Where(node => node.StartsWith(BlockNode.CdPrefix, StringComparison.Ordinal) && !node.EndsWith("-file", StringComparison.Ordinal)));
    }
}
