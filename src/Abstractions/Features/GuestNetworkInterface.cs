namespace Hypervisor.Sdk;

/// <summary>A network device as the guest sees it.</summary>
public sealed class GuestNetworkInterface
{
    /// <summary>The guest's name for it.</summary>
    public required string Name { get; init; }

    /// <summary>Its hardware address.</summary>
    public MacAddress? Mac { get; init; }

    /// <summary>Its addresses.</summary>
    public IReadOnlyList<Cidr> Addresses { get; init; } = [];
}
