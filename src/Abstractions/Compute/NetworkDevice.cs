namespace Hypervisor.Sdk;

/// <summary>A network device of an instance.</summary>
public sealed class NetworkDevice
{
    /// <summary>Addresses it within the instance.</summary>
    public required DeviceId Id { get; init; }

    /// <summary>The network that it is in, in the backend's words.</summary>
    public string? Network { get; init; }

    /// <summary>Its hardware address.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>The addresses that the guest reports or the backend leased.</summary>
    public IReadOnlyList<Cidr> Addresses { get; init; } = [];
}
