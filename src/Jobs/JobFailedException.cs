namespace Hypervisor.Sdk.Jobs;

/// <summary>A job whose result somebody waits for has ended without one.</summary>
public sealed class JobFailedException : Exception
{
    /// <summary>The job ended FAILED or CANCELLED.</summary>
    public JobFailedException(JobInfo job)
        : base($"Job {job?.Id} ('{job?.Type}') {(job?.State == JobState.Cancelled ? "was cancelled" : "failed")} and has no result: {job?.Error ?? "no reason was given"}")
    {
        ArgumentNullException.ThrowIfNull(job);
        Job = job;
    }

    /// <summary>The job as it was.</summary>
    public JobInfo Job { get; }
}
