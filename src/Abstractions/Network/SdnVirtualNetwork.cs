using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>A virtual network.</summary>
[Experimental(ExperimentalIds.Sdn)]
public sealed class SdnVirtualNetwork
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>The zone that it is in.</summary>
    public required string Zone { get; init; }

    /// <summary>Its VLAN id, 1 to 4094 (IEEE 802.1Q), or VXLAN network identifier, 0 to 16777215 (RFC 7348), by the zone's kind.</summary>
    public int? Tag { get; init; }

    /// <summary>Its subnets.</summary>
    public IReadOnlyList<Cidr> Subnets { get; init; } = [];
}
