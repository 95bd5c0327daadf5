namespace Hypervisor.Sdk;

/// <summary>Ports of the host that lead into instances.</summary>
public interface IPortForwards
{
    /// <summary>Those of an instance.</summary>
    IAsyncEnumerable<PortForward> ListAsync(InstanceId id, CancellationToken cancellationToken = default);

    /// <summary>Adds one.</summary>
    /// <exception cref="HypervisorException">The port is taken (<see cref="ErrorCode.AlreadyExists"/>).</exception>
    Task<PortForward> AddAsync(InstanceId id, PortSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Removes one.</summary>
    /// <returns>False when there is none.</returns>
    Task<bool> RemoveAsync(InstanceId id, DeviceId forward, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
