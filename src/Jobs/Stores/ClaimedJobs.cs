namespace Hypervisor.Sdk.Jobs.Stores;

/// <summary>What a worker got.</summary>
public sealed class ClaimedJobs
{
    /// <summary>The jobs that are now its own.</summary>
    public required IReadOnlyList<ClaimedJob> Jobs { get; init; }

    /// <summary>How many attempts were ended because their lease had run out.</summary>
    public int LeasesLost { get; init; }

    /// <summary>When there may be something to do though nobody writes: a job or a schedule falls due, a rate lets the next begin, or a lease runs out. Null where nothing does.</summary>
    public DateTimeOffset? NextAt { get; init; }
}
