namespace Hypervisor.Sdk;

/// <summary>Saves running instances to disk; <see cref="ICompute.StartAsync"/> goes on where they were.</summary>
public interface ISuspendToDisk
{
    /// <summary>Saves the memory and switches the instance off. A backend may save one that is paused too; it runs when it is started.</summary>
    /// <exception cref="HypervisorException">It does not run, or is suspended already (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Instance>> SuspendAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
