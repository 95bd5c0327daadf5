using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="ITemplates"/> over there.</summary>
internal sealed class RemoteTemplates(RemoteCalls calls) : ITemplates
{
    public Task<Operation<Instance>> ConvertToTemplateAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("templates.toTemplate").With(id).With(request).BeginAsync<Instance>(cancellationToken);

    public Task<Operation<Instance>> ConvertToInstanceAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => calls.Change("templates.toInstance").With(id).With(request).BeginAsync<Instance>(cancellationToken);

    public static void Serve(ServiceRoutes<ITemplates> routes) => routes
        .Begin("toTemplate", static (templates, call) => templates.ConvertToTemplateAsync(call.Next<InstanceId>(), call.Find<RequestOptions>(), call.Token))
        .Begin("toInstance", static (templates, call) => templates.ConvertToInstanceAsync(call.Next<InstanceId>(), call.Find<RequestOptions>(), call.Token));
}
