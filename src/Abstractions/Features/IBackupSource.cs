namespace Hypervisor.Sdk;

/// <summary>Reads the disks of an instance as they were at one moment, while it runs.</summary>
public interface IBackupSource
{
    /// <summary>Freezes a view of all disks.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="sinceCheckpoint">Only what has changed since this checkpoint, which an earlier session left; everything when null.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">The checkpoint is unknown (<see cref="ErrorCode.NotFound"/>): take a full backup.</exception>
    Task<BackupSession> BeginAsync(InstanceId id, string? sinceCheckpoint = null, CancellationToken cancellationToken = default);
}
