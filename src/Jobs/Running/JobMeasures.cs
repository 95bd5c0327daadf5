using System.Diagnostics.Metrics;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Running;

/// <summary>The instruments of one engine.</summary>
internal sealed class JobMeasures : IDisposable
{
    private const string TypeTag = "hvsdk.job.type";

    private readonly Meter _meter = new(JobsTelemetry.MeterName);
    private readonly Counter<long> _enqueued;
    private readonly Histogram<double> _wait;
    private readonly Histogram<double> _run;
    private readonly Counter<long> _retries;
    private readonly Counter<long> _leaseLosses;
    private readonly ObservableGauge<long> _ready;
    private volatile IReadOnlyList<ReadyJobs> _lastReady = [];

    public JobMeasures()
    {
        _enqueued = _meter.CreateCounter<long>("hvsdk.jobs.enqueued", "{job}", "Jobs that were made here.");
        _wait = _meter.CreateHistogram<double>("hvsdk.jobs.wait", "s", "From when an attempt was due until it began.");
        _run = _meter.CreateHistogram<double>("hvsdk.jobs.run", "s", "How long attempts took.");
        _retries = _meter.CreateCounter<long>("hvsdk.jobs.retries", "{attempt}", "Attempts that failed and are followed by another.");
        _leaseLosses = _meter.CreateCounter<long>("hvsdk.jobs.lease_losses", "{attempt}", "Attempts whose lease ran out, counted by who found them.");
        _ready = _meter.CreateObservableGauge("hvsdk.jobs.ready", ReadReady, "{job}", "Jobs that are due and not taken.");
    }

    /// <summary>The meter; tests listen to that of one engine.</summary>
    public Meter Meter => _meter;

    /// <summary>True while somebody asks how many jobs are ready.</summary>
    public bool IsReadyAskedFor => _ready.Enabled;

    public void Ready(IReadOnlyList<ReadyJobs> ready) => _lastReady = ready;

    public void Made(string type, long count) => _enqueued.Add(count, new KeyValuePair<string, object?>(TypeTag, type));

    public void Began(ClaimedJob claim, DateTimeOffset now) => _wait.Record(Math.Max(0, (now - claim.DueAt).TotalSeconds), new KeyValuePair<string, object?>(TypeTag, claim.Type));

    public void Ended(string type, AttemptEnd end, TimeSpan took)
    {
        _run.Record(took.TotalSeconds, new KeyValuePair<string, object?>(TypeTag, type), new KeyValuePair<string, object?>("hvsdk.job.end", end.ToString()));
        if (end == AttemptEnd.Retried)
            _retries.Add(1, new KeyValuePair<string, object?>(TypeTag, type));
    }

    public void LeasesLost(int count)
    {
        if (count > 0)
            _leaseLosses.Add(count);
    }

    public void Dispose() => _meter.Dispose();

    private IEnumerable<Measurement<long>> ReadReady() =>
        _lastReady.GroupBy(jobs => jobs.Type, StringComparer.Ordinal).Select(jobs => new Measurement<long>(jobs.Sum(one => one.Count), new KeyValuePair<string, object?>(TypeTag, jobs.Key)));
}
