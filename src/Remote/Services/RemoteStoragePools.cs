using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IStoragePools"/> over there.</summary>
internal sealed class RemoteStoragePools(RemoteCalls calls) : IStoragePools
{
    public Task<Operation<StoragePool>> CreatePoolAsync(StoragePoolSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("storagePools.create").With(spec).With(request).BeginAsync<StoragePool>(cancellationToken);

    public Task<Operation> DeletePoolAsync(PoolName name, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("storagePools.delete").With(name).With(request).BeginAsync(cancellationToken);

    public static void Serve(ServiceRoutes<IStoragePools> routes) => routes
        .Begin("create", static (pools, call) => pools.CreatePoolAsync(call.Next<StoragePoolSpec>(), call.Find<RequestOptions>(), call.Token))
        .Begin("delete", static (pools, call) => pools.DeletePoolAsync(call.Next<PoolName>(), call.Find<RequestOptions>(), call.Token));
}
