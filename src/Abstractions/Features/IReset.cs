namespace Hypervisor.Sdk;

/// <summary>Presses the reset button: the guest is not asked, unlike <see cref="ICompute.RestartAsync"/>.</summary>
public interface IReset
{
    /// <summary>Resets a running instance.</summary>
    Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
