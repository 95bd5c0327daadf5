namespace Hypervisor.Sdk.Jobs;

/// <summary>A lane that a job holds.</summary>
public sealed class JobLane
{
    /// <summary>The job that runs and holds it.</summary>
    public required JobId Holder { get; init; }

    /// <summary>The lane, and what the job takes of it.</summary>
    public required LaneClaim Claim { get; init; }
}
