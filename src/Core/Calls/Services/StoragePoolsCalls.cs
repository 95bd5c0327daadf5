namespace Hypervisor.Sdk;

/// <summary><see cref="IStoragePools"/>, each call through the pipeline.</summary>
internal sealed class StoragePoolsCalls(IStoragePools inner, CallPipeline calls) : IStoragePools
{
    public Task<Operation<StoragePool>> CreatePoolAsync(StoragePoolSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("storagePools.createPool", null, request, true), (inner, spec, request), static (s, token) => s.inner.CreatePoolAsync(s.spec, s.request, token), cancellationToken);

    public Task<Operation> DeletePoolAsync(PoolName name, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("storagePools.deletePool", null, request, true), (inner, name, request), static (s, token) => s.inner.DeletePoolAsync(s.name, s.request, token), cancellationToken);
}
