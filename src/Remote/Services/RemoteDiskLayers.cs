using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IDiskLayers"/> over there.</summary>
internal sealed class RemoteDiskLayers(RemoteCalls calls) : IDiskLayers
{
    public IAsyncEnumerable<DiskLayer> ListAsync(InstanceId id, DeviceId disk, CancellationToken cancellationToken = default) => calls.Ask("diskLayers.list").With(id).With(disk).ListAsync<DiskLayer>(cancellationToken);

    public Task<Operation<Instance>> AddAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("diskLayers.add").With(id).With(disk).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Operation<Instance>> CommitAsync(InstanceId id, DeviceId disk, string layer, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("diskLayers.commit").With(id).With(disk).With(layer).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Operation<Instance>> FlattenAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("diskLayers.flatten").With(id).With(disk).With(request).BeginAsync<Instance>(cancellationToken);

    public static void Serve(ServiceRoutes<IDiskLayers> routes) => routes
        .List("list", static (layers, call) => layers.ListAsync(call.Next<InstanceId>(), call.Next<DeviceId>(), call.Token))
        .Begin("add", static (layers, call) => layers.AddAsync(call.Next<InstanceId>(), call.Next<DeviceId>(), call.Find<RequestOptions>(), call.Token))
        .Begin("commit", static (layers, call) => layers.CommitAsync(call.Next<InstanceId>(), call.Next<DeviceId>(), call.Next<string>(), call.Find<RequestOptions>(), call.Token))
        .Begin("flatten", static (layers, call) => layers.FlattenAsync(call.Next<InstanceId>(), call.Next<DeviceId>(), call.Find<RequestOptions>(), call.Token));
}
