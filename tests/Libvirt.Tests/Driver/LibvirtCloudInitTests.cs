using System.Text;
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>What machines are given at their making: what cloud-init reads, and firmware with variables of its own.</summary>
[Peer("libvirt")]
[Collection(LibvirtGuest.OneAtATime)]
public sealed class LibvirtCloudInitTests(Libvirtd libvirtd)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_guest_reads_what_cloud_init_was_given_until_it_is_taken_away_while_it_runs()
    {
        await using var guest = await LibvirtGuest.BootAsync(libvirtd, spec => spec.CloudInit = new CloudInitData { UserData = "#cloud-config\n# told-to-the-guest\n", HostName = "named" });
        var instance = (await guest.Hypervisor.FindAsync(guest.Id, Token))!;
        Assert.Single(instance.Disks);
        // ISO 9660, whose volume is found by its name: cidata.
        string seed = await guest.RunAsync("head", "-c", "65536", "/dev/vdb");
        Assert.Contains("told-to-the-guest", seed, StringComparison.Ordinal);
        Assert.Contains("named", seed, StringComparison.Ordinal);

        string pool = await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "vol-list", "default");
        Assert.Contains($"{guest.Id}-cloud-init.iso", pool, StringComparison.Ordinal);
        await guest.ChangeAsync(new InstanceChange { RemoveCloudInit = true });
        Assert.DoesNotContain("vdb", await guest.RunAsync("ls", "/sys/block"), StringComparison.Ordinal);
        Assert.DoesNotContain($"{guest.Id}-cloud-init.iso", await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "vol-list", "default"), StringComparison.Ordinal);
        Assert.Single((await guest.Hypervisor.FindAsync(guest.Id, Token))!.Disks);
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_machine_with_secure_boot_starts_with_variables_that_go_with_it()
    {
        if (!File.Exists("/usr/share/OVMF/OVMF_CODE_4M.ms.fd"))
            RealPeer.Absent("OVMF with Microsoft's keys (ovmf)");
        await using var backend = await LibvirtGuest.ConnectAsync(libvirtd);
        var hypervisor = backend.Get<IHypervisor>();
        var spec = new VirtualMachineSpec
        {
            Name = InstanceName.Parse($"secure-{Guid.NewGuid():N}"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128)), Firmware = Firmware.UefiSecureBoot, Disks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(4)) } },
        };
        var made = await hypervisor.CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(made.Id, cancellationToken: Token).WaitForCompletionAsync(Token)).State);
        string xml = Encoding.UTF8.GetString((await backend.Get<INativeDocuments>().GetAsync(made.Id, Token)).Content.Span);
        Assert.Contains("secure='yes'", xml, StringComparison.Ordinal);
        Assert.Contains(".ms.fd", xml, StringComparison.Ordinal);
        string nvram = libvirtd.PathOf($"state/var/lib/libvirt/qemu/nvram/{made.Name}_VARS.fd");
        Assert.True(File.Exists(nvram));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<ISnapshots>().CreateAsync(made.Id, new SnapshotSpec { Name = SnapshotName.Parse("a") }, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
        await hypervisor.DeleteAsync(made.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.False(File.Exists(nvram));
    }
}
