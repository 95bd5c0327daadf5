namespace Hypervisor.Sdk.Jobs;

/// <summary>What has to become of the jobs that a job waits for. The numbers are stored: they do not change.</summary>
public enum JobAfterRule
{
    /// <summary>All are COMPLETED. Where one ends FAILED or CANCELLED, the job that waits is CANCELLED and says so.</summary>
    AllCompleted = 0,

    /// <summary>All have ended, whatever their end.</summary>
    AllEnded = 1,
}
