namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>Jobs of one type that could be taken, but for lanes, rates and pauses.</summary>
public sealed class ReadyJobs
{
    /// <summary>The name of their type.</summary>
    public required string Type { get; init; }

    /// <summary>The version of their arguments.</summary>
    public required int ArgsVersion { get; init; }

    /// <summary>How many there are.</summary>
    public required long Count { get; init; }

    /// <summary>Since when the first of them is due.</summary>
    public required DateTimeOffset OldestDueAt { get; init; }
}
