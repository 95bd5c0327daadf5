namespace Hypervisor.Sdk;

/// <summary>What a capability is asked for. The default value asks for the backend in general.</summary>
public readonly record struct CapabilityTarget
{
    /// <summary>For this instance.</summary>
    public InstanceId? Instance { get; init; }

    /// <summary>On this node.</summary>
    public NodeName? Node { get; init; }

    /// <summary>In this pool.</summary>
    public PoolName? Pool { get; init; }

    /// <summary>In this scope.</summary>
    public ScopeName? Scope { get; init; }
}
