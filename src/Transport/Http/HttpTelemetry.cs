using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>Spans and instruments by OpenTelemetry's names for HTTP clients (semantic conventions 1.27). Costs nothing while nobody listens.</summary>
internal static class HttpTelemetry
{
    private static readonly ActivitySource s_source = new(HttpConnectionPool.TelemetryName);
    private static readonly Meter s_meter = new(HttpConnectionPool.TelemetryName);

    private static readonly Histogram<double> s_duration = s_meter.CreateHistogram(
        "http.client.request.duration", "s", "Until the head of the response.", advice: new InstrumentAdvice<double>
        {
            HistogramBucketBoundaries = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
        });

    private static readonly UpDownCounter<long> s_connections = s_meter.CreateUpDownCounter<long>("http.client.open_connections", "{connection}", "Connections of the pools.");

    public static Activity? Start(HttpRequest request, HttpEndpoint endpoint)
    {
        if (!s_source.HasListeners())
            return null;
        // The span is the exchange's and not the caller's: it must not become the current one of whoever sends.
        Activity? current = Activity.Current;
        Activity? activity = s_source.StartActivity(request.Method.Method, ActivityKind.Client);
        Activity.Current = current;
        activity?.SetTag("http.request.method", request.Method.Method);
        activity?.SetTag("server.address", endpoint.Address);
        if (endpoint.Port is { } port)
            activity?.SetTag("server.port", port);
        activity?.SetTag("url.full", $"{endpoint.Scheme}://{endpoint.Authority}{request.Target.Redacted}");
        return activity;
    }

    /// <summary>A response (its status), or a failure.</summary>
    public static void Stop(Activity? activity, HttpRequest request, HttpConnectionPool pool, long started, int status, Exception? error)
    {
        if (activity is null && !s_duration.Enabled)
            return;
        string? errorType = error is HttpException http ? http.Failure.ToString() : error?.GetType().FullName ?? (status >= 400 ? status.ToString(CultureInfo.InvariantCulture) : null);
        if (activity is not null)
        {
            Activity? current = Activity.Current;
            if (status > 0)
                activity.SetTag("http.response.status_code", status);
            activity.SetTag("network.protocol.version", "1.1");
            if (errorType is not null)
                activity.SetTag("error.type", errorType).SetStatus(ActivityStatusCode.Error);
            activity.Stop();
            Activity.Current = current;
        }

        if (!s_duration.Enabled)
            return;
        var tags = new TagList { { "http.request.method", request.Method.Method }, { "server.address", pool.Endpoint.Address }, { "url.scheme", pool.Endpoint.Scheme } };
        if (pool.Endpoint.Port is { } port)
            tags.Add("server.port", port);
        if (status > 0)
            tags.Add("http.response.status_code", status);
        if (errorType is not null)
            tags.Add("error.type", errorType);
        s_duration.Record(pool.Clock.GetElapsedTime(started).TotalSeconds, tags);
    }

    public static void Opened(HttpEndpoint endpoint, int count)
    {
        if (s_connections.Enabled)
            s_connections.Add(count, new KeyValuePair<string, object?>("server.address", endpoint.Address));
    }
}
