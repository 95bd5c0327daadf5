namespace Hypervisor.Sdk.Jobs;

/// <summary>A job that was made.</summary>
public sealed class JobHandle
{
    private readonly IJobs _jobs;

    internal JobHandle(IJobs jobs, JobId id, bool isNew)
    {
        _jobs = jobs;
        Id = id;
        IsNew = isNew;
    }

    /// <summary>Which job.</summary>
    public JobId Id { get; }

    /// <summary>False where a job with the same unique key was there already: this is that one.</summary>
    public bool IsNew { get; }

    /// <summary>Waits until the job has ended, whatever its end. Cancelling the wait does not cancel the job.</summary>
    public Task<JobInfo> WaitAsync(CancellationToken cancellationToken = default) => _jobs.WaitAsync(Id, cancellationToken);
}
