namespace Hypervisor.Sdk.Jobs;

/// <summary>The job belongs to this attempt no longer: its lease ran out, and nothing that it writes counts. The handler stops.</summary>
public sealed class JobLeaseLostException : Exception
{
    /// <summary>The lease of the attempt with this token at this job is lost.</summary>
    public JobLeaseLostException(JobId job, long fencingToken)
        : base($"The lease of job {job} with fencing token {fencingToken} is lost: another attempt may be running. Stop; nothing that this one writes is taken.")
    {
    }
}
