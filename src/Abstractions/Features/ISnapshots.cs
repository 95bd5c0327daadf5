namespace Hypervisor.Sdk;

/// <summary>Keeps states of an instance to come back to. Snapshots form a tree: each has the one that was current when it was made as its parent.</summary>
public interface ISnapshots
{
    /// <summary>The snapshots of an instance, parents before their children.</summary>
    IAsyncEnumerable<Snapshot> ListAsync(InstanceId id, CancellationToken cancellationToken = default);

    /// <summary>Makes a snapshot of all disks at one moment, and of the memory where asked. A backend may refuse one of an instance that is suspended or has crashed.</summary>
    /// <exception cref="HypervisorException">It is a template; or there is no memory to keep (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Goes back to a snapshot. What was written since is gone. With memory, the instance runs afterwards as it did then; without, it is left stopped when it was stopped then or started anew when it runs or is paused now.</summary>
    Task<Operation<Instance>> RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes a snapshot. Its children become children of its parent.</summary>
    Task<Operation> DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
