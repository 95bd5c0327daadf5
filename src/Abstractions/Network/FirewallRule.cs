using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>One rule.</summary>
[Experimental(ExperimentalIds.Firewall)]
public sealed class FirewallRule
{
    /// <summary><c>accept</c>, <c>reject</c> or <c>drop</c>; or <c>group</c> with <see cref="Group"/>.</summary>
    public required string Action { get; init; }

    /// <summary><c>in</c> or <c>out</c>.</summary>
    public required string Direction { get; init; }

    /// <summary>The group whose rules apply here.</summary>
    public string? Group { get; init; }

    /// <summary><c>tcp</c>, <c>udp</c>, <c>icmp</c>, <c>icmpv6</c>; any when null.</summary>
    public string? Protocol { get; init; }

    /// <summary>Where from; anywhere when null.</summary>
    public Cidr? Source { get; init; }

    /// <summary>Where to; anywhere when null.</summary>
    public Cidr? Destination { get; init; }

    /// <summary>The first port, 1 to 65535; any when null.</summary>
    public int? FirstPort { get; init; }

    /// <summary>The last port; the first one when null.</summary>
    public int? LastPort { get; init; }

    /// <summary>Whether matches are logged.</summary>
    public bool Log { get; init; }

    /// <summary>What it is for.</summary>
    public string? Comment { get; init; }
}
