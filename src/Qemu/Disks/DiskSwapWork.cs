using System.Globalization;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.Qmp;
using Hypervisor.Sdk.Qemu.State;
using ImageFormat = Hypervisor.Sdk.DiskImages.ImageFormat;

namespace Hypervisor.Sdk.Qemu.Disks;

/// <summary>
/// Brings a disk onto other images. A running QEMU does it by a job that waits at its end (<c>auto-finalize</c> off): there the old images and the new read the same and the guest's writes are held, and that is where the configuration is
/// written. Before that everything is undone, after it everything is finished, by the same code after a failure and after a crash.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class DiskSwapWork
{
    /// <summary>The granularity of QEMU's mirror, and the buffer that it takes by itself.</summary>
    private const long LeastBufferBytes = 64 << 10;
    private const long MostBufferBytes = 16 << 20;

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    /// <summary>Does it.</summary>
    /// <exception cref="HypervisorException">It failed or was cancelled, and the disk is as it was.</exception>
    public static async Task RunAsync(MachineChange change, DiskSwap swap, CancellationToken cancellationToken)
    {
        try
        {
            if (swap.IsLive)
                await LiveAsync(change, swap, cancellationToken).ConfigureAwait(false);
            else
                await AtRestAsync(change, swap, cancellationToken).ConfigureAwait(false);
            Save(change, swap.After);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException or IOException)
        {
            // What the connection is worth is not known after a call that failed.
            await change.CloseMonitorAsync().ConfigureAwait(false);
            if (!swap.IsDecided(change.Config))
            {
                await UndoAsync(change, swap, CancellationToken.None).ConfigureAwait(false);
                throw;
            }
        }

        await FinishAsync(change, swap, CancellationToken.None).ConfigureAwait(false);
    }

    /// <summary>What comes after the configuration was written. Can be done again.</summary>
    public static async Task FinishAsync(MachineChange change, DiskSwap swap, CancellationToken cancellationToken)
    {
        if (swap.IsLive)
        {
            await UnlessEndedAsync(change, async client =>
            {
                if (swap.Kind == DiskSwap.Add)
                    await LayAsync(change, client, swap, cancellationToken).ConfigureAwait(false);
                else
                    await FinalizeAsync(change, client, swap, cancellationToken).ConfigureAwait(false);
                foreach (string node in swap.Nodes)
                    await CloseAsync(change, client, node, cancellationToken).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
        }

        foreach (string file in swap.Obsolete)
            change.Root.Delete(StateDirectory.Disk(change.Id, file));
    }

    /// <summary>Removes what was done before the configuration was written. Can be done again.</summary>
    public static async Task UndoAsync(MachineChange change, DiskSwap swap, CancellationToken cancellationToken)
    {
        if (swap.IsLive)
        {
            await UnlessEndedAsync(change, async client =>
            {
                if (await FindAsync(client, cancellationToken).ConfigureAwait(false) is { } job)
                {
                    if (job.Status != JobStatus.Concluded)
                        await change.Root.EffectAsync($"end the job of QEMU {change.Id}", async () => await client.JobCancelAsync(DiskSwap.Job, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
                    await ConcludeAsync(change, client, cancellationToken).ConfigureAwait(false);
                }

                if (swap.Kind is DiskSwap.Add or DiskSwap.Move)
                {
                    await CloseAsync(change, client, swap.After.NodeName, cancellationToken).ConfigureAwait(false);
                    if (swap.After.Passphrase is not null)
                        await DiskKeys.RemoveAsync(client, BlockNode.PassphraseOf(swap.After.NodeName), cancellationToken).ConfigureAwait(false);
                }

                await OpenFiles.ReleaseAsync(client, cancellationToken).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
        }

        if (swap.Made is { } made)
            change.Root.Delete(StateDirectory.Disk(change.Id, made));
    }

    /// <summary>Does something in QEMU, if there is one. With its end all that was within it is gone.</summary>
    private static async Task UnlessEndedAsync(MachineChange change, Func<QmpClient, Task> action, CancellationToken cancellationToken)
    {
        if (change.ReadLiveRecord() is not { } record || Machine.Hold(record) is not { } process)
            return;
        using (process)
        {
            try
            {
                await action(await change.MonitorAsync(cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            }
            catch (BackendConnectionException)
            {
                await change.CloseMonitorAsync().ConfigureAwait(false);
                // Its connections end a moment before it does.
                if (await Task.WhenAny(process.Exited, Task.Delay(s_patience, change.Services.Time, cancellationToken)).ConfigureAwait(false) != process.Exited)
                    throw;
            }
        }
    }

    private static async Task LiveAsync(MachineChange change, DiskSwap swap, CancellationToken cancellationToken)
    {
        var client = await change.MonitorAsync(cancellationToken).ConfigureAwait(false);
        if (swap.Made is not null)
            await MakeAsync(change, swap, cancellationToken).ConfigureAwait(false);
        if (swap.Kind is DiskSwap.Add or DiskSwap.Move)
            await OpenFiles.AddDiskAsync(change, client, swap.After with { Backing = [] }, cancellationToken).ConfigureAwait(false);
        if (swap.Kind == DiskSwap.Add)
            return;
        if (swap.Kind == DiskSwap.Move)
            RequireSize(swap, (await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false)).First(node => node.NodeName == swap.After.NodeName).Image.VirtualSize);
        change.Progress.Say(Words(swap), 0);
        await change.Root.EffectAsync($"begin the job of QEMU {change.Id}", async () => await StartAsync(client, swap, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        bool isCompleted = false;
        while (await FindAsync(client, cancellationToken).ConfigureAwait(false) is var job && job?.Status != JobStatus.Pending)
        {
            if (job is null || job.Status == JobStatus.Concluded)
                throw Failed(swap, job);
            if (job.Status == JobStatus.Ready && !isCompleted)
            {
                isCompleted = true;
                await change.Root.EffectAsync($"complete the job of QEMU {change.Id}", async () => await client.JobCompleteAsync(DiskSwap.Job, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
            }

            change.Progress.Say(Words(swap), job.TotalProgress == 0 ? 0 : Math.Min(1, job.CurrentProgress / (double)job.TotalProgress));
            await Task.Delay(s_look, change.Services.Time, cancellationToken).ConfigureAwait(false);
        }

        if (NodeToFlush(swap) is { } node)
            await change.Root.EffectAsync($"flush image in QEMU {change.Id}/{node}", () => FlushAsync(client, node, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>
    /// What the job has copied into, where QEMU keeps the tables of that image in its memory: they are on the disk before anything says that the data is there and not in what was copied from. A mirror flushes its target itself.
    /// </summary>
    private static string? NodeToFlush(DiskSwap swap) => swap.Kind switch
    {
        DiskSwap.Flatten => swap.Before.NodeName,
        DiskSwap.Commit when swap.Layer > 0 => swap.Before.Backing[swap.Layer].Node,
        _ => null,
    };

    /// <summary>QMP has no command for it, its monitor for people has one, which says nothing where all is well.</summary>
    private static async Task FlushAsync(QmpClient client, string node, CancellationToken cancellationToken)
    {
        string said = await client.HumanMonitorCommandAsync($"qemu-io {node} flush", cancellationToken: cancellationToken).ConfigureAwait(false);
        if (said.Length > 0)
            throw new HypervisorException($"QEMU did not write out the image of '{node}': {said.Trim()}", ErrorCode.Unspecified, RequestOutcome.FailedMidway) { BackendMessage = said.Trim() };
    }

    private static ValueTask StartAsync(QmpClient client, DiskSwap swap, CancellationToken cancellationToken) => swap.Kind switch
    {
        DiskSwap.Flatten => client.BlockStreamAsync(new BlockStreamArguments { JobId = DiskSwap.Job, Device = swap.Before.NodeName, AutoFinalize = false, AutoDismiss = false }, cancellationToken),
        DiskSwap.Commit => client.BlockCommitAsync(
            new BlockCommitArguments
            {
                JobId = DiskSwap.Job,
                Device = swap.Before.NodeName,
                TopNode = swap.Layer == 0 ? null : swap.Before.Backing[swap.Layer - 1].Node,
                BaseNode = swap.Before.Backing[swap.Layer].Node,
                // What the header of the image above says from then on.
                BackingFile = swap.Layer == 0 ? null : swap.Before.Backing[swap.Layer].File,
                AutoFinalize = false,
                AutoDismiss = false,
            }, cancellationToken),
        _ => client.BlockdevMirrorAsync(
            new BlockdevMirrorArguments
            {
                JobId = DiskSwap.Job,
                Device = swap.Before.NodeName,
                Target = swap.After.NodeName,
                Sync = MirrorSyncMode.Full,
                // However much the guest writes, it comes to an end.
                CopyMode = MirrorCopyMode.WriteBlocking,
                Speed = swap.BytesPerSecond,
                // What is on its way counts as copied: at most a second's worth.
                BufSize = swap.BytesPerSecond is { } speed ? Math.Clamp(speed, LeastBufferBytes, MostBufferBytes) : null,
                AutoFinalize = false,
                AutoDismiss = false,
            }, cancellationToken),
    };

    /// <summary>The machine does not run: nobody else writes to its images.</summary>
    private static async Task AtRestAsync(MachineChange change, DiskSwap swap, CancellationToken cancellationToken)
    {
        var images = change.Services.Images;
        var keyOfSource = await DiskKeys.GetAsync(change.Services, swap.Before.Passphrase, cancellationToken).ConfigureAwait(false);
        var source = Chain(change, swap.Before, 0, keyOfSource);
        change.Progress.Say(Words(swap), 0);
        switch (swap.Kind)
        {
            case DiskSwap.Add:
                await MakeAsync(change, swap, cancellationToken).ConfigureAwait(false);
                break;
            case DiskSwap.Flatten:
                await change.Root.EffectAsync($"flatten image {change.Id}/{swap.Before.File ?? swap.Before.Id}", () => images.FlattenAsync(source, change.Progress, cancellationToken)).ConfigureAwait(false);
                Flush(change, swap.Before.File);
                break;
            case DiskSwap.Commit:
                await change.Root.EffectAsync($"commit image {change.Id}/{swap.Obsolete[0]}", () => images.CommitAsync(Chain(change, swap.Before, swap.Layer, keyOfSource), change.Progress, cancellationToken)).ConfigureAwait(false);
                Flush(change, swap.Before.Backing[swap.Layer].File);
                if (swap.Layer > 0)
                    await NameBelowAsync(change, swap, cancellationToken).ConfigureAwait(false);
                break;
            case DiskSwap.Move when swap.Made is { } made:
                string path = StateDirectory.Disk(change.Id, made);
                using (var file = change.Root.CreateFile(path))
                {
                    var own = DiskImage.InFile(file, swap.After.Format).WithPassphrase(await DiskKeys.GetAsync(change.Services, swap.After.Passphrase, cancellationToken).ConfigureAwait(false));
                    var options = new ImageCreateOptions { KeyDerivationTime = change.Services.Options.KeyDerivationTime };
                    await change.Root.EffectAsync($"copy image {path}", () => images.ConvertAsync(source, own, options, change.Progress, cancellationToken)).ConfigureAwait(false);
                    change.Root.FlushFile(file, path);
                }

                change.Root.FlushDirectory(StateDirectory.Disks(change.Id));
                break;
            default:
                await CopyElsewhereAsync(change, swap, source, cancellationToken).ConfigureAwait(false);
                break;
        }
    }

    private static async Task CopyElsewhereAsync(MachineChange change, DiskSwap swap, DiskImage source, CancellationToken cancellationToken)
    {
        var images = change.Services.Images;
        using var file = swap.After.ExternalPath is { } place ? MachineLauncher.OpenElsewhere(change.Services.Options, place, writable: true) : null;
        var target = file is null ? At(swap.After.Remote!) : DiskImage.InFile(file, swap.After.Format);
        if (swap.After.IsDevice)
            target = target.AsDevice();
        target = target.WithPassphrase(await DiskKeys.GetAsync(change.Services, swap.After.Passphrase, cancellationToken).ConfigureAwait(false));
        try
        {
            RequireSize(swap, (await images.GetInfoAsync(target, cancellationToken: cancellationToken).ConfigureAwait(false)).VirtualSize.Bytes);
            await change.Root.EffectAsync($"copy image {change.Id}/{swap.Before.Id}", () => images.CopyIntoAsync(source, target, change.Progress, cancellationToken)).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (DiskKeys.WrongKey([swap.After, swap.Before], error.BackendMessage, error) is { } wrong)
        {
            throw wrong;
        }

        if (file is not null)
            RandomAccess.FlushToDisk(file);
    }

    /// <summary>How large it is, is known once it is open.</summary>
    private static void RequireSize(DiskSwap swap, long bytes)
    {
        if (bytes != swap.Before.SizeBytes)
            throw SpecProblem.Invalid("target", $"it has {bytes} bytes, and the disk '{swap.Before.Id}' has {swap.Before.SizeBytes}: a disk moves to a volume of exactly its size");
    }

    private static DiskImage At(RemoteConfig remote) => DiskImage.AtNbd(remote.Socket, remote.Host, remote.Port, remote.Name);

    /// <summary>What a disk's size is, where only what opens it knows.</summary>
    public static async Task<long> SizeOfAsync(MachineChange change, DiskConfig disk, bool isOpen, CancellationToken cancellationToken)
    {
        if (isOpen)
            return (await (await change.MonitorAsync(cancellationToken).ConfigureAwait(false)).QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false)).First(node => node.NodeName == disk.NodeName).Image.VirtualSize;
        var image = Chain(change, disk, 0, await DiskKeys.GetAsync(change.Services, disk.Passphrase, cancellationToken).ConfigureAwait(false));
        return (await change.Services.Images.GetInfoAsync(image, cancellationToken: cancellationToken).ConfigureAwait(false)).VirtualSize.Bytes;
    }

    /// <summary>Writes into the header of the image above a merged one what lies below it now. Both read the same.</summary>
    private static async Task NameBelowAsync(MachineChange change, DiskSwap swap, CancellationToken cancellationToken)
    {
        string? above = swap.Layer == 1 ? swap.Before.File : swap.Before.Backing[swap.Layer - 2].File;
        var below = swap.Before.Backing[swap.Layer];
        string path = StateDirectory.Disk(change.Id, above!);
        using var file = change.Root.OpenFile(path, FileAccess.ReadWrite);
        var image = await DiskKeys.OwnImageAsync(change, above!, file, cancellationToken).ConfigureAwait(false);
        await change.Root.EffectAsync($"name what is below {path}", () => change.Services.Images.SetBackingAsync(image, below.File, below.Format, cancellationToken)).ConfigureAwait(false);
        change.Root.FlushFile(file, path);
    }

    /// <summary>Makes the empty image that a disk grows into.</summary>
    private static async Task MakeAsync(MachineChange change, DiskSwap swap, CancellationToken cancellationToken)
    {
        string path = StateDirectory.Disk(change.Id, swap.Made!);
        using (var file = change.Root.CreateFile(path))
        {
            bool isUpon = swap.Kind == DiskSwap.Add;
            var options = new ImageCreateOptions { BackingFile = isUpon ? swap.Before.File : null, BackingFormat = isUpon ? swap.Before.Format : null, KeyDerivationTime = change.Services.Options.KeyDerivationTime };
            var image = DiskImage.InFile(file, ImageFormat.Qcow2).WithPassphrase(await DiskKeys.GetAsync(change.Services, swap.After.Passphrase, cancellationToken).ConfigureAwait(false));
            await change.Root.EffectAsync($"make image {path}", () => change.Services.Images.CreateAsync(image, new ByteSize(swap.Before.SizeBytes), options, cancellationToken)).ConfigureAwait(false);
            change.Root.FlushFile(file, path);
        }

        change.Root.FlushDirectory(StateDirectory.Disks(change.Id));
        change.Services.Host.RunAs?.Own(change.Root.PathOf(path));
    }

    /// <summary>Lays the new image upon the disk, unless it lies there.</summary>
    private static async Task LayAsync(MachineChange change, QmpClient client, DiskSwap swap, CancellationToken cancellationToken)
    {
        var drives = await client.QueryBlockAsync(cancellationToken).ConfigureAwait(false);
        if (drives.All(drive => drive.Inserted?.NodeName != swap.After.NodeName))
            await change.Root.EffectAsync($"lay image in QEMU {change.Id}/{swap.After.NodeName}", async () => await client.BlockdevSnapshotAsync(swap.Before.NodeName, swap.After.NodeName, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async Task FinalizeAsync(MachineChange change, QmpClient client, DiskSwap swap, CancellationToken cancellationToken)
    {
        if (await FindAsync(client, cancellationToken).ConfigureAwait(false) is not { } job)
            return;
        if (job.Status == JobStatus.Pending)
            await change.Root.EffectAsync($"finalize the job of QEMU {change.Id}", async () => await client.JobFinalizeAsync(DiskSwap.Job, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        job = await ConcludeAsync(change, client, cancellationToken).ConfigureAwait(false);
        if (job.Error is null)
            return;
        // It gave up at the last moment: the guest goes on where it was, and nothing was written elsewhere.
        Save(change, swap.Before);
        await UndoAsync(change, swap, cancellationToken).ConfigureAwait(false);
        throw Failed(swap, job);
    }

    private static async Task<JobInfo> ConcludeAsync(MachineChange change, QmpClient client, CancellationToken cancellationToken)
    {
        var job = await client.WaitForJobAsync(DiskSwap.Job, JobStatus.Concluded, cancellationToken).ConfigureAwait(false);
        await change.Root.EffectAsync($"forget the job of QEMU {change.Id}", async () => await client.JobDismissAsync(DiskSwap.Job, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        return job;
    }

    private static async Task CloseAsync(MachineChange change, QmpClient client, string node, CancellationToken cancellationToken)
    {
        var nodes = await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: cancellationToken).ConfigureAwait(false);
        if (nodes.Any(known => known.NodeName == node))
            await change.Root.EffectAsync($"close image in QEMU {change.Id}/{node}", async () => await client.BlockdevDelAsync(node, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static async Task<JobInfo?> FindAsync(QmpClient client, CancellationToken cancellationToken) =>
        (await client.QueryJobsAsync(cancellationToken).ConfigureAwait(false)).FirstOrDefault(job => job.Id == DiskSwap.Job);

    private static void Save(MachineChange change, DiskConfig disk) =>
        change.Save(change.Config with { Disks = [.. change.Config.Disks.Select(other => other.Id == disk.Id ? disk : other)] });

    private static void Flush(MachineChange change, string? name)
    {
        if (name is null)
            return;
        string path = StateDirectory.Disk(change.Id, name);
        using var file = change.Root.OpenFile(path, FileAccess.ReadWrite);
        change.Root.FlushFile(file, path);
    }

    /// <summary>The images of a disk from one of them on down.</summary>
    private static DiskImage Chain(MachineChange change, DiskConfig disk, int first, Secret? key)
    {
        if (disk.Remote is { } remote)
            return At(remote).WithPassphrase(key);
        var layers = disk.Backing.Select(below => (below.File, below.ExternalPath, below.Format, below.IsEncrypted)).Prepend((disk.File, disk.ExternalPath, disk.Format, IsEncrypted: disk.Passphrase is not null)).Skip(first);
        var image = layers.Reverse().Aggregate(
            (DiskImage?)null,
            (below, layer) => DiskImage.At(layer.ExternalPath ?? change.Root.PathOf(StateDirectory.Disk(change.Id, layer.File!)), layer.Format).WithPassphrase(layer.IsEncrypted ? key : null).WithBacking(below))!;
        return disk.IsDevice ? image.AsDevice() : image;
    }

    private static string Words(DiskSwap swap) => swap.Kind switch
    {
        DiskSwap.Add => $"laying an image upon {swap.Before.Id}",
        DiskSwap.Commit => string.Create(CultureInfo.InvariantCulture, $"merging {swap.Obsolete[0]} into what is below it"),
        DiskSwap.Flatten => $"copying what is below {swap.Before.Id}",
        _ => $"moving {swap.Before.Id}",
    };

    private static HypervisorException Failed(DiskSwap swap, JobInfo? job) => new(
        $"The disk '{swap.Before.Id}' is where it was: {Words(swap)} failed: {job?.Error ?? "QEMU's job ended before its time"}.",
        job?.Error?.Contains("No space left", StringComparison.Ordinal) ?? false ? ErrorCode.Exhausted : ErrorCode.Unspecified, RequestOutcome.FailedMidway) { BackendMessage = job?.Error };
}
