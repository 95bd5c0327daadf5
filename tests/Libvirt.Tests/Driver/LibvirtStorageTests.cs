using System.Security.Cryptography;
using Hypervisor.Sdk.Conformance;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>The storage role over the pools of a real daemon.</summary>
[Peer("libvirt")]
public sealed class LibvirtStorageTests(Libvirtd libvirtd)
{
    private const string Driver = "qemu+unix:///system";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Feature("STO-02")]
    [Feature("STO-03")]
    [Feature("STO-04")]
    public async Task The_pools_of_a_daemon_keep_the_contract_of_storage()
    {
        await using var target = new QemuLibvirtTarget(libvirtd, "libvirt 9.0 QEMU", "hvstor-", await libvirtd.ConnectQemuAsync());
        await using var runner = new CheckRunner(target, new ConformanceOptions { Only = ["STOR", "STRM"], IncludeLong = true });
        var report = await runner.RunAsync(result => KitLog.Write("libvirt-storage", result), Token);
        Assert.True(report.IsConformant, string.Join('\n', report.Results.Where(result => result.Outcome == CheckOutcome.Failed).Select(result => $"{result.Id} {result.Message}")));
        Assert.Equal(["STOR-08", "STOR-16"], report.Results.Where(result => result.Outcome == CheckOutcome.Skipped).Select(result => result.Id));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_linked_clone_shares_its_source_which_stays_until_the_clone_is_gone()
    {
        await using var backend = await ConnectAsync();
        var storage = backend.Get<IStorageBackend>();
        Assert.Equal(CapabilitySupport.Conditional, (await backend.QueryAsync(Capability.LinkedClones, new CapabilityTarget { Pool = PoolName.Parse("default") }, Token)).Support);
        var source = await storage.CreateAsync(Spec("base"), null, Token).WaitForCompletionAsync(Token);
        var target = Spec("clone");
        target.Size = ByteSize.FromMiB(4);
        var clone = await storage.CloneAsync(source.Id, target, CloneMode.Linked, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((source.Id, ByteSize.FromMiB(4), "qcow2"), (clone.ClonedFrom!.Value, clone.Size, clone.Format));
        Assert.Contains(await storage.ListVolumes(source.Pool).ToListAsync(Token), volume => volume.Id == clone.Id && volume.ClonedFrom == source.Id);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => storage.DeleteAsync(source.Id, null, Token))).Code);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IVolumeContent>().DownloadAsync(clone.Id, null, Token))).Code);
        await storage.DeleteAsync(clone.Id, null, Token).WaitForCompletionAsync(Token);
        await storage.DeleteAsync(source.Id, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_virsh_makes_is_found_after_a_refresh_wiped_and_deleted_and_what_we_make_virsh_reads()
    {
        await using var backend = await ConnectAsync();
        var (storage, libvirt) = (backend.Get<IStorageBackend>(), backend.Get<ILibvirtStorage>());
        string name = $"virsh-{Guid.NewGuid():N}";
        await Virsh.RunAsync(libvirtd, Driver, "vol-create-as", "default", name, "2M", "--format", "raw");
        var found = await storage.FindAsync(VolumeId.Parse($"default/{name}"), Token);
        Assert.Equal((name, ByteSize.FromMiB(2), "raw"), (found!.Name, found.Size, found.Format));
        string path = (await Virsh.RunAsync(libvirtd, Driver, "vol-path", name, "default")).Trim();
        byte[] content = RandomNumberGenerator.GetBytes(1 << 20);
        await File.WriteAllBytesAsync(path, content, Token);
        Assert.Equal(found.Id, (await storage.FindAsync(VolumeId.Parse(path), Token))!.Id);
        await libvirt.WipeAsync(found.Id, cancellationToken: Token);
        Assert.DoesNotContain(await File.ReadAllBytesAsync(path, Token), part => part != 0);

        string beside = Path.Combine(Path.GetDirectoryName(path)!, name + "-beside");
        await File.WriteAllBytesAsync(beside, new byte[4096], Token);
        await libvirt.RefreshAsync(found.Pool, Token);
        Assert.NotNull(await storage.FindAsync(VolumeId.Parse($"default/{name}-beside"), Token));

        var ours = await storage.CreateAsync(Spec("ours"), null, Token).WaitForCompletionAsync(Token);
        await storage.ResizeAsync(ours.Id, ByteSize.FromMiB(3), null, Token).WaitForCompletionAsync(Token);
        string told = await Virsh.RunAsync(libvirtd, Driver, "vol-dumpxml", ours.Name, "default");
        Assert.Contains("<capacity unit='bytes'>3145728</capacity>", told, StringComparison.Ordinal);
        Assert.Contains("<format type='qcow2'/>", told, StringComparison.Ordinal);
        foreach (var id in new[] { found.Id, ours.Id, VolumeId.Parse($"default/{name}-beside") })
            await storage.DeleteAsync(id, null, Token).WaitForCompletionAsync(Token);
        Assert.DoesNotContain(name, await Virsh.RunAsync(libvirtd, Driver, "vol-list", "default"), StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_disk_of_a_machine_is_neither_deleted_nor_wiped_and_while_it_runs_neither_copied_nor_made_larger()
    {
        await using var backend = await ConnectAsync();
        var (storage, hypervisor) = (backend.Get<IStorageBackend>(), backend.Get<IHypervisor>());
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse($"uses-{Guid.NewGuid():N}"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) });
        var machine = await hypervisor.CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        var volume = machine.Disks[0].Volume!.Value;
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.DeleteAsync(volume, null, Token))).Code);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<ILibvirtStorage>().WipeAsync(volume, VirStorageVolWipeAlgorithm.Zero, Token))).Code);
        await hypervisor.StartAsync(machine.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        var copy = Spec("copy");
        copy.Size = ByteSize.Zero;
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.CloneAsync(volume, copy, CloneMode.Full, null, Token))).Code);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => storage.ResizeAsync(volume, ByteSize.FromMiB(8), null, Token))).Code);
        await hypervisor.DeleteAsync(machine.Id, new DeleteOptions { StopFirst = true }, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Null(await storage.FindAsync(volume, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task Zeros_of_an_upload_are_holes_at_the_daemon_and_an_image_is_taken_as_it_is()
    {
        await using var backend = await ConnectAsync();
        var (storage, content) = (backend.Get<IStorageBackend>(), backend.Get<IVolumeContent>());
        byte[] sparse = new byte[16 << 20];
        RandomNumberGenerator.Fill(sparse.AsSpan(8 << 20, 256 << 10));
        var spec = Spec("sparse");
        spec.Size = ByteSize.Zero;
        var volume = await content.UploadAsync(spec, new MemoryStream(sparse), new VolumeUploadOptions { Format = "raw" }, null, Token);
        Assert.Equal(ByteSize.FromMiB(16), volume.Size);
        Assert.InRange(volume.Allocated!.Value.Bytes, 256 << 10, 2 << 20);

        string image = libvirtd.PathOf($"image-{Guid.NewGuid():N}");
        using (var made = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo(RealPeer.Program("qemu-img"), ["create", "-q", "-f", "qcow2", image, "8M"]))!)
            await made.WaitForExitAsync(Token);
        await using var file = File.OpenRead(image);
        var qcow2 = Spec("image");
        qcow2.Size = ByteSize.FromMiB(12);
        var uploaded = await content.UploadAsync(qcow2, file, new VolumeUploadOptions { Format = "qcow2" }, null, Token);
        Assert.Equal(("qcow2", ByteSize.FromMiB(12)), (uploaded.Format, uploaded.Size));
        foreach (var id in new[] { volume.Id, uploaded.Id })
            await storage.DeleteAsync(id, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_pool_is_made_by_libvirts_own_definition_and_listed_by_virsh()
    {
        await using var backend = await ConnectAsync();
        var pools = backend.Get<IStoragePools>();
        string name = $"native-{Guid.NewGuid():N}";
        var spec = new StoragePoolSpec { Name = PoolName.Parse(name) };
        spec.Settings["xml"] = $"<pool type='dir'><name>{name}</name><target><path>{libvirtd.PathOf(name)}</path></target></pool>";
        var made = await pools.CreatePoolAsync(spec, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(("directory", false), (made.Kind, made.IsShared));
        Assert.True(made.Capacity > ByteSize.Zero && made.Available > ByteSize.Zero);
        Assert.Contains("Autostart:      yes", await Virsh.RunAsync(libvirtd, Driver, "pool-info", name), StringComparison.Ordinal);
        await pools.DeletePoolAsync(spec.Name, null, Token).WaitForCompletionAsync(Token);
        Assert.False(Directory.Exists(libvirtd.PathOf(name)));
        spec.Settings["path"] = "/tmp";
        Assert.Equal(ErrorCode.InvalidArgument, (await Assert.ThrowsAsync<HypervisorException>(() => pools.CreatePoolAsync(spec, null, Token))).Code);
    }

    private static VolumeSpec Spec(string name) => new() { Pool = PoolName.Parse("default"), Name = $"{name}-{Guid.NewGuid():N}", Size = ByteSize.FromMiB(2) };

    private async Task<LibvirtBackend> ConnectAsync()
    {
        await using var libvirt = await libvirtd.ConnectQemuAsync();
        return await LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"{Driver}?socket={libvirtd.Socket}", DomainType = "qemu" }, Token);
    }
}
