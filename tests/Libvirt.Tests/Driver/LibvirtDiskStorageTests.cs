#pragma warning disable HVSDK004 // Experimental: a driver of it is tested.
using Hypervisor.Sdk.Libvirt.Tests.Lab;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>Disks that go to other images under a guest that runs and reads and writes them.</summary>
[Peer("libvirt")]
[Collection(LibvirtGuest.OneAtATime)]
public sealed class LibvirtDiskStorageTests(Libvirtd libvirtd)
{
    private static readonly DeviceId s_disk = DeviceId.Parse("vda");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("HOT-05")]
    public async Task A_disk_is_moved_to_another_pool_and_back_and_layered_under_a_guest_that_runs()
    {
        await using var guest = await LibvirtGuest.BootAsync(libvirtd);
        await guest.WriteAsync("/data/file", "one");
        await MovedAsync(guest);
        await LayeredAsync(guest);
        Assert.Equal("three", await guest.RunAsync("cat", "/data/file"));
        await CancelledAsync(guest);
        await guest.Hypervisor.DeleteAsync(guest.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.DoesNotContain(guest.Id.ToString(), await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "vol-list", "default"), StringComparison.Ordinal);
    }

    /// <summary>Away to a volume that somebody else has made, and home again.</summary>
    private async Task MovedAsync(LibvirtGuest guest)
    {
        var moving = guest.Backend.Get<IDiskMoving>();
        string before = (await guest.Hypervisor.FindAsync(guest.Id, Token))!.Disks[0].Volume!.Value.ToString();
        string raw = libvirtd.PathOf($"{guest.Id}.raw");
        await using (var file = File.Create(raw))
            file.SetLength(64 << 20);
        var moved = await moving.MoveAsync(guest.Id, s_disk, new VolumeAttachment.File(raw, "raw"), null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((raw, DiskDisposal.Kept), (moved.Disks[0].Volume!.Value.ToString(), moved.Disks[0].Disposal));
        Assert.False(File.Exists(before));
        await guest.WriteAsync("/data/file", "two");

        moved = await moving.MoveAsync(guest.Id, s_disk, null, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((DiskDisposal.DeletedWithInstance, ByteSize.FromMiB(64)), (moved.Disks[0].Disposal, moved.Disks[0].Size!.Value));
        Assert.True(File.Exists(raw));
        Assert.Equal("two", await guest.RunAsync("cat", "/data/file"));
        Assert.False(moved.HasPendingChanges);
    }

    private static async Task LayeredAsync(LibvirtGuest guest)
    {
        var layers = guest.Backend.Get<IDiskLayers>();
        var bottom = Assert.Single(await layers.ListAsync(guest.Id, s_disk, Token).ToListAsync(Token));
        Assert.True(bottom.IsOwn);
        await layers.AddAsync(guest.Id, s_disk, null, Token).WaitForCompletionAsync(Token);
        await guest.WriteAsync("/data/file", "three");
        var two = await layers.ListAsync(guest.Id, s_disk, Token).ToListAsync(Token);
        Assert.Equal((2, bottom.Name), (two.Count, two[1].Name));
        await layers.CommitAsync(guest.Id, s_disk, two[0].Name, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(bottom.Name, Assert.Single(await layers.ListAsync(guest.Id, s_disk, Token).ToListAsync(Token)).Name);
        Assert.False(File.Exists(two[0].Name));

        await layers.AddAsync(guest.Id, s_disk, null, Token).WaitForCompletionAsync(Token);
        await layers.FlattenAsync(guest.Id, s_disk, null, Token).WaitForCompletionAsync(Token);
        var alone = Assert.Single(await layers.ListAsync(guest.Id, s_disk, Token).ToListAsync(Token));
        Assert.True(alone.IsOwn && alone.Name != bottom.Name && !File.Exists(bottom.Name));
    }

    private static async Task CancelledAsync(LibvirtGuest guest)
    {
        string before = (await guest.Hypervisor.FindAsync(guest.Id, Token))!.Disks[0].Volume!.Value.ToString();
        // Content that takes its time to copy at 64 KiB a second.
        await guest.RunAsync("dd", "if=/dev/urandom", "of=/data/much", "bs=1M", "count=8", "conv=fsync");
        var moving = await guest.Backend.Get<IDiskMoving>().MoveAsync(guest.Id, s_disk, null, new DiskMoveOptions { MaxBandwidthPerSecond = ByteSize.FromKiB(64) }, null, Token);
        await foreach (var progress in moving.WatchAsync(Token))
        {
            if (progress.Fraction is not null)
                break;
        }

        Assert.True(await moving.TryCancelAsync(Token));
        var cancelled = await Assert.ThrowsAsync<HypervisorException>(() => moving.WaitAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, cancelled.Code);
        Assert.Equal(before, (await guest.Hypervisor.FindAsync(guest.Id, Token))!.Disks[0].Volume!.Value.ToString());
    }
}
