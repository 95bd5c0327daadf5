using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IStorageBackend"/> over there.</summary>
internal sealed class RemoteStorage(RemoteCalls calls) : IStorageBackend
{
    public IAsyncEnumerable<StoragePool> ListPoolsAsync(CancellationToken cancellationToken = default) => calls.Ask("storage.listPools").ListAsync<StoragePool>(cancellationToken);

    public PagedList<Volume> ListVolumes(PoolName pool) => new RemotePages<Volume>(() => calls.Ask("storage.listVolumes").With(pool));

    public Task<Volume?> FindAsync(VolumeId id, CancellationToken cancellationToken = default) => calls.Ask("storage.find").With(id).FindAsync<Volume>(cancellationToken);

    public Task<Operation<Volume>> CreateAsync(VolumeSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("storage.create").With(spec).With(request).BeginAsync<Volume>(cancellationToken);

    public Task<Operation<Volume>> ResizeAsync(VolumeId id, ByteSize size, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("storage.resize").With(id).With(size).With(request).BeginAsync<Volume>(cancellationToken);

    public Task<Operation<Volume>> CloneAsync(VolumeId source, VolumeSpec target, CloneMode mode, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("storage.clone").With(source).With(target).With(mode).With(request).BeginAsync<Volume>(cancellationToken);

    public Task<Operation> DeleteAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("storage.delete").With(id).With(request).BeginAsync(cancellationToken);

    public Task<VolumeLease> AttachAsync(VolumeId id, VolumeConsumer consumer, VolumeAccess access, CancellationToken cancellationToken = default) =>
        calls.Change("storage.attach").With(id).With(consumer).With(access).SendAsync<VolumeLease>(cancellationToken);

    public Task DetachAsync(string leaseId, CancellationToken cancellationToken = default) => calls.Change("storage.detach").With(leaseId).SendAsync(cancellationToken);

    public static void Serve(ServiceRoutes<IStorageBackend> routes) => routes
        .List("listPools", static (storage, call) => storage.ListPoolsAsync(call.Token))
        .Page("listVolumes", static (storage, call) => storage.ListVolumes(call.Next<PoolName>()))
        .Answer("find", static (storage, call) => storage.FindAsync(call.Next<VolumeId>(), call.Token))
        .Begin("create", static (storage, call) => storage.CreateAsync(call.Next<VolumeSpec>(), call.Find<RequestOptions>(), call.Token))
        .Begin("resize", static (storage, call) => storage.ResizeAsync(call.Next<VolumeId>(), call.Next<ByteSize>(), call.Find<RequestOptions>(), call.Token))
        .Begin("clone", static (storage, call) => storage.CloneAsync(call.Next<VolumeId>(), call.Next<VolumeSpec>(), call.Next<CloneMode>(), call.Find<RequestOptions>(), call.Token))
        .Begin("delete", static (storage, call) => storage.DeleteAsync(call.Next<VolumeId>(), call.Find<RequestOptions>(), call.Token))
        .Answer("attach", static (storage, call) => storage.AttachAsync(call.Next<VolumeId>(), call.Next<VolumeConsumer>(), call.Next<VolumeAccess>(), call.Token))
        .Do("detach", static (storage, call) => storage.DetachAsync(call.Next<string>(), call.Token));
}
