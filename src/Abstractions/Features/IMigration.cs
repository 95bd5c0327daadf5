namespace Hypervisor.Sdk;

/// <summary>Moves instances between nodes, pools and backends of one kind.</summary>
public interface IMigration
{
    /// <summary>Names every obstacle, before anything starts.</summary>
    Task<MigrationCheck> CheckAsync(InstanceId id, MigrationTarget target, CancellationToken cancellationToken = default);

    /// <summary>Moves an instance. On any failure it runs on where it was.</summary>
    Task<Operation<Instance>> MigrateAsync(InstanceId id, MigrationTarget target, MigrationOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
