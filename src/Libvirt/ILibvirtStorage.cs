using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>What libvirt does with volumes and pools beyond <see cref="IStorageBackend"/>. Got from a <see cref="LibvirtBackend"/>.</summary>
public interface ILibvirtStorage
{
    /// <summary>Looks again at what is in a pool: what others have put there is listed afterwards.</summary>
    /// <exception cref="HypervisorException">There is no such pool (<see cref="ErrorCode.NotFound"/>), or it is not up (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task RefreshAsync(PoolName pool, CancellationToken cancellationToken = default);

    /// <summary>Overwrites what a volume holds. The volume stays.</summary>
    /// <param name="id">The volume, which nobody may have.</param>
    /// <param name="algorithm">With what. Zeros, or the patterns of a standard: those take several passes.</param>
    /// <param name="cancellationToken">Ends the wait: the daemon goes on.</param>
    /// <exception cref="HypervisorException">It is a disk of a machine or attached (<see cref="ErrorCode.Locked"/>), linked clones depend on it (<see cref="ErrorCode.InvalidState"/>), or the daemon cannot do the pattern.</exception>
    /// <remarks>virStorageVolWipePattern. On storage that writes elsewhere than it reads (flash, snapshots, copy on write) the old content can survive.</remarks>
    Task WipeAsync(VolumeId id, VirStorageVolWipeAlgorithm algorithm = VirStorageVolWipeAlgorithm.Zero, CancellationToken cancellationToken = default);
}
