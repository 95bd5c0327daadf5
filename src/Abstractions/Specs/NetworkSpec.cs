namespace Hypervisor.Sdk;

/// <summary>A network device that a create or a change adds.</summary>
public sealed class NetworkSpec
{
    /// <summary>What it should be called; the backend decides. Default: the backend's.</summary>
    public DeviceId? Id { get; set; }

    /// <summary>The network that it joins, in the backend's words (<see cref="INetworks"/> lists them).</summary>
    public required string Network { get; set; }

    /// <summary>Its hardware address. Default: the backend makes one up.</summary>
    public MacAddress? Mac { get; set; }

    /// <summary>Addresses that it should have, where the backend hands them out. Default: none asked for.</summary>
    public IList<Cidr> Addresses { get; } = [];
}
