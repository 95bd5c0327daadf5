namespace Hypervisor.Sdk.Jobs;

/// <summary>What does jobs of one type. One instance serves all of them, several at a time.</summary>
/// <typeparam name="TArgs">The arguments.</typeparam>
/// <typeparam name="TResult">The result.</typeparam>
public interface IJobHandler<TArgs, TResult>
{
    /// <summary>
    /// Does the job. May be called again for the same job, after a failure and after a crash: what it does to the outside belongs into
    /// a step of <see cref="JobContext"/>.
    /// </summary>
    /// <param name="job">The attempt: steps, fencing token, progress.</param>
    /// <param name="args">The arguments.</param>
    /// <param name="cancellationToken">Cancelled when the job is, when the lease is lost, and when the worker shuts down.</param>
    Task<TResult> RunAsync(JobContext job, TArgs args, CancellationToken cancellationToken);
}
