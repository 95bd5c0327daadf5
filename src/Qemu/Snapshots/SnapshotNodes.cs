using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;
using ImageFormat = Hypervisor.Sdk.DiskImages.ImageFormat;

namespace Hypervisor.Sdk.Qemu.Snapshots;

/// <summary>The snapshots within the images of a machine whose QEMU is there, by QMP.</summary>
[SupportedOSPlatform("linux")]
internal static class SnapshotNodes
{
    private const string MemoryNode = "hv-memory";
    private const string Job = "hv-snapshot";

    /// <summary>The image's size as a disk, which nobody sees: what is kept of the memory lies behind it.</summary>
    private static readonly ByteSize s_memoryDiskSize = ByteSize.FromMiB(1);

    /// <summary>The nodes of the machine's own writable disks, and of what its firmware remembers.</summary>
    private static List<string> NodesOf(MachineConfig config) => [.. config.Disks.Where(disk => disk.File is not null && !disk.ReadOnly).Select(disk => disk.NodeName).Concat(config.Nvram is null ? [] : [NvramMaker.Node])];

    /// <summary>Makes a snapshot in all disks at one moment.</summary>
    public static async Task CreateAsync(MachineChange change, MachineConfig config, string tag, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var actions = NodesOf(config).Select(node => new TransactionAction { BlockdevSnapshotInternalSync = new BlockdevSnapshotInternalWrapper { Data = new BlockdevSnapshotInternal { Device = node, Name = tag } } }).ToList();
        await change.Root.EffectAsync($"make snapshot in QEMU {change.Id}", async () => await client.TransactionAsync(actions, cancellationToken: cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Makes a snapshot of the memory and all disks at one moment. The guest stands still meanwhile.</summary>
    public static async Task SaveAsync(MachineChange change, MachineConfig config, string tag, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        await AddMemoryNodeAsync(change, client, cancellationToken).ConfigureAwait(false);
        await change.Root.EffectAsync($"save memory of QEMU {change.Id}", () => client.RunJobAsync(
            Job, (monitor, token) => monitor.SnapshotSaveAsync(Job, tag, MemoryNode, [MemoryNode, .. NodesOf(config)], token), cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Loads the memory and all disks. The guest is held afterwards, unless it ran before.</summary>
    /// <exception cref="HypervisorException">QEMU could not load it: the disks are back by then, and what is in memory is nothing that can run.</exception>
    public static async Task LoadAsync(MachineChange change, MachineConfig config, string tag, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        await AddMemoryNodeAsync(change, client, cancellationToken).ConfigureAwait(false);
        await change.Root.EffectAsync($"load memory of QEMU {change.Id}", () => client.RunJobAsync(
            Job, (monitor, token) => monitor.SnapshotLoadAsync(Job, tag, MemoryNode, [MemoryNode, .. NodesOf(config)], token), cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>Deletes a snapshot from every node that has it.</summary>
    public static async Task DeleteAsync(MachineChange change, string tag, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        if (change.Root.Find(StateDirectory.Disk(change.Id, SnapshotFiles.MemoryFile)) is not null)
            await AddMemoryNodeAsync(change, client, cancellationToken).ConfigureAwait(false);
        foreach (var node in await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            if (node.NodeName is { } name && !node.Ro && node.Image.Snapshots is { } snapshots && snapshots.Any(snapshot => snapshot.Name == tag))
                await change.Root.EffectAsync($"delete snapshot in QEMU {change.Id}/{name}", async () => await client.BlockdevSnapshotDeleteInternalSyncAsync(name, name: tag, cancellationToken: cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
    }

    private static async Task AddMemoryNodeAsync(MachineChange change, QmpClient client, CancellationToken cancellationToken)
    {
        var nodes = await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (nodes.Any(node => node.NodeName == MemoryNode))
            return;
        string path = StateDirectory.Disk(change.Id, SnapshotFiles.MemoryFile);
        if (change.Root.Find(path) is null)
            await MakeMemoryFileAsync(change, path, cancellationToken).ConfigureAwait(false);
        change.Services.Host.RunAs?.Own(Path.Combine(change.Services.State.Path, path));
        await client.BlockdevAddAsync(new BlockdevOptions
        {
            NodeName = MemoryNode,
            Qcow2 = new BlockdevOptionsQcow2 { File = new BlockdevOptions { File = new BlockdevOptionsFile { Filename = MachineArguments.DiskPath(SnapshotFiles.MemoryFile) } } },
        }, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Made beside its place and put there whole: half an image would never be one.</summary>
    private static async Task MakeMemoryFileAsync(MachineChange change, string path, CancellationToken cancellationToken)
    {
        string unfinished = StateDirectory.Disk(change.Id, RootedDirectory.UnfinishedPrefix + SnapshotFiles.MemoryFile);
        change.Root.Delete(unfinished);
        using var file = change.Root.CreateFile(unfinished);
        await change.Root.EffectAsync($"make image {path}", () => change.Services.Images.CreateAsync(DiskImage.InFile(file, ImageFormat.Qcow2), s_memoryDiskSize, null, cancellationToken)).ConfigureAwait(false);
        change.Root.FlushFile(file, unfinished);
        change.Root.Rename(unfinished, path);
    }
}
