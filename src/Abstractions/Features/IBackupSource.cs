namespace Hypervisor.Sdk;

/// <summary>Reads the disks of an instance as they were at one moment, while it runs.</summary>
public interface IBackupSource
{
    /// <summary>Freezes a view of all disks, of one moment.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="options">Since when, and how quiet the guest is at that moment; everything and as it is when null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">
    /// The checkpoint is unknown or was lost (<see cref="ErrorCode.NotFound"/>): take a full backup. The guest is to be quiet and does not run (<see cref="ErrorCode.InvalidState"/>) or its agent does not answer
    /// (<see cref="ErrorCode.Unavailable"/>). Another session reads the instance and the backend has one at a time (<see cref="ErrorCode.Locked"/>).
    /// </exception>
    Task<BackupSession> BeginAsync(InstanceId id, BackupOptions? options = null, CancellationToken cancellationToken = default);
}
