namespace Hypervisor.Sdk;

/// <summary>A moment of an operation.</summary>
public sealed class OperationProgress
{
    /// <summary>How far it is.</summary>
    public required OperationState State { get; init; }

    /// <summary>The share that is done, 0 to 1; null where the backend does not say.</summary>
    public double? Fraction { get; init; }

    /// <summary>What it is doing, in words for a person; null where the backend does not say.</summary>
    public string? Stage { get; init; }

    /// <summary>Why it failed or was cancelled; null otherwise.</summary>
    public HypervisorException? Error { get; init; }
}
