using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>Hands out IP addresses. Its full form comes with its first driver.</summary>
[Experimental(ExperimentalIds.AddressManagement)]
public interface IAddressManagement
{
    /// <summary>Reserves an address in a subnet.</summary>
    /// <exception cref="HypervisorException">The preferred address is taken (<see cref="ErrorCode.AlreadyExists"/>), or none is free (<see cref="ErrorCode.Exhausted"/>).</exception>
    Task<AddressReservation> ReserveAsync(Cidr subnet, AddressRequest request, CancellationToken cancellationToken = default);

    /// <summary>Gives an address back.</summary>
    /// <returns>False when it was not reserved.</returns>
    Task<bool> ReleaseAsync(Cidr address, CancellationToken cancellationToken = default);
}
