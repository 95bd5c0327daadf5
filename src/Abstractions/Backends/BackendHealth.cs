namespace Hypervisor.Sdk;

/// <summary>How a backend is.</summary>
public sealed class BackendHealth
{
    /// <summary>It answered as it should.</summary>
    public required bool IsHealthy { get; init; }

    /// <summary>How long the answer took; null when there was none.</summary>
    public TimeSpan? RoundTrip { get; init; }

    /// <summary>What is wrong, for a person; null when nothing is.</summary>
    public string? Problem { get; init; }
}
