namespace Hypervisor.Sdk;

/// <summary>Makes and deletes pools, where a backend can.</summary>
public interface IStoragePools
{
    /// <summary>Makes a pool.</summary>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>), or a setting is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<Operation<StoragePool>> CreatePoolAsync(StoragePoolSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes an empty pool.</summary>
    /// <exception cref="HypervisorException">It holds volumes (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation> DeletePoolAsync(PoolName name, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
