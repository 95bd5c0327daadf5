namespace Hypervisor.Sdk;

/// <summary>One part of a plan.</summary>
public sealed class PlannedStep
{
    /// <summary>What changes: <c>memory</c>, <c>disk:data</c>.</summary>
    public required string Property { get; init; }

    /// <summary>What it is now; null when it is new.</summary>
    public string? From { get; init; }

    /// <summary>What it will be; null when it goes.</summary>
    public string? To { get; init; }

    /// <summary>What that does beside.</summary>
    public ChangeEffects Effects { get; init; }

    /// <summary>Why it cannot be done; null when it can.</summary>
    public string? Impossible { get; init; }
}
