namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>A job to be made.</summary>
public sealed class NewJob
{
    /// <summary>Its id.</summary>
    public required JobId Id { get; init; }

    /// <summary>The name of its type.</summary>
    public required string Type { get; init; }

    /// <summary>Its arguments as JSON.</summary>
    public required string Args { get; init; }

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Not to be taken before.</summary>
    public required DateTimeOffset DueAt { get; init; }

    /// <summary>How often it is tried at most.</summary>
    public required int MaxAttempts { get; init; }

    /// <summary>How long it is kept when it has ended COMPLETED or CANCELLED.</summary>
    public TimeSpan Retention { get; init; }

    /// <summary>Its priority.</summary>
    public int Priority { get; init; }

    /// <summary>Its lanes, in the order of their keys, each once.</summary>
    public IReadOnlyList<LaneClaim> Lanes { get; init; } = [];

    /// <summary>Its unique key.</summary>
    public string? UniqueKey { get; init; }

    /// <summary>Its place in the queue, in milliseconds: a priority counts as a minute of waiting for each step.</summary>
    public long OrderMs => DueAt.ToUnixTimeMilliseconds() - (Priority * 60_000L);
}
