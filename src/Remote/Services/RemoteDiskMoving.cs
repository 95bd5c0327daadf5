using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IDiskMoving"/> over there.</summary>
internal sealed class RemoteDiskMoving(RemoteCalls calls) : IDiskMoving
{
    public Task<Operation<Instance>> MoveAsync(InstanceId id, DeviceId disk, VolumeAttachment? target, DiskMoveOptions? options = null, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.Change("diskMoving.move").With(id).With(disk).With(target).With(options).With(request).BeginAsync<Instance>(cancellationToken);

    public static void Serve(ServiceRoutes<IDiskMoving> routes) => routes
        .Begin("move", static (moving, call) => moving.MoveAsync(call.Next<InstanceId>(), call.Next<DeviceId>(), call.Find<VolumeAttachment>(), call.Find<DiskMoveOptions>(), call.Find<RequestOptions>(), call.Token));
}
