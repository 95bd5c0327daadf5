using System.Diagnostics;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>The spans of jobs.</summary>
internal static class JobSpans
{
    private static readonly ActivitySource s_source = new(JobsTelemetry.ActivitySourceName);

    /// <summary>The span that is current, as it is kept with a job; null where there is none.</summary>
    public static string? TraceParent => Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } ? id : null;

    public static Activity? StartEnqueue(string type) => s_source.StartActivity("enqueue " + type, ActivityKind.Producer) is { } span ? span.SetTag("hvsdk.job.type", type) : null;

    /// <summary>An attempt is the root of a trace of its own: the call that made the job has mostly ended long ago. Changes what is current in the caller's flow.</summary>
    public static Activity? StartAttempt(ClaimedJob claim, string worker)
    {
        Activity.Current = null;
        if (!s_source.HasListeners())
            return null;
        ActivityLink[] links = ActivityContext.TryParse(claim.TraceParent, null, isRemote: true, out var made) ? [new ActivityLink(made)] : [];
        var span = s_source.StartActivity("run " + claim.Type, ActivityKind.Consumer, default(ActivityContext), links: links);
        return span?.SetTag("hvsdk.job.type", claim.Type).SetTag("hvsdk.job", claim.Id.ToString()).SetTag("hvsdk.job.attempt", claim.Attempt).SetTag("hvsdk.job.worker", worker);
    }

    public static void End(Activity? span, AttemptEnd end, Exception? failure)
    {
        span?.SetTag("hvsdk.job.end", end.ToString());
        if (failure is not null)
            span?.SetTag("error.type", failure.GetType().FullName).SetStatus(ActivityStatusCode.Error);
    }
}
