using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Storage;

/// <summary>Finds volumes, and who needs them.</summary>
internal sealed class LibvirtVolumes(LibvirtParts parts)
{
    /// <summary>How many volumes are asked about before the first has answered.</summary>
    private const int AtATime = 256;

    private static readonly string[] s_filePools = ["dir", "fs", "netfs", "gluster", "vstorage"];

    /// <summary>Whether a kind of pool keeps its volumes as files, which have formats and can lie upon each other.</summary>
    public static bool IsFiles(string kind) => s_filePools.Contains(kind);

    public Task<LibvirtConnection> ConnectionAsync(CancellationToken cancellationToken) => parts.Link.GetAsync(cancellationToken).AsTask();

    /// <summary>What a pool is made of, in libvirt's words.</summary>
    public static async Task<string> KindOfAsync(LibvirtConnection libvirt, VirStoragePool pool, CancellationToken cancellationToken) =>
        BoundedXml.Read(await libvirt.StoragePoolGetXmlDescAsync(pool, 0, cancellationToken).ConfigureAwait(false), "pool").Attribute("type")?.Value ?? "";

    /// <summary>The volume that an id addresses; null when there is none.</summary>
    public async Task<VolumeFacts?> FindAsync(VolumeId id, CancellationToken cancellationToken)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        string text = id.ToString();
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0)
            return null;
        try
        {
            VirStorageVol volume;
            if (slash == 0)
            {
                // Disks of machines are known by their paths.
                volume = await libvirt.StorageVolLookupByPathAsync(text, cancellationToken).ConfigureAwait(false);
            }
            else
            {
                var pool = await libvirt.StoragePoolLookupByNameAsync(text[..slash], cancellationToken).ConfigureAwait(false);
                volume = await libvirt.StorageVolLookupByNameAsync(pool, text[(slash + 1)..], cancellationToken).ConfigureAwait(false);
            }

            return VolumeFacts.Read(volume, await libvirt.StorageVolGetXmlDescAsync(volume, 0, cancellationToken).ConfigureAwait(false));
        }
        catch (LibvirtException error) when (IsMissing(error))
        {
            return null;
        }
    }

    /// <summary>The same where it must be there.</summary>
    /// <exception cref="HypervisorException">It is not (<see cref="ErrorCode.NotFound"/>), or not at the revision that is expected (<see cref="ErrorCode.Conflict"/>).</exception>
    public async Task<VolumeFacts> RequireAsync(VolumeId id, RequestOptions? request, CancellationToken cancellationToken)
    {
        var facts = await FindAsync(id, cancellationToken).ConfigureAwait(false)
            ?? throw new HypervisorException($"There is no volume '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"volume {id}" };
        return request?.IfRevision is { } revision && revision != facts.Revision
            ? throw new HypervisorException($"The volume '{id}' is not at revision {revision} any more but at {facts.Revision}.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"volume {id}" }
            : facts;
    }

    /// <summary>The volumes of a pool.</summary>
    /// <exception cref="HypervisorException">There is no such pool (<see cref="ErrorCode.NotFound"/>).</exception>
    public static async Task<IReadOnlyList<VolumeFacts>> ListAsync(LibvirtConnection libvirt, string poolName, CancellationToken cancellationToken)
    {
        var pool = await libvirt.StoragePoolLookupByNameAsync(poolName, cancellationToken).ConfigureAwait(false);
        if (await libvirt.StoragePoolIsActiveAsync(pool, cancellationToken).ConfigureAwait(false) == 0)
            return [];
        var found = new List<VolumeFacts>();
        foreach (var some in (await libvirt.StoragePoolListAllVolumesAsync(pool, 1, 0, cancellationToken).ConfigureAwait(false)).Vols.Chunk(AtATime))
            found.AddRange((await Task.WhenAll(some.Select(volume => ReadAsync(libvirt, volume, cancellationToken))).ConfigureAwait(false)).OfType<VolumeFacts>());
        return found;
    }

    /// <summary>The model's volumes: what one lies upon is a volume too where it is one.</summary>
    public static async Task<IReadOnlyCollection<Volume>> ViewAsync(LibvirtConnection libvirt, IReadOnlyList<VolumeFacts> volumes, CancellationToken cancellationToken)
    {
        var known = volumes.ToDictionary(volume => volume.Path, volume => volume.Id, StringComparer.Ordinal);
        foreach (string path in volumes.Select(volume => volume.Backing).OfType<string>().Distinct().Where(path => !known.ContainsKey(path)).ToList())
        {
            try
            {
                var volume = await libvirt.StorageVolLookupByPathAsync(path, cancellationToken).ConfigureAwait(false);
                known[path] = VolumeFacts.IdOf(volume.Pool, volume.Name);
            }
            catch (LibvirtException error) when (IsMissing(error))
            {
                // It lies upon something that no pool has: the path is all that is known of it.
                known[path] = VolumeId.Parse(path);
            }
        }

        return [.. volumes.Where(volume => PoolName.TryParse(volume.Native.Pool, null, out _)).Select(volume => volume.View(volume.Backing is { } backing ? known[backing] : null))];
    }

    public async Task<Volume> ViewAsync(VolumeFacts volume, CancellationToken cancellationToken) =>
        (await ViewAsync(await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false), [volume], cancellationToken).ConfigureAwait(false)).Single();

    /// <summary>Refuses a volume that a machine has: any machine, or one that may be writing to it now.</summary>
    /// <exception cref="HypervisorException">One has (<see cref="ErrorCode.Locked"/>).</exception>
    public async Task RefuseUsedAsync(VolumeFacts volume, bool evenByThoseThatAreOff, CancellationToken cancellationToken)
    {
        foreach (var domain in await parts.Domains.ListAsync(cancellationToken).ConfigureAwait(false))
        {
            var disks = (domain.Live?.Disks ?? []).Concat(evenByThoseThatAreOff ? domain.Config.Disks : []);
            if (new[] { domain.Live, evenByThoseThatAreOff ? domain.Config : null }.Any(document => document?.Devices("filesystem").Any(system => system.Element("source")?.Attribute("file")?.Value == volume.Path) ?? false))
                throw VolumeLeases.Locked(volume.Id, $"it is a file system of '{domain.Config.Name}'");
            if (disks.Any(disk => (evenByThoseThatAreOff || !disk.IsReadOnly) && (disk.Source == volume.Path || disk.Source == volume.Id.ToString())))
                throw VolumeLeases.Locked(volume.Id, $"it is a disk of '{domain.Config.Name}'");
        }
    }

    /// <summary>Refuses a volume that others of its pool lie upon.</summary>
    /// <exception cref="HypervisorException">They do (<see cref="ErrorCode.InvalidState"/>).</exception>
    public async Task RefuseClonedAsync(VolumeFacts volume, string what, CancellationToken cancellationToken)
    {
        if (!volume.IsFile)
            return;
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        if ((await ListAsync(libvirt, volume.Native.Pool, cancellationToken).ConfigureAwait(false)).FirstOrDefault(other => other.Backing == volume.Path) is { } clone)
            throw new HypervisorException($"The volume '{volume.Id}' cannot be {what}: '{clone.Id}' is a linked clone of it.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"volume {volume.Id}" };
    }

    public static bool IsMissing(LibvirtException error) => error.Number is VirErrorNumber.ErrNoStorageVol or VirErrorNumber.ErrNoStoragePool;

    private static async Task<VolumeFacts?> ReadAsync(LibvirtConnection libvirt, VirStorageVol volume, CancellationToken cancellationToken)
    {
        try
        {
            return VolumeFacts.Read(volume, await libvirt.StorageVolGetXmlDescAsync(volume, 0, cancellationToken).ConfigureAwait(false));
        }
        catch (LibvirtException)
        {
            // It went between the list and the look at it, or its file did: one bad file does not hide the others.
            return null;
        }
    }
}
