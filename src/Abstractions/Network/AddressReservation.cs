using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>An address that was handed out.</summary>
[Experimental(ExperimentalIds.AddressManagement)]
public sealed class AddressReservation
{
    /// <summary>The address with its subnet's prefix length.</summary>
    public required Cidr Address { get; init; }

    /// <summary>The hardware address that uses it.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The host name that uses it.</summary>
    public string? HostName { get; init; }
}
