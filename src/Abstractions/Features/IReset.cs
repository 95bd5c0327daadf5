namespace Hypervisor.Sdk;

/// <summary>Presses the reset button: the guest is not asked, unlike <see cref="ICompute.RestartAsync"/>.</summary>
public interface IReset
{
    /// <summary>Resets a running instance. One that is paused stays paused, and boots when it is resumed; one whose guest has crashed boots, where what ran it is still there.</summary>
    /// <exception cref="HypervisorException">Nothing is there that could be reset (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task<Operation<Instance>> ResetAsync(InstanceId id, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
