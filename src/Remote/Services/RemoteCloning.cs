using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="ICloning"/> over there.</summary>
internal sealed class RemoteCloning(RemoteCalls calls) : ICloning
{
    public async Task<Operation<Instance>> CloneAsync(InstanceId source, CloneSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        calls.Check(spec.Name);
        return await calls.Change("cloning.clone").With(source).With(spec).With(request).BeginAsync<Instance>(cancellationToken).ConfigureAwait(false);
    }

    public static void Serve(ServiceRoutes<ICloning> routes) => routes
        .Begin("clone", static (cloning, call) => cloning.CloneAsync(call.Next<InstanceId>(), call.Next<CloneSpec>(), call.Find<RequestOptions>(), call.Token));
}
