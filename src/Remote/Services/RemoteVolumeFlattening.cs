using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IVolumeFlattening"/> over there.</summary>
internal sealed class RemoteVolumeFlattening(RemoteCalls calls) : IVolumeFlattening
{
    public Task<Operation<Volume>> FlattenAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("volumeFlattening.flatten").With(id).With(request).BeginAsync<Volume>(cancellationToken);

    public static void Serve(ServiceRoutes<IVolumeFlattening> routes) => routes
        .Begin("flatten", static (flattening, call) => flattening.FlattenAsync(call.Next<VolumeId>(), call.Find<RequestOptions>(), call.Token));
}
