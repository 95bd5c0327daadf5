using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Hypervisor.Sdk;

/// <summary>Who wants an address.</summary>
[Experimental(ExperimentalIds.AddressManagement)]
public sealed class AddressRequest
{
    /// <summary>This one, if it is free. Default: any.</summary>
    public IPAddress? Preferred { get; init; }

    /// <summary>The hardware address that will use it.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The host name that will use it.</summary>
    public string? HostName { get; init; }
}
