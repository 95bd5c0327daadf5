#pragma warning disable HVSDK004 // Experimental: a driver of it.
using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.DiskStorage;

/// <summary>Moves disks to other images and puts images upon them, by block jobs of the daemon's, which it has for what runs only.</summary>
internal sealed class LibvirtDiskStorage(LibvirtParts parts) : IDiskMoving, IDiskLayers
{
    public async IAsyncEnumerable<DiskLayer> ListAsync(InstanceId id, DeviceId disk, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var facts = await parts.Work.RequireAsync(id, cancellationToken).ConfigureAwait(false);
        var known = Require(facts, disk);
        if (facts.IsActive)
        {
            foreach (var (path, format) in known.Layers)
                yield return new DiskLayer { Name = path, Format = format, IsOwn = IsOwn(facts, path) };
            yield break;
        }

        // What does not run is described by its uppermost image only: the volumes say what lies below.
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var (next, form) = (known.Source, known.Format ?? "raw");
        for (int depth = 0; next is { } path && depth < DomainDisk.MaxLayers; depth++)
        {
            yield return new DiskLayer { Name = path, Format = form, IsOwn = IsOwn(facts, path) };
            (next, form) = await BelowAsync(libvirt, path, cancellationToken).ConfigureAwait(false);
        }
    }

