#pragma warning disable HVSDK003 // Experimental: decorated all the same.

namespace Hypervisor.Sdk;

/// <summary><see cref="IAddressManagement"/>, each call through the pipeline.</summary>
internal sealed class AddressManagementCalls(IAddressManagement inner, CallPipeline calls) : IAddressManagement
{
    public Task<AddressReservation> ReserveAsync(Cidr subnet, AddressRequest request, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("addressManagement.reserve", null, null, true), (inner, subnet, request), static (s, token) => s.inner.ReserveAsync(s.subnet, s.request, token), cancellationToken);

    public Task<bool> ReleaseAsync(Cidr address, CancellationToken cancellationToken = default) =>
        calls.RunAsync(new("addressManagement.release", null, null, true), (inner, address), static (s, token) => s.inner.ReleaseAsync(s.address, token), cancellationToken);
}
