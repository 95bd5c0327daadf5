namespace Hypervisor.Sdk;

/// <summary>Runs containers.</summary>
public interface IContainerRuntime : ICompute
{
    /// <summary>Creates a container. It is left stopped.</summary>
    /// <param name="spec">What to make. Read before the call returns, and not kept.</param>
    /// <param name="request">The identity of this request: the same <see cref="RequestOptions.RequestId"/> again returns the container that it made.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>), or a field is not acceptable (<see cref="ErrorCode.InvalidArgument"/>, <see cref="ErrorCode.Unsupported"/>).</exception>
    Task<Operation<Instance>> CreateAsync(ContainerSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
