namespace Hypervisor.Sdk;

/// <summary>Ports of the host that lead into instances.</summary>
public interface IPortForwards
{
    /// <summary>Those of an instance.</summary>
    IAsyncEnumerable<PortForward> ListAsync(InstanceId id, CancellationToken cancellationToken = default);

    /// <summary>Adds one.</summary>
    /// <exception cref="HypervisorException">The port of the host that was named is taken, by this instance or another one of the same host: <see cref="ErrorCode.AlreadyExists"/>, <see cref="RequestOutcome.Rejected"/>; whoever has it keeps it. A port
    /// that nobody named is one that is free.</exception>
    Task<PortForward> AddAsync(InstanceId id, PortSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default);

    /// <summary>Removes one.</summary>
    /// <returns>False when there is none.</returns>
    Task<bool> RemoveAsync(InstanceId id, DeviceId forward, RequestOptions? request = null, CancellationToken cancellationToken = default);
}
