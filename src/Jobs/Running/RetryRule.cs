namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>Whether and when a job is tried again.</summary>
internal static class RetryRule
{
    /// <summary>The wait before the next attempt, or null where there is none.</summary>
    /// <param name="failure">Why the attempt failed.</param>
    /// <param name="attempts">The attempts that count, this one included.</param>
    /// <param name="maxAttempts">How many there are at most.</param>
    /// <param name="options">The bounds of the wait.</param>
    /// <param name="random">The jitter.</param>
    public static TimeSpan? WaitAfter(Exception failure, int attempts, int maxAttempts, JobTypeOptions options, Random random)
    {
        if (attempts >= maxAttempts || failure is JobArgumentsException)
            return null;
        // What the backend refused for good, or broke off midway, does not get better by asking again. What may have happened is looked up by the step.
        if (failure is HypervisorException { IsTransient: false, Outcome: not RequestOutcome.Unknown })
            return null;

        double bound = Math.Min(options.RetryLimit.TotalMilliseconds, options.RetryBase.TotalMilliseconds * Math.Pow(2, Math.Min(attempts - 1, 40)));
        var wait = TimeSpan.FromMilliseconds(random.NextDouble() * bound);
        return failure is HypervisorException { RetryAfter: { } after } ? after + wait : wait;
    }
}
