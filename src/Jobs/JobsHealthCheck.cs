using Hypervisor.Sdk.Jobs.Running;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Hypervisor.Sdk.Jobs;

/// <summary>
/// How the jobs of this process are, as <c>services.AddHealthChecks().AddCheck&lt;JobsHealthCheck&gt;("jobs")</c> asks it. Unhealthy: the store does not answer within five seconds, or the worker has not
/// come round for two minutes. Degraded: jobs are left because nobody knows their type or the version of their arguments.
/// </summary>
public sealed class JobsHealthCheck : IHealthCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestTurn = TimeSpan.FromMinutes(2);

    private readonly IJobStore _store;
    private readonly JobsOptions _options;
    private readonly QueueLookout _lookout;

    /// <summary>Checks the jobs that <paramref name="services"/> have.</summary>
    public JobsHealthCheck(IServiceProvider services)
    {
        _store = services.GetRequiredService<IJobStore>();
        _options = services.GetRequiredService<JobsOptions>();
        _lookout = services.GetRequiredService<QueueLookout>();
    }

    /// <inheritdoc />
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            await _store.GetPositionAsync(cancellationToken).WaitAsync(Patience, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception exception) when (exception is HypervisorException or TimeoutException)
        {
            return HealthCheckResult.Unhealthy("The job store does not answer.", exception);
        }

        if (_lookout.LastTurnAt is { } turned && _options.TimeProvider.GetUtcNow() - turned > LongestTurn)
            return HealthCheckResult.Unhealthy($"The worker has not looked for jobs since {turned:O}.");
        return _lookout.Left is [var first, ..] left
            ? HealthCheckResult.Degraded($"{left.Sum(jobs => jobs.Count)} jobs are ready that nobody takes, the first of them of type '{first.Type}' with arguments of version {first.ArgsVersion}.")
            : HealthCheckResult.Healthy();
    }
}
