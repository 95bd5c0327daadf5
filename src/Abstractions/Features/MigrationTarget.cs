namespace Hypervisor.Sdk;

/// <summary>Where to move. What is null stays as it is.</summary>
public sealed class MigrationTarget
{
    /// <summary>Another backend of the same kind.</summary>
    public BackendName? Backend { get; init; }

    /// <summary>Another node.</summary>
    public NodeName? Node { get; init; }

    /// <summary>Another pool.</summary>
    public PoolName? Pool { get; init; }
}
