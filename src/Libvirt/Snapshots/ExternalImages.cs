using Hypervisor.Sdk.Libvirt.DiskStorage;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Snapshots;

/// <summary>
/// The images that disks go on in after a snapshot beside what they had. They are volumes of the machine's own, made before the snapshot for the daemon to use, so that its pools know them; which the machine has is written down when the
/// daemon has gone over to others.
/// </summary>
internal sealed class ExternalImages(DomainChange change)
{
    private readonly List<(string Target, InstanceRecord.DiskRecord Below, InstanceRecord.DiskRecord Made, string Path)> _made = [];

    /// <summary>Whether the daemon was asked to use what was made: it may.</summary>
    public bool IsAsked { get; private set; }

    /// <summary>The disk that no image can be put upon, as it is not one of the machine's own volumes or not the one that is written down; null where there is none.</summary>
    public static DomainDisk? FindForeign(DomainFacts facts) => WritableOf(facts.Live ?? facts.Config).FirstOrDefault(disk =>
        facts.Record.Disks.GetValueOrDefault(disk.Target) is not { Volume: { } volume, IsDeletedWithInstance: true } || disk.Source is not { } source || Path.GetFileName(source) != volume);

    /// <summary>Makes an empty image for each disk.</summary>
    public async Task MakeAsync(CancellationToken cancellationToken)
    {
        try
        {
            foreach (var disk in WritableOf(change.Before.Live ?? change.Before.Config))
            {
                var below = change.Before.Record.Disks[disk.Target];
                var (made, path) = await LibvirtDisks.MakeImageAsync(change.Libvirt, change.Before, disk, below, disk.Source, cancellationToken).ConfigureAwait(false);
                _made.Add((disk.Target, below, made, path));
            }
        }
        catch
        {
            await ForgetAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes the snapshot; what was made goes again where the daemon says no.</summary>
    public async Task TakeAsync(string name, string? description)
    {
        const uint Flags = (uint)(VirDomainSnapshotCreateFlags.DiskOnly | VirDomainSnapshotCreateFlags.ReuseExt | VirDomainSnapshotCreateFlags.Atomic);
        string xml = SnapshotDocument.External(name, description, (change.Before.Live ?? change.Before.Config).Disks, _made.ToDictionary(one => one.Target, one => one.Path));
        IsAsked = true;
        try
        {
            await change.DoAsync(AskAsync(xml, Flags)).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected)
        {
            await ForgetAsync().ConfigureAwait(false);
            throw;
        }

        var record = InstanceRecord.Read(change.Before.Config.Root);
        foreach (var (target, below, made, _) in _made)
        {
            record.Files[InstanceRecord.LayerOf(below.Volume!)] = below;
            record.Disks[target] = made with { SizeBytes = below.SizeBytes };
        }

        await change.WriteRecordAsync(record).ConfigureAwait(false);
    }

    /// <summary>Deletes what was made and is not used.</summary>
    public async Task ForgetAsync()
    {
        foreach (var (_, _, made, _) in _made)
            await LibvirtDisks.TryDeleteAsync(change.Libvirt, made, CancellationToken.None).ConfigureAwait(false);
        _made.Clear();
    }

    /// <summary>After a snapshot was deleted: its images were written into those below them and are the machine's no more.</summary>
    public static async Task LeaveAsync(DomainChange change, SnapshotDocument deleted)
    {
        var now = await ConfigAsync(change).ConfigureAwait(false);
        var record = InstanceRecord.Read(now.Root);
        foreach (var (target, path) in deleted.ExternalImages)
        {
            if (now.Disks.FirstOrDefault(disk => disk.Target == target)?.Source is { } uppermost && uppermost != path)
                await LibvirtDiskStorage.LeaveAsync(change, record, target, [path], uppermost).ConfigureAwait(false);
        }

        await change.WriteRecordAsync(record).ConfigureAwait(false);
    }

    /// <summary>
    /// Writes down which images the domain is on: after it has gone back, as the daemon has made images of its own for it and deleted those that nothing needs any more, and where a snapshot was taken whose answer was lost.
    /// </summary>
    public static async Task RecountAsync(DomainChange change)
    {
        var libvirt = change.Libvirt;
        var now = await ConfigAsync(change).ConfigureAwait(false);
        var record = InstanceRecord.Read(now.Root);
        var known = change.Before.Record.Disks.Concat(change.Before.Record.Files.Where(file => file.Key.StartsWith(InstanceRecord.LayerOf(""), StringComparison.Ordinal))).Concat(record.Disks)
            .Select(one => one.Value).Where(one => one is { Pool: not null, Volume: not null }).DistinctBy(one => (one.Pool, one.Volume)).ToList();
        foreach (string pool in known.Select(one => one.Pool!).Distinct(StringComparer.Ordinal))
            await LibvirtDisks.TryRefreshAsync(libvirt, pool).ConfigureAwait(false);
        foreach (var disk in WritableOf(now))
        {
            if (record.Disks.GetValueOrDefault(disk.Target) is not { Volume: not null } below || disk.Source is not { } path || Path.GetFileName(path) == below.Volume)
                continue;
            record.Disks[disk.Target] = below with { Volume = Path.GetFileName(path) };
        }

        var used = record.Disks.Values.Select(one => (one.Pool, one.Volume)).ToHashSet();
        foreach (var one in known.Where(one => !used.Contains((one.Pool, one.Volume))))
        {
            if (await IsThereAsync(libvirt, one).ConfigureAwait(false))
                record.Files[InstanceRecord.LayerOf(one.Volume!)] = one;
            else
                record.Files.Remove(InstanceRecord.LayerOf(one.Volume!));
        }

        await change.WriteRecordAsync(record).ConfigureAwait(false);
    }

    private async ValueTask AskAsync(string xml, uint flags) => await change.Libvirt.WithTimeout(Timeout.InfiniteTimeSpan).DomainSnapshotCreateXmlAsync(change.Domain, xml, flags, CancellationToken.None).ConfigureAwait(false);

    private static async Task<bool> IsThereAsync(LibvirtConnection libvirt, InstanceRecord.DiskRecord volume)
    {
        var pool = await libvirt.StoragePoolLookupByNameAsync(volume.Pool!, CancellationToken.None).ConfigureAwait(false);
        return (await libvirt.StoragePoolListAllVolumesAsync(pool, 1, 0, CancellationToken.None).ConfigureAwait(false)).Vols.Any(one => one.Name == volume.Volume);
    }

    private static async Task<DomainDocument> ConfigAsync(DomainChange change) =>
        DomainDocument.Parse(await change.Libvirt.DomainGetXmlDescAsync(change.Domain, LibvirtDomains.Inactive, CancellationToken.None).ConfigureAwait(false));

    private static IEnumerable<DomainDisk> WritableOf(DomainDocument domain) => domain.Disks.Where(disk => disk is { IsCd: false, IsFloppy: false, IsReadOnly: false });
}
