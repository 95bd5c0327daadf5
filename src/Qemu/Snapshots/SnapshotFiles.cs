using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Snapshots;

/// <summary>The snapshots within the images of a machine whose QEMU is not there, by qemu-img.</summary>
[SupportedOSPlatform("linux")]
internal static class SnapshotFiles
{
    /// <summary>The image that holds the memory: of no guest device, made with the first snapshot that needs it.</summary>
    public const string MemoryFile = "hv-memory.qcow2";

    /// <summary>The machine's own writable disks, and what its firmware remembers: what a snapshot is made of.</summary>
    public static IEnumerable<string> DisksOf(MachineConfig config) =>
        config.Disks.Where(disk => disk.File is not null && !disk.ReadOnly).Select(disk => disk.File!).Concat(config.Nvram is null ? [] : [NvramMaker.File]);

    /// <summary>Makes a snapshot in each disk.</summary>
    public static async Task CreateAsync(MachineChange change, MachineConfig config, string tag, CancellationToken cancellationToken)
    {
        foreach (string file in DisksOf(config))
            await OnAsync(change, file, "make snapshot in", (images, image) => images.CreateSnapshotAsync(image, tag, cancellationToken), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Goes back to a snapshot in each disk. Can be done again. The checkpoints of backups are forgotten: what comes back was not written by the guest.</summary>
    public static async Task ApplyAsync(MachineChange change, MachineConfig config, string tag, CancellationToken cancellationToken)
    {
        foreach (string file in DisksOf(config))
        {
            foreach (string bitmap in (await InfoAsync(change, file, cancellationToken).ConfigureAwait(false)).Bitmaps)
                await OnAsync(change, file, "remove a checkpoint from", (images, image) => images.RemoveBitmapAsync(image, bitmap, cancellationToken), cancellationToken).ConfigureAwait(false);
            await OnAsync(change, file, "apply snapshot in", (images, image) => images.ApplySnapshotAsync(image, tag, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Deletes a snapshot from every image that has it.</summary>
    public static async Task DeleteAsync(MachineChange change, string tag, CancellationToken cancellationToken)
    {
        foreach (string file in change.Services.State.List(StateDirectory.Disks(change.Id)).Where(file => file.EndsWith(".qcow2", StringComparison.Ordinal)))
        {
            if ((await InfoAsync(change, file, cancellationToken).ConfigureAwait(false)).Snapshots.Any(snapshot => snapshot.Name == tag))
                await OnAsync(change, file, "delete snapshot in", (images, image) => images.DeleteSnapshotAsync(image, tag, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
    }

    private static async Task<ImageInfo> InfoAsync(MachineChange change, string file, CancellationToken cancellationToken)
    {
        using var opened = change.Root.OpenFile(StateDirectory.Disk(change.Id, file));
        return await change.Services.Images.GetInfoAsync(DiskImage.InFile(opened, ImageFormat.Qcow2), cancellationToken: cancellationToken).ConfigureAwait(false);
    }

    private static async Task OnAsync(MachineChange change, string file, string what, Func<QemuImg, DiskImage, Task> action, CancellationToken cancellationToken)
    {
        string path = StateDirectory.Disk(change.Id, file);
        using var opened = change.Root.OpenFile(path, FileAccess.ReadWrite);
        var image = await DiskKeys.OwnImageAsync(change, file, opened, cancellationToken).ConfigureAwait(false);
        await change.Root.EffectAsync($"{what} {path}", () => action(change.Services.Images, image)).ConfigureAwait(false);
        change.Root.FlushFile(opened, path);
    }
}
