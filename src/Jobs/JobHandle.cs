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

    /// <summary>Waits until the job has ended, and returns its result. Cancelling the wait does not cancel the job.</summary>
    /// <typeparam name="TResult">What its handler returns.</typeparam>
    /// <exception cref="JobFailedException">It ended FAILED or CANCELLED.</exception>
    public Task<TResult> WaitAsync<TResult>(CancellationToken cancellationToken = default) => _jobs.WaitAsync<TResult>(Id, cancellationToken);
}
