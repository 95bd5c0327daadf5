namespace Hypervisor.Sdk.Jobs;

/// <summary>How jobs of one type are tried again.</summary>
public sealed class JobTypeOptions
{
    /// <summary>How often a job is tried at most, attempts lost with their worker included. 1 to 1,000; default 5.</summary>
    public int MaxAttempts { get; set; } = 5;

    /// <summary>The bound of the first wait; it doubles with each attempt, and the wait is a random part of it. Default 1 s.</summary>
    public TimeSpan RetryBase { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>What the bound does not grow beyond. Default 5 min.</summary>
    public TimeSpan RetryLimit { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>How long a job that is COMPLETED or CANCELLED can be looked at; then it is removed. FAILED ones stay until they are run again or discarded. Zero to ten years; default 7 days.</summary>
    public TimeSpan Retention { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How long an attempt may take; then it is asked to stop and counts as failed. Above zero, at most ten years. Default: no limit.</summary>
    public TimeSpan? TimeLimit { get; set; }

    /// <summary>How often in a row a job may lose its worker before it is taken for what brings workers down, and is FAILED. 1 to 1,000; default 3.</summary>
    public int MaxLostWorkers { get; set; } = 3;

    internal void Validate(string type)
    {
        if (MaxAttempts is < 1 or > 1000)
            throw new ArgumentException($"{nameof(MaxAttempts)} of the job type '{type}' is {MaxAttempts}; it is 1 to 1,000.");
        if (RetryBase <= TimeSpan.Zero || RetryLimit < RetryBase || RetryLimit > TimeSpan.FromDays(30))
            throw new ArgumentException($"{nameof(RetryBase)} and {nameof(RetryLimit)} of the job type '{type}' are {RetryBase} and {RetryLimit}; they are above zero, in this order, and at most 30 days.");
        if (TimeLimit is { } limit && (limit <= TimeSpan.Zero || limit > TimeSpan.FromDays(3650)))
            throw new ArgumentException($"{nameof(TimeLimit)} of the job type '{type}' is {limit}; it is above zero and at most ten years.");
        if (MaxLostWorkers is < 1 or > 1000)
            throw new ArgumentException($"{nameof(MaxLostWorkers)} of the job type '{type}' is {MaxLostWorkers}; it is 1 to 1,000.");
        if (Retention < TimeSpan.Zero || Retention > TimeSpan.FromDays(3650))
            throw new ArgumentException($"{nameof(Retention)} of the job type '{type}' is {Retention}; it is zero to ten years.");
    }
}
