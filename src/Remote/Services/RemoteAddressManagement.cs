using Hypervisor.Sdk.Remote.Calls;
using Hypervisor.Sdk.Remote.Serving;

namespace Hypervisor.Sdk.Remote.Services;

/// <summary><see cref="IAddressManagement"/> over there.</summary>
internal sealed class RemoteAddressManagement(RemoteCalls calls) : IAddressManagement
{
    public Task<AddressReservation> ReserveAsync(Cidr subnet, AddressRequest request, CancellationToken cancellationToken = default) =>
        calls.Change("addresses.reserve").With(subnet).With(request).SendAsync<AddressReservation>(cancellationToken);

    public Task<bool> ReleaseAsync(Cidr address, CancellationToken cancellationToken = default) => calls.Change("addresses.release").With(address).SendAsync<bool>(cancellationToken);

    public static void Serve(ServiceRoutes<IAddressManagement> routes) => routes
        .Answer("reserve", static (addresses, call) => addresses.ReserveAsync(call.Next<Cidr>(), call.Next<AddressRequest>(), call.Token))
        .Answer("release", static (addresses, call) => addresses.ReleaseAsync(call.Next<Cidr>(), call.Token));
}
