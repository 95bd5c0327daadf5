namespace Hypervisor.Sdk;

/// <summary><see cref="ISnapshots"/>, each call through the pipeline.</summary>
internal sealed class SnapshotsCalls(ISnapshots inner, CallPipeline calls) : ISnapshots
{
    public IAsyncEnumerable<Snapshot> ListAsync(InstanceId id, CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("snapshots.list", id, null, false), (inner, id), static (s, token) => s.inner.ListAsync(s.id, token), cancellationToken);

    public Task<Operation<Snapshot>> CreateAsync(InstanceId id, SnapshotSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("snapshots.create", id, request, true), (inner, id, spec, request), static (s, token) => s.inner.CreateAsync(s.id, s.spec, s.request, token), cancellationToken);

    public Task<Operation<Instance>> RevertAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("snapshots.revert", id, request, true), (inner, id, name, request), static (s, token) => s.inner.RevertAsync(s.id, s.name, s.request, token), cancellationToken);

    public Task<Operation> DeleteAsync(InstanceId id, SnapshotName name, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("snapshots.delete", id, request, true), (inner, id, name, request), static (s, token) => s.inner.DeleteAsync(s.id, s.name, s.request, token), cancellationToken);
}
