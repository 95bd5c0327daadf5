using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Storage;

/// <content>What libvirt has beyond the role.</content>
internal sealed partial class LibvirtStorage : ILibvirtStorage
{
    public async Task RefreshAsync(PoolName pool, CancellationToken cancellationToken = default)
    {
        if (pool.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(pool));
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        await libvirt.StoragePoolRefreshAsync(await libvirt.StoragePoolLookupByNameAsync(pool.ToString(), cancellationToken).ConfigureAwait(false), 0, cancellationToken).ConfigureAwait(false);
    }

    public async Task WipeAsync(VolumeId id, VirStorageVolWipeAlgorithm algorithm = VirStorageVolWipeAlgorithm.Zero, CancellationToken cancellationToken = default)
    {
        RefuseDefault(id);
        cancellationToken.ThrowIfCancellationRequested();
        await RefuseDeletionAsync(id, null, cancellationToken).ConfigureAwait(false);
        var facts = await _volumes.RequireAsync(id, null, cancellationToken).ConfigureAwait(false);
        string lease = parts.Server.Leases.Take(facts.Id, VolumeAccess.SingleWriter, "work that wipes it");
        try
        {
            var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
            await libvirt.WithTimeout(Timeout.InfiniteTimeSpan).StorageVolWipePatternAsync(facts.Native, (uint)algorithm, 0, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            parts.Server.Leases.End(lease);
        }
    }
}
