namespace Hypervisor.Sdk;

/// <summary>Makes and keeps volumes in pools.</summary>
public interface IStorageBackend
{
    /// <summary>The pools, with what is used of them.</summary>
    IAsyncEnumerable<StoragePool> ListPoolsAsync(CancellationToken cancellationToken = default);

    /// <summary>The volumes of a pool.</summary>
    PagedList<Volume> ListVolumes(PoolName pool);

    /// <summary>One volume; null when there is none of that id.</summary>
    Task<Volume?> FindAsync(VolumeId id, CancellationToken cancellationToken = default);

    /// <summary>Makes a volume of zeros.</summary>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>), or the pool is full (<see cref="ErrorCode.Exhausted"/>).</exception>
    Task<Operation<Volume>> CreateAsync(VolumeSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Makes a volume larger. Smaller is refused (<see cref="ErrorCode.InvalidArgument"/>): it would cut off data.</summary>
    Task<Operation<Volume>> ResizeAsync(VolumeId id, ByteSize size, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Makes a volume from a volume.</summary>
    /// <param name="source">The volume, which nobody may be writing to.</param>
    /// <param name="target">What to make; its size is at least the source's, or zero for the same.</param>
    /// <param name="mode">Whether everything is copied, or what is unchanged is shared.</param>
    /// <param name="request">The identity of this request.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    Task<Operation<Volume>> CloneAsync(VolumeId source, VolumeSpec target, CloneMode mode, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes a volume.</summary>
    /// <exception cref="HypervisorException">It is attached (<see cref="ErrorCode.Locked"/>), or linked clones depend on it (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation> DeleteAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Makes a volume reachable for a node. Called by whoever orchestrates, never by a driver that runs instances.</summary>
    /// <exception cref="HypervisorException">Somebody else has it in a way that excludes this (<see cref="ErrorCode.Locked"/>), or the node accepts no kind that this backend has (<see cref="ErrorCode.Unsupported"/>).</exception>
    Task<VolumeLease> AttachAsync(VolumeId id, VolumeConsumer consumer, VolumeAccess access, CancellationToken cancellationToken = default);

    /// <summary>Ends a lease. Ending one that has ended succeeds and does nothing.</summary>
    Task DetachAsync(string leaseId, CancellationToken cancellationToken = default);
}
