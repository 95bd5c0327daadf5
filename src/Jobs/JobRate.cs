namespace Hypervisor.Sdk.Jobs;

/// <summary>How many jobs of one key may begin within a time, over all workers of a store: for a backend or an account that takes only so many calls.</summary>
public sealed class JobRate
{
    /// <summary>What is limited; 1 to 256 characters. Jobs of one key name the same limit and period: one that names another is held to its own.</summary>
    public required string Key { get; init; }

    /// <summary>At most so many attempts begin within any <see cref="Period"/>. 1 to 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>A second to a day, in whole milliseconds.</summary>
    public required TimeSpan Period { get; init; }
}
