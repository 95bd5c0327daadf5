namespace Hypervisor.Sdk;

/// <summary>Turns instances into templates, which are cloned and never started. Templates are listed by <see cref="ICompute.List"/> with <see cref="InstanceFilter.IsTemplate"/>.</summary>
public interface ITemplates
{
    /// <summary>Makes a stopped instance a template. Of one that is a template already nothing changes.</summary>
    /// <exception cref="HypervisorException">It runs, is paused or suspended, or has crashed and is not let go of yet (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Instance>> ConvertToTemplateAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Makes a template an instance again. Of what is no template nothing changes.</summary>
    /// <exception cref="HypervisorException">Linked clones depend on it (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Instance>> ConvertToInstanceAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
