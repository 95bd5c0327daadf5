#pragma warning disable HVSDK004 // Experimental: decorated all the same.

namespace Hypervisor.Sdk;

/// <summary><see cref="IDiskMoving"/>, each call through the pipeline.</summary>
internal sealed class DiskMovingCalls(IDiskMoving inner, CallPipeline calls) : IDiskMoving
{
    public Task<Operation<Instance>> MoveAsync(InstanceId id, DeviceId disk, VolumeAttachment? target, DiskMoveOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("diskMoving.move", id, request, true), (inner, id, disk, target, options, request), static (s, token) => s.inner.MoveAsync(s.id, s.disk, s.target, s.options, s.request, token), cancellationToken);
}
