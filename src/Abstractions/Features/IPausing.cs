namespace Hypervisor.Sdk;

/// <summary>Holds instances in memory.</summary>
public interface IPausing
{
    /// <summary>Stops the guest's processors. Pausing a paused instance succeeds and does nothing.</summary>
    /// <exception cref="HypervisorException">It does not run (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Instance>> PauseAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Lets them go on. Resuming a running instance succeeds and does nothing.</summary>
    /// <exception cref="HypervisorException">It is neither paused nor running (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Instance>> ResumeAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
