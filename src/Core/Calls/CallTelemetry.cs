using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace Hypervisor.Sdk;

/// <summary>The source and the instruments of all backends.</summary>
internal static class CallTelemetry
{
    public static readonly ActivitySource Source = new(HypervisorSdkTelemetry.ActivitySourceName);
    private static readonly Meter s_meter = new(HypervisorSdkTelemetry.MeterName);
    public static readonly Counter<long> Calls = s_meter.CreateCounter<long>("hvsdk.calls", "{call}", "Calls that ended, successful or not.");
    public static readonly Counter<long> Errors = s_meter.CreateCounter<long>("hvsdk.call.errors", "{call}", "Calls that failed, by code.");
    public static readonly Histogram<double> Duration = s_meter.CreateHistogram<double>("hvsdk.call.duration", "s", "How long calls took, waiting for their turn included.");
    public static readonly UpDownCounter<long> Active = s_meter.CreateUpDownCounter<long>("hvsdk.calls.active", "{call}", "Calls that are under way or wait for their turn.");

    public static bool IsHeard => Source.HasListeners() || Calls.Enabled || Errors.Enabled || Duration.Enabled || Active.Enabled;

    public static Activity? Start(string name, BackendName backend, string kind, InstanceId? instance, RequestId? requestId, ActivityContext parent = default)
    {
        var activity = Source.StartActivity(name, ActivityKind.Client, parent);
        if (activity is { IsAllDataRequested: true })
        {
            activity.SetTag("hvsdk.backend", backend.ToString());
            activity.SetTag("hvsdk.kind", kind);
            if (instance is { } id)
                activity.SetTag("hvsdk.instance", id.ToString());
            if (requestId is { } request)
                activity.SetTag("hvsdk.request_id", request.ToString());
        }

        return activity;
    }

    public static string CodeOf(Exception exception) => exception switch
    {
        HypervisorException failure => failure.Code.ToString(),
        OperationCanceledException => "cancelled",
        _ => "unexpected",
    };

    public static void Fail(Activity? activity, Exception exception)
    {
        if (activity is null)
            return;
        activity.SetStatus(ActivityStatusCode.Error);
        activity.SetTag("hvsdk.code", CodeOf(exception));
        if (exception is HypervisorException failure)
            activity.SetTag("hvsdk.outcome", failure.Outcome.ToString());
    }
}
