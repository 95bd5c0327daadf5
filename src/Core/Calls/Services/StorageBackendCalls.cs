namespace Hypervisor.Sdk;

/// <summary><see cref="IStorageBackend"/>, each call through the pipeline.</summary>
internal sealed class StorageBackendCalls(IStorageBackend inner, CallPipeline calls) : IStorageBackend
{
    public IAsyncEnumerable<StoragePool> ListPoolsAsync(CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("storageBackend.listPools", null, null, false), inner, static (s, token) => s.ListPoolsAsync(token), cancellationToken);

    public PagedList<Volume> ListVolumes(PoolName pool) =>
        calls.Pages(new("storageBackend.listVolumes", null, null, false), inner.ListVolumes(pool));

    public Task<Volume?> FindAsync(VolumeId id, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("storageBackend.find", null, null, false), (inner, id), static (s, token) => s.inner.FindAsync(s.id, token), cancellationToken);

    public Task<Operation<Volume>> CreateAsync(VolumeSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("storageBackend.create", null, request, true), (inner, spec, request), static (s, token) => s.inner.CreateAsync(s.spec, s.request, token), cancellationToken);

    public Task<Operation<Volume>> ResizeAsync(VolumeId id, ByteSize size, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("storageBackend.resize", null, request, true), (inner, id, size, request), static (s, token) => s.inner.ResizeAsync(s.id, s.size, s.request, token), cancellationToken);

    public Task<Operation<Volume>> CloneAsync(VolumeId source, VolumeSpec target, CloneMode mode, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("storageBackend.clone", null, request, true), (inner, source, target, mode, request), static (s, token) => s.inner.CloneAsync(s.source, s.target, s.mode, s.request, token), cancellationToken);

    public Task<Operation> DeleteAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("storageBackend.delete", null, request, true), (inner, id, request), static (s, token) => s.inner.DeleteAsync(s.id, s.request, token), cancellationToken);

    public Task<VolumeLease> AttachAsync(VolumeId id, VolumeConsumer consumer, VolumeAccess access, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("storageBackend.attach", null, null, true), (inner, id, consumer, access), static (s, token) => s.inner.AttachAsync(s.id, s.consumer, s.access, token), cancellationToken);

    public Task DetachAsync(string leaseId, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("storageBackend.detach", null, null, true), (inner, leaseId), static (s, token) => s.inner.DetachAsync(s.leaseId, token), cancellationToken);
}
