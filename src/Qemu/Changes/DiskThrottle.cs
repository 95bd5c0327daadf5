using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Changes;

/// <summary>Tells QEMU how fast a guest may use a disk. The limits are the device's, so they stay when the disk behind it moves or grows another layer.</summary>
[SupportedOSPlatform("linux")]
internal static class DiskThrottle
{
    /// <summary>Sets the limits of all disks that have some: before the guest runs, and again when it is not known whether that was done.</summary>
    public static async Task ApplyAllAsync(MachineChange change, CancellationToken cancellationToken)
    {
        foreach (var disk in change.Config.Disks.Where(disk => disk.Limits is not null))
            await ApplyAsync(change, disk, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sets the limits of one disk, or lifts them. Can be done again.</summary>
    public static async Task ApplyAsync(MachineChange change, DiskConfig disk, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var (total, read, write) = (disk.Limits?.Total, disk.Limits?.Read, disk.Limits?.Write);
        await change.Root.EffectAsync($"limit disk of QEMU {change.Id}/{disk.Id}", async () => await client.BlockSetIoThrottleAsync(new BlockIOThrottle
        {
            // The device that has the disk: of virtio, the one within it.
            Id = disk.Bus == "virtio" ? $"/machine/peripheral/{disk.Id}/virtio-backend" : disk.Id,
            Bps = total?.BytesPerSecond?.Bytes ?? 0,
            BpsRd = read?.BytesPerSecond?.Bytes ?? 0,
            BpsWr = write?.BytesPerSecond?.Bytes ?? 0,
            Iops = total?.OperationsPerSecond ?? 0,
            IopsRd = read?.OperationsPerSecond ?? 0,
            IopsWr = write?.OperationsPerSecond ?? 0,
            BpsMax = total?.BurstBytesPerSecond?.Bytes,
            BpsRdMax = read?.BurstBytesPerSecond?.Bytes,
            BpsWrMax = write?.BurstBytesPerSecond?.Bytes,
            IopsMax = total?.BurstOperationsPerSecond,
            IopsRdMax = read?.BurstOperationsPerSecond,
            IopsWrMax = write?.BurstOperationsPerSecond,
            BpsMaxLength = BytesLength(total),
            BpsRdMaxLength = BytesLength(read),
            BpsWrMaxLength = BytesLength(write),
            IopsMaxLength = OperationsLength(total),
            IopsRdMaxLength = OperationsLength(read),
            IopsWrMaxLength = OperationsLength(write),
        }, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static long? BytesLength(DiskRate? rate) => rate?.BurstBytesPerSecond is null ? null : Seconds(rate);

    private static long? OperationsLength(DiskRate? rate) => rate?.BurstOperationsPerSecond is null ? null : Seconds(rate);

    private static long? Seconds(DiskRate rate) => rate.BurstLength is { } length ? (long)length.TotalSeconds : null;
}