    public Task<Operation<Instance>> AddAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) => BeginAsync(id, disk, request, mustRun: false, async (change, record, known, token) =>
    {
        if (record.Disks.GetValueOrDefault(known.Target) is not { Volume: not null } own)
            throw Refused(change.Before, ErrorCode.Unsupported, $"has the disk '{known.Target}', which is somebody else's: images are put upon the machine's own");
        var made = await LibvirtDisks.MakeImageAsync(change.Libvirt, change.Before, known, own, known.Source, token).ConfigureAwait(false);
        try
        {
            const uint Flags = (uint)(VirDomainSnapshotCreateFlags.DiskOnly | VirDomainSnapshotCreateFlags.NoMetadata | VirDomainSnapshotCreateFlags.ReuseExt | VirDomainSnapshotCreateFlags.Atomic);
            string xml = SnapshotDocument.Upon(known.Target, made.Path, (change.Before.Live ?? change.Before.Config).Disks);
            await change.DoAsync(SnapshotAsync(change, xml, Flags)).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected)
        {
            await LibvirtDisks.TryDeleteAsync(change.Libvirt, made.Record, CancellationToken.None).ConfigureAwait(false);
            throw;
        }

        record.Files[InstanceRecord.LayerOf(own.Volume!)] = own;
        record.Disks[known.Target] = made.Record with { SizeBytes = own.SizeBytes };
    }, cancellationToken);

    public Task<Operation<Instance>> CommitAsync(InstanceId id, DeviceId disk, string layer, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(layer);
        return BeginAsync(id, disk, request, mustRun: true, async (change, record, known, token) =>
        {
            var layers = known.Layers.Select(one => one.Path).ToList();
            int index = layers.IndexOf(layer);
            if (index < 0)
                throw NotFound(change.Before, $"the disk '{known.Target}' has no image '{layer}': {string.Join(", ", layers)}");
            if (index + 1 >= layers.Count || !IsOwn(change.Before, layer) || !IsOwn(change.Before, layers[index + 1]))
                throw Refused(change.Before, ErrorCode.InvalidState, $"has nothing of its own below '{layer}': what lies there is not this machine's to write to. The disk can be made to stand alone (flattened)");
            var job = new BlockJob(change, known.Target, "writing into the image below", parts.Time);
            var flags = index == 0 ? VirDomainBlockCommitFlags.Active : VirDomainBlockCommitFlags.None;
            await RunAsync(job, change.Libvirt.DomainBlockCommitAsync(change.Domain, known.Target, layers[index + 1], layer, 0, (uint)flags, token), index == 0, token).ConfigureAwait(false);
            await RequireAsync(job, now => now.Layers.All(left => left.Path != layer), known.Target).ConfigureAwait(false);
            await change.DoAsync(ValueTask.CompletedTask).ConfigureAwait(false);
            await LeaveAsync(change, record, known.Target, [layer], index == 0 ? layers[1] : null).ConfigureAwait(false);
        }, cancellationToken);
    }

    public Task<Operation<Instance>> FlattenAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) => BeginAsync(id, disk, request, mustRun: true, async (change, record, known, token) =>
    {
        var below = known.Layers.Skip(1).Select(one => one.Path).ToList();
        if (below.Count == 0)
            return;
        var job = new BlockJob(change, known.Target, "copying what lies below", parts.Time);
        await RunAsync(job, change.Libvirt.DomainBlockPullAsync(change.Domain, known.Target, 0, 0, token), pivots: false, token).ConfigureAwait(false);
        await RequireAsync(job, now => now.Layers.Count == 1, known.Target).ConfigureAwait(false);
        await change.DoAsync(ValueTask.CompletedTask).ConfigureAwait(false);
        await LeaveAsync(change, record, known.Target, below, null).ConfigureAwait(false);
    }, cancellationToken);

    public Task<Operation<Instance>> MoveAsync(InstanceId id, DeviceId disk, VolumeAttachment? target, DiskMoveOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (options?.MaxBandwidthPerSecond is { Bytes: < 1 } bandwidth)
            throw Refusal.Invalid("options.maxBandwidthPerSecond", $"{bandwidth} a second is no bandwidth: 1 byte or more.");
        if (options?.Passphrase is not null)
            throw Refusal.Unsupported("options.passphrase", "encrypted disks are not supported over libvirt.");
        if (target is not null and not (VolumeAttachment.File or VolumeAttachment.BlockDevice))
            throw Refusal.Unsupported("target", $"an attachment of the kind '{target.Kind}' is not supported over libvirt; a file or a block device of the daemon's host is.");
        return BeginAsync(id, disk, request, mustRun: true, async (change, record, known, token) =>
        {
            var before = record.Disks.GetValueOrDefault(known.Target);
            var size = await change.Libvirt.DomainGetBlockInfoAsync(change.Domain, known.Target, 0, token).ConfigureAwait(false);
            (InstanceRecord.DiskRecord? made, string path, string format, bool isBlock) = target switch
            {
                VolumeAttachment.File file => (null, file.Path, file.Format, false),
                VolumeAttachment.BlockDevice device => (null, device.Path, "raw", true),
                _ => await MakeAsync(change, known, (long)size.Capacity, token).ConfigureAwait(false),
            };
            if (path == known.Source)
                throw Refusal.Invalid("target", $"the disk '{disk}' is there.");
            var old = known.Layers.Select(one => one.Path).ToList();
            VirTypedParameter[] limits = options?.MaxBandwidthPerSecond is { } most ? [new("bandwidth", VirTypedValue.From((ulong)most.Bytes))] : [];
            var job = new BlockJob(change, known.Target, "copying the disk", parts.Time);
            try
            {
                const uint Flags = (uint)(VirDomainBlockCopyFlags.ReuseExt | VirDomainBlockCopyFlags.TransientJob);
                await RunAsync(job, change.Libvirt.DomainBlockCopyAsync(change.Domain, known.Target, DomainDisk.CopyTo(path, format, isBlock), limits, Flags, token), pivots: true, token).ConfigureAwait(false);
                await RequireAsync(job, now => now.Source == path, known.Target).ConfigureAwait(false);
            }
            catch (Exception error) when (made is not null && error is OperationCanceledException or HypervisorException { Outcome: RequestOutcome.NotSent or RequestOutcome.Rejected })
            {
                await LibvirtDisks.TryDeleteAsync(change.Libvirt, made, CancellationToken.None).ConfigureAwait(false);
                throw;
            }

            await LeaveAsync(change, record, known.Target, old, null).ConfigureAwait(false);
            record.Disks[known.Target] = made is null ? new((long)size.Capacity, null, null, false) : made with { SizeBytes = (long)size.Capacity, IsDeletedWithInstance = before is not { Volume: not null } || before.IsDeletedWithInstance };
        }, cancellationToken);
    }

    private async Task<(InstanceRecord.DiskRecord? Record, string Path, string Format, bool IsBlock)> MakeAsync(DomainChange change, DomainDisk known, long size, CancellationToken cancellationToken)
    {
        var made = await LibvirtDisks.MakeImageAsync(change.Libvirt, change.Before, known, new(size, parts.Options.Pool.ToString(), null, true), null, cancellationToken).ConfigureAwait(false);
        return (made.Record, made.Path, "qcow2", false);
    }

    /// <summary>Begins a job and waits for its end; one that nobody wants any more is ended.</summary>
    private static async Task RunAsync(BlockJob job, ValueTask begun, bool pivots, CancellationToken cancellationToken)
    {
        await begun.ConfigureAwait(false);
        try
        {
            if (pivots)
                await job.PivotAsync(cancellationToken).ConfigureAwait(false);
            else
                await job.EndAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await job.AbortAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A daemon says of a job that has ended only that there is none: what it has left tells.</summary>
    private static async Task RequireAsync(BlockJob job, Func<DomainDisk, bool> holds, string target)
    {
        if (!holds(await job.LookAsync(CancellationToken.None).ConfigureAwait(false)))
            throw new HypervisorException($"The daemon's job at the disk '{target}' has ended and did not do what it was to do: its log says why. The disk reads as before.", ErrorCode.Unspecified, RequestOutcome.Rejected);
    }

    /// <summary>Deletes the images that nothing lies upon any more, those that are the machine's own.</summary>
    /// <param name="change">The change.</param>
    /// <param name="record">What is kept about the machine.</param>
    /// <param name="target">The disk.</param>
    /// <param name="images">The images' paths.</param>
    /// <param name="uppermost">Which image is written to now, where that is one of the layers; null where it is what it was.</param>
    public static async Task LeaveAsync(DomainChange change, InstanceRecord record, string target, IReadOnlyList<string> images, string? uppermost)
    {
        foreach (string path in images)
        {
            string name = Path.GetFileName(path);
            if (record.Disks.GetValueOrDefault(target) is { Volume: { } volume } own && volume == name)
            {
                await LibvirtDisks.TryDeleteAsync(change.Libvirt, own, CancellationToken.None).ConfigureAwait(false);
                record.Disks.Remove(target);
            }
            else if (record.Files.Remove(InstanceRecord.LayerOf(name), out var layer))
            {
                await LibvirtDisks.TryDeleteAsync(change.Libvirt, layer, CancellationToken.None).ConfigureAwait(false);
            }
        }

        if (uppermost is not null && record.Files.Remove(InstanceRecord.LayerOf(Path.GetFileName(uppermost)), out var now))
            record.Disks[target] = now;
    }

    private Task<Operation<Instance>> BeginAsync(InstanceId id, DeviceId disk, RequestOptions? request, bool mustRun, Func<DomainChange, InstanceRecord, DomainDisk, CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        if (disk.IsDefault)
            throw new ArgumentException("A disk is needed.", nameof(disk));
        return parts.Work.ChangeAsync(
            WorkKinds.DiskStorage, id, request,
            facts =>
            {
                var known = Require(facts, disk);
                if (known.IsReadOnly)
                    throw Refused(facts, ErrorCode.Unsupported, $"cannot write to '{disk}', which stays what it is");
                if (mustRun && facts.State != PowerState.Running && facts.State != PowerState.Paused)
                    throw Refused(facts, ErrorCode.InvalidState, $"is {facts.State}: libvirt works on the images of what runs. Start it first");
                if (facts.State == PowerState.Suspended)
                    throw Refused(facts, ErrorCode.InvalidState, "is suspended, and what was saved names its images. Start it first");
            },
            async (change, token) =>
            {
                int snapshots = await change.Libvirt.DomainSnapshotNumAsync(change.Domain, 0, token).ConfigureAwait(false);
                if (snapshots > 0)
                    throw Refused(change.Before, ErrorCode.InvalidState, $"has {snapshots} snapshot{(snapshots == 1 ? "" : "s")}, which need the disk '{disk}' as it is: delete what holds it first");
                await change.BeginAsync(token).ConfigureAwait(false);
                var record = InstanceRecord.Read(change.Before.Config.Root);
                await work(change, record, Require(change.Before, disk), token).ConfigureAwait(false);
                await change.WriteRecordAsync(record).ConfigureAwait(false);
                await change.EndAsync(CancellationToken.None).ConfigureAwait(false);
            }, cancellationToken);
    }

    private static async ValueTask SnapshotAsync(DomainChange change, string xml, uint flags) => await change.Libvirt.DomainSnapshotCreateXmlAsync(change.Domain, xml, flags, CancellationToken.None).ConfigureAwait(false);

    private static async Task<(string? Path, string Format)> BelowAsync(LibvirtConnection libvirt, string path, CancellationToken cancellationToken)
    {
        try
        {
            var volume = await libvirt.StorageVolLookupByPathAsync(path, cancellationToken).ConfigureAwait(false);
            var below = BoundedXml.Read(await libvirt.StorageVolGetXmlDescAsync(volume, 0, cancellationToken).ConfigureAwait(false), "volume").Element("backingStore");
            return (below?.Element("path")?.Value, below?.Element("format")?.Attribute("type")?.Value ?? "raw");
        }
        catch (LibvirtException error) when (error.Code == ErrorCode.NotFound)
        {
            return (null, "raw");
        }
    }

    private static bool IsOwn(DomainFacts facts, string path) =>
        facts.Record.Disks.Values.Concat(facts.Record.Files.Values).Any(own => own is { IsDeletedWithInstance: true, Volume: { } volume } && Path.GetFileName(path) == volume);

    private static DomainDisk Require(DomainFacts facts, DeviceId disk) =>
        (facts.Live ?? facts.Config).Disks.FirstOrDefault(known => known.Target == disk.ToString() && known is { IsFloppy: false, IsSeed: false }) ?? throw NotFound(facts, $"'{facts.View.Name}' has no disk '{disk}'");

    private static HypervisorException NotFound(DomainFacts facts, string why) => new($"There is no such thing: {why}.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"instance {facts.Id}" };

    private static HypervisorException Refused(DomainFacts facts, ErrorCode code, string why) => new($"'{facts.View.Name}' {why}.", code, RequestOutcome.Rejected) { Resource = $"instance {facts.Id}" };
}
