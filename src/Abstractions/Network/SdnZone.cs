using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>A part of the network with one way of carrying frames between nodes.</summary>
[Experimental(ExperimentalIds.Sdn)]
public sealed class SdnZone
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary><c>simple</c>, <c>vlan</c>, <c>vxlan</c>, <c>evpn</c>.</summary>
    public required string Kind { get; init; }
}
