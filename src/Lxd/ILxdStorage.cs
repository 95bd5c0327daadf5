namespace Hypervisor.Sdk.Lxd;

/// <summary>What LXD and Incus do with custom volumes beyond <see cref="IStorageBackend"/>: backups as streams, and snapshots. Got from an <see cref="LxdBackend"/>.</summary>
/// <remarks>Their volumes are trees of files or disks with a configuration; what goes in and out is the servers' own archive of both (API extensions <c>custom_volume_backup</c>, <c>storage_api_volume_snapshots</c>).</remarks>
public interface ILxdStorage
{
    /// <summary>Opens a backup of a volume, made for it: a compressed archive that <see cref="ImportAsync"/> takes, at this server or another of its kind. Dispose the stream to end it: the backup is deleted at the server then.</summary>
    /// <param name="id">The volume. What is written to it meanwhile may be in it or not.</param>
    /// <param name="withSnapshots">Whether its snapshots are in it too. Default true.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">There is no such volume (<see cref="ErrorCode.NotFound"/>), or the server has no room for the backup (<see cref="ErrorCode.Exhausted"/>).</exception>
    Task<Stream> ExportAsync(VolumeId id, bool withSnapshots = true, CancellationToken cancellationToken = default);

    /// <summary>Makes a volume from a backup. The server checks the configuration in it against what the project allows. When it fails, nothing is left behind.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="name">What the volume is to be called.</param>
    /// <param name="backup">The archive, read to its end; not disposed.</param>
    /// <param name="request">The identity of this request.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>) or is none (<see cref="ErrorCode.InvalidArgument"/>), there is no such pool (<see cref="ErrorCode.NotFound"/>), or the stream is no backup.</exception>
    Task<Volume> ImportAsync(PoolName pool, string name, Stream backup, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>The snapshots of a volume, by their names.</summary>
    /// <exception cref="HypervisorException">There is no such volume (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<IReadOnlyList<LxdVolumeSnapshot>> ListSnapshotsAsync(VolumeId id, CancellationToken cancellationToken = default);

    /// <summary>Keeps what a volume holds now.</summary>
    /// <param name="id">The volume.</param>
    /// <param name="name">What the snapshot is to be called: 1 to 63 letters, digits, '-', '_' and '.', the first of them a letter or a digit.</param>
    /// <param name="expiresAt">When the server deletes it by itself. Default: never.</param>
    /// <param name="cancellationToken">Ends the wait: the server goes on.</param>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>) or is none (<see cref="ErrorCode.InvalidArgument"/>), or there is no such volume (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<LxdVolumeSnapshot> TakeSnapshotAsync(VolumeId id, string name, DateTimeOffset? expiresAt = null, CancellationToken cancellationToken = default);

    /// <summary>Makes a volume what it was: what was written since is lost.</summary>
    /// <param name="id">The volume, which no running container may have.</param>
    /// <param name="name">The snapshot.</param>
    /// <param name="cancellationToken">Ends the wait: the server goes on.</param>
    /// <exception cref="HypervisorException">There is no such volume or snapshot (<see cref="ErrorCode.NotFound"/>), or somebody has it (<see cref="ErrorCode.Locked"/>).</exception>
    Task RestoreSnapshotAsync(VolumeId id, string name, CancellationToken cancellationToken = default);

    /// <summary>Deletes a snapshot.</summary>
    /// <param name="id">The volume.</param>
    /// <param name="name">The snapshot.</param>
    /// <param name="cancellationToken">Ends the wait: the server goes on.</param>
    /// <exception cref="HypervisorException">There is no such volume or snapshot (<see cref="ErrorCode.NotFound"/>).</exception>
    Task DeleteSnapshotAsync(VolumeId id, string name, CancellationToken cancellationToken = default);
}
