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

    internal void Validate(string type)
    {
        if (MaxAttempts is < 1 or > 1000)
            throw new ArgumentException($"{nameof(MaxAttempts)} of the job type '{type}' is {MaxAttempts}; it is 1 to 1,000.");
        if (RetryBase <= TimeSpan.Zero || RetryLimit < RetryBase || RetryLimit > TimeSpan.FromDays(30))
            throw new ArgumentException($"{nameof(RetryBase)} and {nameof(RetryLimit)} of the job type '{type}' are {RetryBase} and {RetryLimit}; they are above zero, in this order, and at most 30 days.");
        if (Retention < TimeSpan.Zero || Retention > TimeSpan.FromDays(3650))
            throw new ArgumentException($"{nameof(Retention)} of the job type '{type}' is {Retention}; it is zero to ten years.");
    }
}
