namespace Hypervisor.Sdk.Jobs;

/// <summary>What to listen to.</summary>
/// <remarks>
/// Spans: <c>enqueue TYPE</c> where jobs are made, and <c>run TYPE</c> for each attempt, the root of a trace of its own that is linked to the span that made the job, in another process too. Their tags:
/// <c>hvsdk.job.type</c>, <c>hvsdk.job</c> (the id), and of an attempt <c>hvsdk.job.attempt</c>, <c>hvsdk.job.worker</c>, <c>hvsdk.job.end</c> and, where it failed, <c>error.type</c>.
/// Instruments, by <c>hvsdk.job.type</c>: <c>hvsdk.jobs.enqueued</c>; <c>hvsdk.jobs.ready</c>, how many jobs of the store are due and not taken (looked at every quarter of a minute, by each worker);
/// <c>hvsdk.jobs.wait</c>, seconds from when an attempt was due until it began; <c>hvsdk.jobs.run</c>, seconds that attempts took, by <c>hvsdk.job.end</c>; <c>hvsdk.jobs.retries</c>; and, without a type,
/// <c>hvsdk.jobs.lease_losses</c>, attempts whose lease ran out, counted by who found them.
/// No argument, result, message or name that a caller chose is ever part of either.
/// </remarks>
public static class JobsTelemetry
{
    /// <summary>The name of the activity source.</summary>
    public const string ActivitySourceName = "Hypervisor.Sdk.Jobs";

    /// <summary>The name of the meter.</summary>
    public const string MeterName = "Hypervisor.Sdk.Jobs";
}
