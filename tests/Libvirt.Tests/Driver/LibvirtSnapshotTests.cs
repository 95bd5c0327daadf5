#pragma warning disable HVSDK004 // Experimental: the layers of a disk.
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>Snapshots of a real guest, whose files tell where it is.</summary>
[Peer("libvirt")]
[Collection(LibvirtGuest.OneAtATime)]
public sealed class LibvirtSnapshotTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("SNP-01")]
    [Feature("SNP-02")]
    [Feature("SNP-03")]
    public async Task A_guest_goes_back_to_its_disks_or_to_its_memory_and_virsh_sees_the_same_tree()
    {
        await using var guest = await LibvirtGuest.BootAsync(libvirtd);
        var snapshots = guest.Backend.Get<ISnapshots>();
        string name = (await guest.Hypervisor.FindAsync(guest.Id, Token))!.Name;
        await guest.WriteAsync("/data/file", "one");
        var expires = new DateTimeOffset(2030, 1, 2, 3, 4, 5, TimeSpan.Zero);
        var request = new RequestOptions { RequestId = RequestId.New() };
        var disks = await snapshots.CreateAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("disks"), Quiesce = true, ExpiresAt = expires, Description = "<one>" }, request, Token).WaitForCompletionAsync(Token);
        Assert.Equal((false, true, expires, "<one>"), (disks.IncludesMemory, disks.IsCurrent, disks.ExpiresAt!.Value, disks.Description));
        await guest.WriteAsync("/data/file", "two");
        await guest.WriteAsync("/tmp/in-memory", "kept");
        var memory = await snapshots.CreateAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("memory"), IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("disks", true), (memory.Parent, memory.IncludesMemory));
        await guest.WriteAsync("/data/file", "three");
        await guest.WriteAsync("/tmp/in-memory", "lost");

        // Another process, without what this one remembers, asks for the same: the domain tells that it is done.
        await using (var other = await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"{LibvirtGuest.Driver}?socket={libvirtd.Socket}", DomainType = "qemu" }, new Hypervisor.Sdk.Libvirt.Driver.LibvirtServer(TimeProvider.System), Token))
        {
            Assert.Equal("disks", (await other.Get<ISnapshots>().CreateAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("disks") }, request, Token).WaitForCompletionAsync(Token)).Name);
            Assert.Equal(RequestState.Succeeded, (await other.Get<IRequestLog>().LookUpAsync(request.RequestId!.Value, Token)).State);
        }

        var reverted = await snapshots.RevertAsync(guest.Id, SnapshotName.Parse("memory"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, reverted.State);
        await guest.AnswersAsync();
        Assert.Equal(("two", "kept"), (await guest.RunAsync("cat", "/data/file"), await guest.RunAsync("cat", "/tmp/in-memory")));

        reverted = await snapshots.RevertAsync(guest.Id, SnapshotName.Parse("disks"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, reverted.State);
        await guest.AnswersAsync();
        Assert.Equal("one", await guest.RunAsync("cat", "/data/file"));
        Assert.Equal(["disks", "memory"], (await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "snapshot-list", name, "--name", "--topological")).Split((char[])['\n', ' '], StringSplitOptions.RemoveEmptyEntries));

        await snapshots.DeleteAsync(guest.Id, SnapshotName.Parse("disks"), null, Token).WaitForCompletionAsync(Token);
        var left = Assert.Single(await snapshots.ListAsync(guest.Id, Token).ToListAsync(Token));
        Assert.Equal(("memory", null), (left.Name, left.Parent));
        await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "snapshot-create-as", name, "foreign", "--description", "by virsh");
        Assert.Contains(await snapshots.ListAsync(guest.Id, Token).ToListAsync(Token), snapshot => snapshot is { Name: "foreign", IncludesMemory: true, IsCurrent: true, Description: "by virsh" });
        await snapshots.DeleteAsync(guest.Id, SnapshotName.Parse("foreign"), null, Token).WaitForCompletionAsync(Token);
        Assert.DoesNotContain("foreign", await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "snapshot-list", name, "--name"), StringComparison.Ordinal);
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("SNP-01")]
    [Feature("SNP-03")]
    public async Task Snapshots_beside_the_images_are_taken_while_a_guest_runs_and_deleted_in_any_order()
    {
        await using var guest = await LibvirtGuest.BootAsync(libvirtd, spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) }));
        var (snapshots, external, layers) = (guest.Backend.Get<ISnapshots>(), guest.Backend.Get<ILibvirtSnapshots>(), guest.Backend.Get<IDiskLayers>());
        string name = (await guest.Hypervisor.FindAsync(guest.Id, Token))!.Name;
        string[] before = await ImagesAsync();
        await guest.WriteAsync("/data/file", "one");
        var request = new RequestOptions { RequestId = RequestId.New() };
        var first = await external.CreateExternalAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("first"), Quiesce = true, Description = "<one>" }, request, Token).WaitForCompletionAsync(Token);
        Assert.Equal((false, true, "<one>"), (first.IncludesMemory, first.IsCurrent, first.Description));
        Assert.Equal("first", (await external.CreateExternalAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("first"), Quiesce = true }, request, Token).WaitForCompletionAsync(Token)).Name);
        await guest.WriteAsync("/data/file", "two");
        Assert.Equal("first", (await external.CreateExternalAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("second") }, null, Token).WaitForCompletionAsync(Token)).Parent);
        await guest.WriteAsync("/data/file", "three");
        Assert.Equal(["first", "second"], (await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "snapshot-list", name, "--name", "--topological", "--external")).Split((char[])['\n', ' '], StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(3, (await layers.ListAsync(guest.Id, DeviceId.Parse("vda"), Token).ToListAsync(Token)).Count(layer => layer.IsOwn));

        // What cannot be is refused before anything changes: the guest runs on.
        await RefusedAsync(ErrorCode.InvalidState, "'first' beside", () => snapshots.CreateAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("within") }, null, Token).WaitForCompletionAsync(Token));
        await RefusedAsync(ErrorCode.Unsupported, "libvirt 9.9", () => snapshots.RevertAsync(guest.Id, SnapshotName.Parse("second"), null, Token).WaitForCompletionAsync(Token));
        await RefusedAsync(ErrorCode.Unsupported, "disks only", () => external.CreateExternalAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("memory"), IncludeMemory = true }, null, Token));
        Assert.Equal("three", await guest.RunAsync("cat", "/data/file"));

        await snapshots.DeleteAsync(guest.Id, SnapshotName.Parse("first"), null, Token).WaitForCompletionAsync(Token);
        var left = Assert.Single(await snapshots.ListAsync(guest.Id, Token).ToListAsync(Token));
        Assert.Equal(("second", null), (left.Name, left.Parent));
        await snapshots.DeleteAsync(guest.Id, SnapshotName.Parse("second"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("three", await guest.RunAsync("cat", "/data/file"));
        Assert.Equal(before, await ImagesAsync());

        // One that somebody else has made is listed, and deleted with its image, which is none of the machine's own.
        await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "snapshot-create-as", name, "foreign", "--disk-only", "--atomic");
        Assert.False(Assert.Single(await snapshots.ListAsync(guest.Id, Token).ToListAsync(Token)).IncludesMemory);
        await guest.WriteAsync("/data/file", "four");
        await snapshots.DeleteAsync(guest.Id, SnapshotName.Parse("foreign"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("four", await guest.RunAsync("cat", "/data/file"));
        Assert.Equal(before, await ImagesAsync());

        // What is off has them too.
        await guest.Hypervisor.StopAsync(guest.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await external.CreateExternalAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("off") }, null, Token).WaitForCompletionAsync(Token);
        Assert.NotEqual(before, await ImagesAsync());
        await snapshots.DeleteAsync(guest.Id, SnapshotName.Parse("off"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(before, await ImagesAsync());
        await snapshots.CreateAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("within") }, null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(ErrorCode.InvalidState, "'within' within", () => external.CreateExternalAsync(guest.Id, new SnapshotSpec { Name = SnapshotName.Parse("beside") }, null, Token).WaitForCompletionAsync(Token));

        async Task<string[]> ImagesAsync()
        {
            var images = new List<string>();
            foreach (string disk in (string[])["vda", "vdb"])
                images.AddRange(await layers.ListAsync(guest.Id, DeviceId.Parse(disk), Token).Select(layer => $"{layer.Name} {layer.IsOwn}").ToListAsync(Token));
            // What the pool has of the machine's, looked at again.
            await guest.Backend.Get<ILibvirtStorage>().RefreshAsync(PoolName.Parse("default"), Token);
            string listed = await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "vol-list", "default");
            images.AddRange(listed.Split('\n').Where(line => line.Contains(guest.Id.ToString(), StringComparison.Ordinal)).Select(line => line.Trim()).Order(StringComparer.Ordinal));
            return [.. images];
        }
    }

    private static async Task RefusedAsync(ErrorCode code, string why, Func<Task> call)
    {
        var refused = await Assert.ThrowsAsync<HypervisorException>(call);
        Assert.Equal(code, refused.Code);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        Assert.True(refused.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected);
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task What_a_snapshot_cannot_hold_is_refused_with_the_reason()
    {
        await using var backend = await LibvirtGuest.ConnectAsync(libvirtd);
        var (hypervisor, snapshots) = (backend.Get<IHypervisor>(), backend.Get<ISnapshots>());
        string raw = libvirtd.PathOf($"{Guid.NewGuid():N}.img");
        await File.WriteAllBytesAsync(raw, new byte[1 << 20], Token);
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse($"refused-{Guid.NewGuid():N}"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        var made = await hypervisor.CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        await RefusedAsync(ErrorCode.Unsupported, "no writable disk", new SnapshotSpec { Name = SnapshotName.Parse("a") });
        await RefusedAsync(ErrorCode.InvalidState, "no memory", new SnapshotSpec { Name = SnapshotName.Parse("a"), IncludeMemory = true });
        await RefusedAsync(ErrorCode.InvalidState, "no guest", new SnapshotSpec { Name = SnapshotName.Parse("a"), Quiesce = true });
        await RefusedAsync(ErrorCode.InvalidArgument, "number", new SnapshotSpec { Name = SnapshotName.Parse("1") });
        await hypervisor.ChangeAsync(made.Id, new InstanceChange { AddDisks = { new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(raw, "raw")) } } }, null, null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(ErrorCode.Unsupported, "qcow2", new SnapshotSpec { Name = SnapshotName.Parse("a") });
        await hypervisor.DeleteAsync(made.Id, null, null, Token).WaitForCompletionAsync(Token);

        async Task RefusedAsync(ErrorCode code, string why, SnapshotSpec what)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => snapshots.CreateAsync(made.Id, what, null, Token).WaitForCompletionAsync(Token));
            Assert.Equal(code, refused.Code);
            Assert.Contains(why, refused.Message, StringComparison.Ordinal);
            Assert.True(refused.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected);
        }
    }
}
