namespace Hypervisor.Sdk.Libvirt;

/// <summary>What libvirt does with snapshots beyond <see cref="ISnapshots"/>. Got from a <see cref="LibvirtBackend"/> that runs machines.</summary>
public interface ILibvirtSnapshots
{
    /// <summary>
    /// Takes a snapshot beside the images of the disks: each goes on in an image of its own upon the one that it had, which stays as it is now. It takes a moment, while the machine runs or not. It is listed,
    /// gone back to and deleted by <see cref="ISnapshots"/>; a deletion writes what came later into the image below, which is work for the daemon.
    /// </summary>
    /// <param name="id">The machine. Its writable disks are volumes that go with it, in pools of files, and it has no snapshots within its images.</param>
    /// <param name="spec">The snapshot, without memory.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    /// <exception cref="HypervisorException">It holds memory, or a disk is none of the machine's own (<see cref="ErrorCode.Unsupported"/>); there are snapshots within the images (<see cref="ErrorCode.InvalidState"/>).</exception>
    /// <remarks>
    /// virDomainSnapshotCreateXML with VIR_DOMAIN_SNAPSHOT_CREATE_DISK_ONLY. libvirt 9.0 deletes such snapshots and does not go back to them; what says <c>externalSnapshot</c> in its capabilities does both
    /// (https://libvirt.org/formatcaps.html). The answer to the capability <c>external-snapshots</c> says which it is.
    /// </remarks>
    Task<Operation<Snapshot>> CreateExternalAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
