namespace Hypervisor.Sdk;

/// <summary>A piece of work that is about to be done.</summary>
public sealed class LaneQuery
{
    /// <summary>What: <c>create</c>, <c>clone</c>, <c>snapshot</c>, <c>migrate</c>, <c>delete</c>, <c>change</c>, <c>power</c>.</summary>
    public required string Action { get; init; }

    /// <summary>To which instance.</summary>
    public InstanceId? Instance { get; init; }

    /// <summary>From which instance.</summary>
    public InstanceId? Source { get; init; }

    /// <summary>On which node.</summary>
    public NodeName? Node { get; init; }

    /// <summary>In which pools.</summary>
    public IReadOnlyList<PoolName> Pools { get; init; } = [];
}
