using System.Diagnostics;
using System.Diagnostics.Metrics;
using Hypervisor.Sdk.Jobs.Running;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Spans, instruments, health.</summary>
public sealed class TelemetryTests : IDisposable
{
    private const string Canary = "canary-4711";

    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task Each_attempt_is_a_trace_of_its_own_that_is_linked_to_the_span_that_made_the_job_in_another_process()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is JobsTelemetry.ActivitySourceName or "test",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = span =>
            {
                lock (spans)
                    spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var source = new ActivitySource("test");
        JobId id;
        string caller;
        await using (var page = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.Concurrency = 0))
        {
            using var request = source.StartActivity("request")!;
            caller = request.TraceId.ToString();
            id = (await page.Jobs.EnqueueAsync(new BuildArgs(Canary), cancellationToken: Token)).Id;
        }

        await using (var worker = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.Worker = "w1"))
        {
            worker.Handler.Before = (job, _, _) => job.Attempt == 1 ? throw new InvalidOperationException(Canary) : Task.CompletedTask;
            Assert.Equal(JobState.Completed, (await _clock.UntilAsync(worker.Jobs.WaitAsync(id, Token), stepSeconds: 0.2)).State);
        }

        // Other tests write spans meanwhile; the last span of this one may end a moment after its job.
        List<Activity> runs = [], made = [];
        while (runs.Count < 2)
        {
            await Task.Yield();
            Token.ThrowIfCancellationRequested();
            lock (spans)
            {
                runs = [.. spans.Where(span => span.OperationName == "run build" && id.ToString().Equals(span.GetTagItem("hvsdk.job")))];
                made = [.. spans.Where(span => span.OperationName == "enqueue build" && span.TraceId.ToString() == caller)];
            }
        }

        var enqueue = Assert.Single(made);
        Assert.Equal(ActivityKind.Producer, enqueue.Kind);
        Assert.Equal(2, runs.Count);
        foreach (var run in runs)
        {
            Assert.Equal((ActivityKind.Consumer, default(ActivitySpanId)), (run.Kind, run.ParentSpanId));
            Assert.NotEqual(caller, run.TraceId.ToString());
            var link = Assert.Single(run.Links).Context;
            Assert.Equal((enqueue.TraceId, enqueue.SpanId), (link.TraceId, link.SpanId));
            Assert.Equal("w1", run.GetTagItem("hvsdk.job.worker"));
            Assert.DoesNotContain(Canary, string.Join('\n', run.TagObjects) + run.StatusDescription, StringComparison.Ordinal);
        }

        Assert.Equal([("Retried", ActivityStatusCode.Error), ("Completed", ActivityStatusCode.Unset)],
            runs.OrderBy(run => (int)run.GetTagItem("hvsdk.job.attempt")!).Select(run => ((string)run.GetTagItem("hvsdk.job.end")!, run.Status)));
        Assert.Equal(typeof(InvalidOperationException).FullName, runs.Single(run => run.Status == ActivityStatusCode.Error).GetTagItem("error.type"));
    }

    [Fact(Timeout = 120_000)]
    public async Task Depth_wait_run_retries_and_lost_leases_are_measured()
    {
        await using var page = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.Concurrency = 0);
        using var made = new Measured(page.Service<JobMeasures>().Meter);
        var first = await page.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await page.Jobs.EnqueueAsync(new BuildArgs("later"), new JobOptions { Delay = TimeSpan.FromHours(9) }, Token);
        Assert.Equal(2, made.Sum("hvsdk.jobs.enqueued"));
        // Somebody took it and was never seen again.
        await page.Service<Jobs.Stores.IJobStore>().ClaimAsync(new Jobs.Stores.ClaimRequest
        {
            Worker = "gone", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 1, Now = _clock.GetUtcNow(), LeaseUntil = _clock.GetUtcNow().AddSeconds(30),
        }, Token);
        await page.Jobs.PauseAsync(cancellationToken: Token);
        _clock.Advance(TimeSpan.FromMinutes(2));

        await using var worker = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock);
        using var measured = new Measured(worker.Service<JobMeasures>().Meter);
        worker.Handler.Before = (job, _, _) => job.Attempt == 2 ? throw new InvalidOperationException("once") : Task.CompletedTask;
        while (measured.Read("hvsdk.jobs.ready") != 1)
            await _clock.TickAsync();
        await page.Jobs.ResumeAsync(cancellationToken: Token);
        Assert.Equal(JobState.Completed, (await _clock.UntilAsync(first.WaitAsync(Token), parkedTimers: 3)).State);
        Assert.Equal(1, measured.Sum("hvsdk.jobs.retries"));
        Assert.Equal(2, measured.Count("hvsdk.jobs.run"));
        Assert.Equal(2, measured.Count("hvsdk.jobs.wait"));
        Assert.InRange(measured.Max("hvsdk.jobs.wait"), 120, 86400);
        while (measured.Read("hvsdk.jobs.ready") != 0)
            await _clock.TickAsync(parkedTimers: 3);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_lease_that_ran_out_is_counted_once_by_who_finds_it()
    {
        await using var page = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.Concurrency = 0);
        var lost = await page.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        var claimed = await page.Service<Jobs.Stores.IJobStore>().ClaimAsync(new Jobs.Stores.ClaimRequest
        {
            Worker = "gone", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 1, Now = _clock.GetUtcNow(), LeaseUntil = _clock.GetUtcNow().AddSeconds(30),
        }, Token);
        Assert.Equal(lost.Id, Assert.Single(claimed.Jobs).Id);
        await using var engine = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock);
        using var measured = new Measured(engine.Service<JobMeasures>().Meter);
        Assert.Equal(JobState.Completed, (await _clock.UntilAsync(lost.WaitAsync(Token), parkedTimers: 3)).State);
        Assert.Equal(1, measured.Sum("hvsdk.jobs.lease_losses"));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_store_that_does_not_answer_is_no_good_health()
    {
        CrashingStore? store = null;
        await using var engine = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, inner => store = new CrashingStore(inner, new CrashPoint("Position", 2, false)), configure: options => options.Concurrency = 0);
        Assert.Equal(HealthStatus.Healthy, await engine.CheckHealthAsync());
        Assert.Equal(HealthStatus.Unhealthy, await engine.CheckHealthAsync());
    }

    private sealed class Measured : IDisposable
    {
        private readonly List<(string Name, double Value)> _values = [];
        private readonly MeterListener _listener = new();
        private readonly Dictionary<string, double> _read = [];

        public Measured(Meter meter)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == meter)
                    listener.EnableMeasurementEvents(instrument);
            };
            _listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => Add(instrument, value));
            _listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Add(instrument, value));
            _listener.Start();
        }

        public double Sum(string name) => Values(name).Sum();

        public int Count(string name) => Values(name).Count();

        public double Max(string name) => Values(name).Max();

        public double Read(string name)
        {
            lock (_values)
                _read[name] = 0;
            _listener.RecordObservableInstruments();
            lock (_values)
                return _read[name];
        }

        public void Dispose() => _listener.Dispose();

        private void Add(Instrument instrument, double value)
        {
            lock (_values)
            {
                _values.Add((instrument.Name, value));
                _read[instrument.Name] = value;
            }
        }

        private IEnumerable<double> Values(string name)
        {
            lock (_values)
                return [.. _values.Where(value => value.Name == name).Select(value => value.Value)];
        }
    }
}
