using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk;

/// <summary>What rules are for: everything when nothing is set.</summary>
[Experimental(ExperimentalIds.Firewall)]
public readonly record struct FirewallScope
{
    /// <summary>One node.</summary>
    public NodeName? Node { get; init; }

    /// <summary>One instance.</summary>
    public InstanceId? Instance { get; init; }

    /// <summary>A group of rules that others refer to.</summary>
    public string? Group { get; init; }
}
