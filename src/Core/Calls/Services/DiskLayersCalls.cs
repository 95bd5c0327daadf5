#pragma warning disable HVSDK004 // Experimental: decorated all the same.

namespace Hypervisor.Sdk;

/// <summary><see cref="IDiskLayers"/>, each call through the pipeline.</summary>
internal sealed class DiskLayersCalls(IDiskLayers inner, CallPipeline calls) : IDiskLayers
{
    public IAsyncEnumerable<DiskLayer> ListAsync(InstanceId id, DeviceId disk, CancellationToken cancellationToken = default) =>
        calls.StreamAsync(new("diskLayers.list", id, null, false), (inner, id, disk), static (s, token) => s.inner.ListAsync(s.id, s.disk, token), cancellationToken);

    public Task<Operation<Instance>> AddAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("diskLayers.add", id, request, true), (inner, id, disk, request), static (s, token) => s.inner.AddAsync(s.id, s.disk, s.request, token), cancellationToken);

    public Task<Operation<Instance>> CommitAsync(InstanceId id, DeviceId disk, string layer, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("diskLayers.commit", id, request, true), (inner, id, disk, layer, request), static (s, token) => s.inner.CommitAsync(s.id, s.disk, s.layer, s.request, token), cancellationToken);

    public Task<Operation<Instance>> FlattenAsync(InstanceId id, DeviceId disk, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("diskLayers.flatten", id, request, true), (inner, id, disk, request), static (s, token) => s.inner.FlattenAsync(s.id, s.disk, s.request, token), cancellationToken);
}
