using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="ISnapshots"/> over there.</summary>
internal sealed class RemoteSnapshots(RemoteCalls calls) : ISnapshots
{
    public IAsyncEnumerable<Snapshot> ListAsync(InstanceId id, CancellationToken cancellationToken = default) => calls.Ask("snapshots.list").With(id).ListAsync<Snapshot>(cancellationToken);

    public Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("snapshots.create").With(id).With(spec).With(request).BeginAsync<Snapshot>(cancellationToken);

    public Task<Operation<Instance>> RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("snapshots.revert").With(id).With(name).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Operation> DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("snapshots.delete").With(id).With(name).With(request).BeginAsync(cancellationToken);

    public static void Serve(ServiceRoutes<ISnapshots> routes) => routes
        .List("list", static (snapshots, call) => snapshots.ListAsync(call.Next<InstanceId>(), call.Token))
        .Begin("create", static (snapshots, call) => snapshots.CreateAsync(call.Next<InstanceId>(), call.Next<SnapshotSpec>(), call.Find<RequestOptions>(), call.Token))
        .Begin("revert", static (snapshots, call) => snapshots.RevertAsync(call.Next<InstanceId>(), call.Next<SnapshotName>(), call.Find<RequestOptions>(), call.Token))
        .Begin("delete", static (snapshots, call) => snapshots.DeleteAsync(call.Next<InstanceId>(), call.Next<SnapshotName>(), call.Find<RequestOptions>(), call.Token));
}
