namespace Hypervisor.Sdk;

/// <summary>Saves running instances to disk; <see cref="ICompute.StartAsync"/> goes on where they were.</summary>
public interface ISuspendToDisk
{
    /// <summary>Saves the memory and switches the instance off.</summary>
    Task<Operation<Instance>> SuspendAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
