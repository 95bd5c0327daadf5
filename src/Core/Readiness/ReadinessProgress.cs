namespace Hypervisor.Sdk;

/// <summary>What a wait for readiness has seen.</summary>
public sealed class ReadinessProgress
{
    /// <summary>How long it has waited.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>The instance as it was last seen; null before it was.</summary>
    public Instance? Instance { get; init; }

    /// <summary>What is missing, for a person, with what was seen instead: <c>the state is 'starting', not 'running'</c>. Empty when it is ready.</summary>
    public required IReadOnlyList<string> Missing { get; init; }
}
