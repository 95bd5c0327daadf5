using System.Net;

namespace Hypervisor.Sdk;

/// <summary>What a program in the guest says about it.</summary>
public interface IGuestAgent
{
    /// <summary>Asks it.</summary>
    /// <exception cref="HypervisorException">It does not answer (<see cref="ErrorCode.Unavailable"/>).</exception>
    Task<GuestInfo> GetInfoAsync(InstanceId id, CancellationToken cancellationToken = default);
}
