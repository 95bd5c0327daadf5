namespace Hypervisor.Sdk;

/// <summary><see cref="ITemplates"/>, each call through the pipeline.</summary>
internal sealed class TemplatesCalls(ITemplates inner, CallPipeline calls) : ITemplates
{
    public Task<Operation<Instance>> ConvertToTemplateAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("templates.convertToTemplate", id, request, true), (inner, id, request), static (s, token) => s.inner.ConvertToTemplateAsync(s.id, s.request, token), cancellationToken);

    public Task<Operation<Instance>> ConvertToInstanceAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default) =>
        calls.BeginAsync(new("templates.convertToInstance", id, request, true), (inner, id, request), static (s, token) => s.inner.ConvertToInstanceAsync(s.id, s.request, token), cancellationToken);
}
