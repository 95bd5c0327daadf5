using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;
using ImageFormat = Hypervisor.Sdk.DiskImages.ImageFormat;

namespace Hypervisor.Sdk.Qemu.Backups;

/// <summary>
/// A frozen view of all disks within QEMU. Each disk has an empty overlay upon it, and a job that copies into the overlay what the guest is about to overwrite: what is read through the overlay is the disk of that moment. The
/// overlay's file has no name any more by the time that it is used, so that nothing is left of it however the session ends.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class BackupNodes
{
    /// <summary>The socket of QEMU's NBD server.</summary>
    public const string Socket = "backup.sock";

    /// <summary>By what the view is encrypted on its way, where it goes over a network.</summary>
    public const string TlsCredentials = "hv-export-tls";

    private const string Prefix = "hv-backup-";
    private const string CheckpointPrefix = "hv-checkpoint-";

    /// <summary>What is written since the session began: becomes the checkpoint.</summary>
    private const string SinceBegin = "hv-since-begin";

    /// <summary>What was written from the checkpoint to the beginning: is read, and changes no more.</summary>
    public const string Written = "hv-written";

    /// <summary>How many checkpoints are kept; each costs a little at every write of the guest.</summary>
    private const int KeptCheckpoints = 4;

    /// <summary>The disks of a backup: all that the guest can write to.</summary>
    public static IEnumerable<DiskConfig> DisksOf(MachineConfig config) => config.Disks.Where(disk => !disk.ReadOnly);

    /// <summary>Whether what is written can be kept track of.</summary>
    public static bool KeepsCheckpoints(MachineConfig config) => DisksOf(config).Any() && DisksOf(config).All(disk => disk.Format == ImageFormat.Qcow2);

    /// <summary>A name for a checkpoint; later ones sort behind.</summary>
    public static string NewCheckpoint(TimeProvider time) => $"{CheckpointPrefix}{Guid.CreateVersion7(time.GetUtcNow()):N}";

    /// <summary>Refuses a checkpoint that is not there, or that cannot be believed.</summary>
    public static async Task RequireAsync(MachineChange change, MachineConfig config, string checkpoint, CancellationToken cancellationToken)
    {
        if (DisksOf(config).FirstOrDefault(disk => disk.Format != ImageFormat.Qcow2) is { } raw)
            throw Unknown(config, checkpoint, $"the disk '{raw.Id}' is raw, and what has changed in it is kept track of nowhere that would outlive its QEMU, so that no checkpoints are made");
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var found = (await BitmapsAsync(client, config, cancellationToken).ConfigureAwait(false)).Where(bitmap => bitmap.Info.Name == checkpoint && checkpoint.StartsWith(CheckpointPrefix, StringComparison.Ordinal)).ToList();
        if (found.Count == 0)
            throw Unknown(config, checkpoint, $"it was never made, or is older than the {KeptCheckpoints} that are kept, or a snapshot that the machine went back to knows nothing of it, or its QEMU was killed before it was written down, or the disk has moved, with its machine or without, or got another layer");
        if (found.Find(bitmap => bitmap.Info.Inconsistent == true) is { Disk: { } disk })
            throw Unknown(config, checkpoint, $"QEMU ended without writing down what has changed in '{disk}' since, because it was killed or the host went down");
    }

    /// <summary>Freezes the view.</summary>
    /// <param name="change">The change.</param>
    /// <param name="config">The machine.</param>
    /// <param name="since">The checkpoint that is gone on from; null for none.</param>
    /// <param name="atOnce">Surrounds the moment itself.</param>
    /// <param name="cancellationToken">Gives up; nothing is left.</param>
    /// <returns>The disks of which only what was written since the checkpoint belongs to the backup: one that was added later is in it whole.</returns>
    public static Task<IReadOnlySet<string>> BeginAsync(MachineChange change, MachineConfig config, string? since, Func<Func<Task>, Task> atOnce, CancellationToken cancellationToken) =>
        BeginAsync(change, config, [.. DisksOf(config)], KeepsCheckpoints(config), since, new NbdServerOptionsLegacy { Addr = UnixAddress }, atOnce, cancellationToken);

    /// <summary>Freezes the view of some disks, of which no checkpoint is to be made, and serves it elsewhere.</summary>
    public static Task BeginAsync(MachineChange change, MachineConfig config, DiskConfig disk, NbdServerOptionsLegacy server, Func<Func<Task>, Task> atOnce, CancellationToken cancellationToken) =>
        BeginAsync(change, config, [disk], false, null, server, atOnce, cancellationToken);

    /// <summary>Where the view is read by unix socket.</summary>
    public static SocketAddressLegacy UnixAddress { get; } = new() { Unix = new UnixSocketAddressWrapper { Data = new UnixSocketAddress { Path = $"/proc/self/fd/{MachineArguments.RuntimeDescriptor}/{Socket}" } } };

    private static async Task<IReadOnlySet<string>> BeginAsync(
        MachineChange change, MachineConfig config, IReadOnlyList<DiskConfig> disks, bool isTracked, string? since, NbdServerOptionsLegacy server, Func<Func<Task>, Task> atOnce, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var bitmaps = await BitmapsAsync(client, config, cancellationToken).ConfigureAwait(false);
            var known = bitmaps.Where(bitmap => bitmap.Info.Name == since && since is not null).Select(bitmap => bitmap.Disk).ToHashSet(StringComparer.Ordinal);
            var nodes = await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false);
            foreach (var disk in disks)
                await AddOverlayAsync(change, client, disk, nodes.First(node => node.NodeName == disk.NodeName).Image.VirtualSize, cancellationToken).ConfigureAwait(false);
            await change.Root.EffectAsync($"start the NBD server of QEMU {change.Id}", async () => await client.NbdServerStartAsync(server, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);

            var actions = bitmaps.Where(bitmap => bitmap.Info.Inconsistent == true).Select(bitmap => Remove(NodeOf(config, bitmap.Disk), bitmap.Info.Name!)).Concat(disks.SelectMany(disk => Moment(disk, isTracked, known.Contains(disk.Id) ? since : null))).ToList();
            if (actions.Count > 0)
                await atOnce(() => change.Root.EffectAsync($"freeze the disks of QEMU {change.Id}", async () => await client.TransactionAsync(actions, cancellationToken: cancellationToken).ConfigureAwait(false))).ConfigureAwait(false);
            foreach (var disk in disks)
            {
                await change.Root.EffectAsync($"export {disk.Id} of QEMU {change.Id}", async () => await client.BlockExportAddAsync(new BlockExportOptions
                {
                    Id = Prefix + disk.Id,
                    NodeName = Prefix + disk.Id,
                    Nbd = new BlockExportOptionsNbd { Name = disk.Id, Bitmaps = known.Contains(disk.Id) ? [Written] : null },
                }, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            }

            return known;
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException)
        {
            await CleanAsync(change, CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Keeps the moment of the view as a checkpoint, in all disks or in none.</summary>
    /// <exception cref="HypervisorException">The view was lost meanwhile.</exception>
    public static async Task CompleteAsync(MachineChange change, MachineConfig config, IReadOnlyList<string> disks, string? checkpoint, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        var jobs = (await client.QueryJobsAsync(cancellationToken).ConfigureAwait(false)).Select(job => job.Id).ToHashSet(StringComparer.Ordinal);
        if (disks.FirstOrDefault(disk => !jobs.Contains(Prefix + disk)) is { } lost)
            throw new HypervisorException($"The view of the disk '{lost}' of '{config.Name}' was lost meanwhile: QEMU was restarted, or had no room for what the guest has overwritten. What was read is no backup; begin again.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"instance {change.Id}" };
        if (checkpoint is null)
            return;
        var old = (await BitmapsAsync(client, config, cancellationToken).ConfigureAwait(false)).Where(bitmap => bitmap.Info.Name is { } name && name.StartsWith(CheckpointPrefix, StringComparison.Ordinal)).ToList();
        var kept = old.Select(bitmap => bitmap.Info.Name!).Distinct().OrderDescending(StringComparer.Ordinal).Take(KeptCheckpoints - 1).ToHashSet(StringComparer.Ordinal);
        List<TransactionAction> actions =
        [
            .. disks.Select(disk => NodeOf(config, disk)).SelectMany(node => (TransactionAction[])[Add(node, checkpoint, persistent: true), Merge(node, checkpoint, SinceBegin), Remove(node, SinceBegin)]),
            .. old.Where(bitmap => !kept.Contains(bitmap.Info.Name!)).Select(bitmap => Remove(NodeOf(config, bitmap.Disk), bitmap.Info.Name!)),
        ];
        await change.Root.EffectAsync($"keep the checkpoint in QEMU {change.Id}", async () => await client.TransactionAsync(actions, cancellationToken: cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    /// <summary>Whether a machine that runs has a checkpoint.</summary>
    public static async Task<bool> HasCheckpointAsync(MachineChange change, string checkpoint, CancellationToken cancellationToken) =>
        (await BitmapsAsync(await change.MonitorAsync(cancellationToken).ConfigureAwait(false), change.Config, cancellationToken).ConfigureAwait(false)).Exists(bitmap => bitmap.Info.Name == checkpoint);

    /// <summary>Removes what a session has made in QEMU, except checkpoints. Can be done again.</summary>
    public static async Task CleanAsync(MachineChange change, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        await RemoveExportsAsync(change, client, cancellationToken).ConfigureAwait(false);
        await EndJobsAsync(change, client, cancellationToken).ConfigureAwait(false);
        foreach (var node in await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false))
        {
            if (node.NodeName is { } name && name.StartsWith(Prefix, StringComparison.Ordinal) && node.Drv == ImageFormat.Qcow2)
                await change.Root.EffectAsync($"remove {name} from QEMU {change.Id}", async () => await client.BlockdevDelAsync(name, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }

        foreach (var disk in DisksOf(change.Config).Where(disk => disk.Passphrase is not null))
            await DiskKeys.RemoveAsync(client, BlockNode.PassphraseOf(Prefix + disk.Id), cancellationToken).ConfigureAwait(false);
        await OpenFiles.ReleaseAsync(client, cancellationToken).ConfigureAwait(false);
        foreach (var (disk, bitmap) in await BitmapsAsync(client, change.Config, cancellationToken).ConfigureAwait(false))
        {
            if (bitmap.Name is SinceBegin or Written)
                await change.Root.EffectAsync($"remove {bitmap.Name} from QEMU {change.Id}/{disk}", async () => await client.BlockDirtyBitmapRemoveAsync(NodeOf(change.Config, disk), bitmap.Name, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }

        await StopServerAsync(change, client, cancellationToken).ConfigureAwait(false);
        await DiskKeys.RemoveAsync(client, TlsCredentials, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Forgets the checkpoints of a machine that runs: what is put in the place of its disks was not written by the guest.</summary>
    public static async Task DropCheckpointsAsync(MachineChange change, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        foreach (var (disk, bitmap) in await BitmapsAsync(client, change.Config, cancellationToken).ConfigureAwait(false))
            await change.Root.EffectAsync($"remove a checkpoint from QEMU {change.Id}/{disk}", async () => await client.BlockDirtyBitmapRemoveAsync(NodeOf(change.Config, disk), bitmap.Name!, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static string NodeOf(MachineConfig config, string disk) => config.Disks.First(known => known.Id == disk).NodeName;

    private static IEnumerable<TransactionAction> Moment(DiskConfig moved, bool isTracked, string? since)
    {
        var (disk, node) = (moved.Id, moved.NodeName);
        if (isTracked)
            yield return Add(node, SinceBegin);
        if (since is not null)
        {
            yield return Add(node, Written, disabled: true);
            yield return Merge(node, Written, since);
        }

        yield return new TransactionAction { BlockdevBackup = new BlockdevBackupWrapper { Data = new BlockdevBackup { JobId = Prefix + disk, Device = node, Target = Prefix + disk, Sync = MirrorSyncMode.None } } };
    }

    /// <summary>Made with a name, which is taken from it as soon as QEMU has it open.</summary>
    private static async Task AddOverlayAsync(MachineChange change, QmpClient client, DiskConfig disk, long bytes, CancellationToken cancellationToken)
    {
        var services = change.Services;
        string name = RootedDirectory.UnfinishedPrefix + Prefix + disk.Id;
        string path = StateDirectory.Disk(change.Id, name);
        change.Root.Delete(path);
        // What the guest overwrites is as secret as what it has.
        string? key = disk.Passphrase is null ? null : BlockNode.PassphraseOf(Prefix + disk.Id);
        using (var file = change.Root.CreateFile(path))
        {
            var image = DiskImage.InFile(file, ImageFormat.Qcow2).WithPassphrase(await DiskKeys.GetAsync(services, disk.Passphrase, cancellationToken).ConfigureAwait(false));
            var options = new ImageCreateOptions { KeyDerivationTime = services.Options.KeyDerivationTime };
            await change.Root.EffectAsync($"make image {path}", () => services.Images.CreateAsync(image, new ByteSize(bytes), options, cancellationToken)).ConfigureAwait(false);
        }

        try
        {
            services.Host.RunAs?.Own(change.Root.PathOf(path));
            if (disk.Passphrase is { } passphrase)
                await DiskKeys.AddAsync(change, client, key!, passphrase, isBase64: false, cancellationToken).ConfigureAwait(false);
            await change.Root.EffectAsync($"add {Prefix}{disk.Id} to QEMU {change.Id}", async () => await client.BlockdevAddAsync(new BlockdevOptions
            {
                NodeName = Prefix + disk.Id,
                Qcow2 = new BlockdevOptionsQcow2 { File = new BlockdevOptions { File = new BlockdevOptionsFile { Filename = MachineArguments.DiskPath(name) } }, Backing = disk.NodeName, Encrypt = key is null ? null : new BlockdevQcow2Encryption { Luks = new QCryptoBlockOptionsLUKS { KeySecret = key } } },
            }, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        finally
        {
            change.Root.Delete(path);
        }
    }

    /// <summary>An export is gone when its clients are.</summary>
    private static async Task RemoveExportsAsync(MachineChange change, QmpClient client, CancellationToken cancellationToken)
    {
        using var events = client.Subscribe(QmpEventName.BlockExportDeleted);
        foreach (string id in await ExportsAsync().ConfigureAwait(false))
            await change.Root.EffectAsync($"remove the export {id} of QEMU {change.Id}", async () => await client.BlockExportDelAsync(id, BlockExportRemoveMode.Hard, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        while ((await ExportsAsync().ConfigureAwait(false)).Count > 0)
            await events.ReadAsync(cancellationToken).ConfigureAwait(false);

        async Task<List<string>> ExportsAsync() => [.. (await client.QueryBlockExportsAsync(cancellationToken).ConfigureAwait(false)).Select(export => export.Id).Where(id => id.StartsWith(Prefix, StringComparison.Ordinal))];
    }

    private static async Task EndJobsAsync(MachineChange change, QmpClient client, CancellationToken cancellationToken)
    {
        using var events = client.Subscribe(QmpEventName.JobStatusChange);
        foreach (string id in await JobsAsync().ConfigureAwait(false))
            await change.Root.EffectAsync($"end the job {id} of QEMU {change.Id}", async () => await client.JobCancelAsync(id, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        while ((await JobsAsync().ConfigureAwait(false)).Count > 0)
            await events.ReadAsync(cancellationToken).ConfigureAwait(false);

        async Task<List<string>> JobsAsync() => [.. (await client.QueryJobsAsync(cancellationToken).ConfigureAwait(false)).Select(job => job.Id).Where(id => id.StartsWith(Prefix, StringComparison.Ordinal))];
    }

    /// <summary>Whether a server runs can only be learned by ending it.</summary>
    private static async Task StopServerAsync(MachineChange change, QmpClient client, CancellationToken cancellationToken)
    {
        try
        {
            await change.Root.EffectAsync($"stop the NBD server of QEMU {change.Id}", async () => await client.NbdServerStopAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome == RequestOutcome.Rejected && error.Code == ErrorCode.Unspecified)
        {
            // It did not run.
        }
    }

    private static async Task<List<(string Disk, BlockDirtyInfo Info)>> BitmapsAsync(QmpClient client, MachineConfig config, CancellationToken cancellationToken)
    {
        var disks = DisksOf(config).ToDictionary(disk => disk.NodeName, disk => disk.Id, StringComparer.Ordinal);
        var nodes = await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false);
        return [.. nodes.Where(node => node.NodeName is { } name && disks.ContainsKey(name)).SelectMany(node => (node.DirtyBitmaps ?? []).Where(bitmap => bitmap.Name is not null).Select(bitmap => (disks[node.NodeName!], bitmap)))];
    }

    private static TransactionAction Add(string disk, string name, bool persistent = false, bool disabled = false) => new()
    {
        BlockDirtyBitmapAdd = new BlockDirtyBitmapAddWrapper { Data = new BlockDirtyBitmapAdd { Node = disk, Name = name, Persistent = persistent, Disabled = disabled } },
    };

    private static TransactionAction Merge(string disk, string into, string from) => new()
    {
        BlockDirtyBitmapMerge = new BlockDirtyBitmapMergeWrapper { Data = new BlockDirtyBitmapMerge { Node = disk, Target = into, Bitmaps = [from] } },
    };

    private static TransactionAction Remove(string disk, string name) => new() { BlockDirtyBitmapRemove = new BlockDirtyBitmapWrapper { Data = new BlockDirtyBitmap { Node = disk, Name = name } } };

    private static HypervisorException Unknown(MachineConfig config, string checkpoint, string why) =>
        new($"'{config.Name}' has no checkpoint '{DiskMaker.Echo(checkpoint)}' to go on from: {why}. Take a full backup.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {config.Id}" };
}
