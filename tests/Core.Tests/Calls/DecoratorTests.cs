using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Hypervisor.Sdk.Tests.Fakes;

namespace Hypervisor.Sdk.Tests.Calls;

[Collection(nameof(AloneCollection))]
public sealed class DecoratorTests
{
    private static readonly InstanceId s_id = InstanceId.Parse("1");

    private readonly ManualTimeProvider _clock = new();
    private readonly FakeBackend _fake = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_service_of_the_model_is_decorated_and_others_are_given_as_they_are()
    {
        Type[] none = [typeof(IBackend), typeof(IBackendFactory), typeof(IBackendRegistry), typeof(ISecretProvider), typeof(ISpecExtension)];
        var services = typeof(IBackend).Assembly.GetExportedTypes().Where(type => type.IsInterface && !none.Contains(type));
        Assert.Equal(services.Select(type => type.Name).Order(), DecoratedBackend.Services.Select(type => type.Name).Order());
        var backend = _fake.Decorate();
        Assert.NotSame(_fake, backend.Get<IHypervisor>());
        Assert.Same(backend.Get<IHypervisor>(), backend.Get<IHypervisor>());
        Assert.Same(_fake, backend.Get<FakeBackend.ISpecial>());
        Assert.False(backend.TryGet<IContainerRuntime>(out _));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_call_and_its_work_are_spans_that_say_what_and_how_it_ended()
    {
        var backend = Own("spans");
        using var spans = new Spans(backend.Name);
        var work = new TaskCompletionSource();
        _ = FakeBackend.Of(backend).Work = work.Task;
        var request = RequestId.New();
        var operation = await backend.Get<IHypervisor>().StartAsync(s_id, new() { RequestId = request }, Cancelled);
        Assert.Null(Activity.Current);
        Assert.Equal(["compute.start"], spans.Names);
        work.SetResult();
        await operation.WaitAsync(Cancelled);
        await operation.WaitAsync(Cancelled);
        Assert.Equal(["compute.start", "compute.start operation"], spans.Names);
        Assert.Equal($"hvsdk.backend=spans hvsdk.instance=1 hvsdk.kind=fake hvsdk.request_id={request}", Spans.Tags(spans.Ended[0]));
        Assert.Equal($"hvsdk.backend=spans hvsdk.instance=1 hvsdk.kind=fake hvsdk.request_id={request}", Spans.Tags(spans.Ended[1]));
        Assert.Equal(ActivityStatusCode.Unset, spans.Ended[1].Status);

        await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<ISnapshots>().CreateAsync(s_id, new() { Name = SnapshotName.Parse("secret-name"), Description = "secret" }, null, Cancelled));
        var failed = spans.Ended[^1];
        Assert.Equal(ActivityStatusCode.Error, failed.Status);
        Assert.Equal("hvsdk.backend=spans hvsdk.code=locked hvsdk.instance=1 hvsdk.kind=fake hvsdk.outcome=Rejected", Spans.Tags(failed));
        Assert.DoesNotContain("secret", failed.StatusDescription ?? "", StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Work_that_fails_ends_its_span_with_the_reason()
    {
        var backend = Own("failing");
        using var spans = new Spans(backend.Name);
        FakeBackend.Of(backend).Work = Task.FromException(new HypervisorException("No space.", ErrorCode.Exhausted, RequestOutcome.FailedMidway));
        var operation = await backend.Get<IHypervisor>().StopAsync(s_id, null, null, Cancelled);
        await Assert.ThrowsAsync<HypervisorException>(() => operation.WaitAsync(Cancelled));
        Assert.Contains("hvsdk.code=exhausted", Spans.Tags(spans.Ended[^1]), StringComparison.Ordinal);
        Assert.Contains("hvsdk.outcome=FailedMidway", Spans.Tags(spans.Ended[^1]), StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Calls_are_counted_timed_and_their_errors_told_by_code()
    {
        var backend = Own("metered");
        var seen = new ConcurrentQueue<string>();
        using var meters = new MeterListener { InstrumentPublished = (instrument, listener) => { if (instrument.Meter.Name == HypervisorSdkTelemetry.MeterName) listener.EnableMeasurementEvents(instrument); } };
        meters.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Record(instrument, value, tags));
        meters.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Record(instrument, value, tags));
        meters.Start();
        FakeBackend.Of(backend).OnCall = (_, _) =>
        {
            _clock.Advance(TimeSpan.FromSeconds(2));
            return Task.CompletedTask;
        };
        await backend.Get<IHypervisor>().FindAsync(s_id, Cancelled);
        FakeBackend.Of(backend).OnCall = (_, _) => throw new HypervisorException("No.", ErrorCode.Denied, RequestOutcome.Rejected);
        await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().FindAsync(s_id, Cancelled));
        Assert.Equal(
            ["hvsdk.calls.active 1 compute.find", "hvsdk.calls.active -1 compute.find", "hvsdk.calls 1 compute.find", "hvsdk.call.duration 2 compute.find",
             "hvsdk.calls.active 1 compute.find", "hvsdk.calls.active -1 compute.find", "hvsdk.calls 1 compute.find", "hvsdk.call.duration 0 compute.find", "hvsdk.call.errors 1 compute.find denied"], seen);

        void Record(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var map = tags.ToArray().ToDictionary();
            if ((string?)map["hvsdk.backend"] == "metered")
                seen.Enqueue($"{instrument.Name} {value} {map["hvsdk.call"]} {map.GetValueOrDefault("hvsdk.code")}".TrimEnd());
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Calls_beyond_the_limit_wait_for_their_turn_and_a_slow_reader_keeps_nobody_waiting()
    {
        var backend = _fake.Decorate(new() { MaxConcurrentCalls = 2 }, _clock);
        int underWay = 0;
        int most = 0;
        var gate = new TaskCompletionSource();
        _fake.OnCall = async (_, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref underWay));
            await gate.Task;
            Interlocked.Decrement(ref underWay);
        };
        var calls = Enumerable.Range(0, 10).Select(_ => backend.Get<IHypervisor>().FindAsync(s_id, Cancelled)).ToArray();
        Assert.Equal(2, Volatile.Read(ref underWay));
        using var giveUp = new CancellationTokenSource();
        var impatient = backend.Get<IHypervisor>().FindAsync(s_id, giveUp.Token);
        await giveUp.CancelAsync();
        Assert.Equal(giveUp.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient)).CancellationToken);
        gate.SetResult();
        await Task.WhenAll(calls);
        Assert.Equal(2, most);

        await using var one = backend.Get<ISnapshots>().ListAsync(s_id, Cancelled).GetAsyncEnumerator(Cancelled);
        await using var two = backend.Get<ISnapshots>().ListAsync(s_id, Cancelled).GetAsyncEnumerator(Cancelled);
        Assert.True(await one.MoveNextAsync());
        Assert.True(await two.MoveNextAsync());
        Assert.Null(await backend.Get<IHypervisor>().FindAsync(s_id, Cancelled));
        Assert.False(await one.MoveNextAsync());
        Assert.Empty((await backend.Get<IHypervisor>().List().GetPageAsync(null, 10, Cancelled)).Items);
    }

    [Fact(Timeout = 60_000)]
    public async Task When_time_is_up_a_change_is_unknown_a_read_is_safe_to_repeat_and_what_never_began_was_not_sent()
    {
        var backend = _fake.Decorate(new() { Deadline = TimeSpan.FromSeconds(5), MaxConcurrentCalls = 1 }, _clock);
        var never = new TaskCompletionSource();
        _fake.OnCall = (_, _) => never.Task;
        var change = backend.Get<IHypervisor>().StartAsync(s_id, null, Cancelled);
        var waiting = backend.Get<IHypervisor>().StartAsync(s_id, null, Cancelled);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.Unknown, false), Of(await Assert.ThrowsAsync<HypervisorException>(() => change)));
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.NotSent, true), Of(await Assert.ThrowsAsync<HypervisorException>(() => waiting)));

        // The driver ignored its token and is busy still: the turn is not given away.
        var next = backend.Get<IHypervisor>().FindAsync(s_id, Cancelled);
        Assert.Single(_fake.Calls);
        never.SetResult();
        Assert.Null(await next);

        var hangs = new TaskCompletionSource();
        _fake.OnCall = (_, token) => hangs.Task.WaitAsync(token);
        var read = backend.Get<IHypervisor>().FindAsync(s_id, Cancelled);
        _clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.Rejected, true), Of(await Assert.ThrowsAsync<HypervisorException>(() => read)));
        using var giveUp = new CancellationTokenSource();
        var cancelled = backend.Get<IHypervisor>().FindAsync(s_id, giveUp.Token);
        await giveUp.CancelAsync();
        Assert.Equal(giveUp.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled)).CancellationToken);

        static (ErrorCode, RequestOutcome, bool) Of(HypervisorException failure) => (failure.Code, failure.Outcome, failure.IsTransient);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_deadline_of_a_request_covers_the_work_and_goes_before_the_backends()
    {
        var backend = _fake.Decorate(new() { Deadline = TimeSpan.FromSeconds(1) }, _clock);
        var work = new TaskCompletionSource();
        _fake.Work = work.Task;
        _fake.OnCall = (_, _) =>
        {
            _clock.Advance(TimeSpan.FromSeconds(4));
            return Task.CompletedTask;
        };
        var operation = await backend.Get<IHypervisor>().StartAsync(s_id, new() { Deadline = TimeSpan.FromSeconds(10) }, Cancelled);
        var wait = operation.WaitAsync(Cancelled);
        _clock.Advance(TimeSpan.FromSeconds(6) - TimeSpan.FromTicks(1));
        Assert.False(wait.IsCompleted);
        _clock.Advance(TimeSpan.FromTicks(1));
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.Unknown), (await Assert.ThrowsAsync<HypervisorException>(() => wait)) switch { var e => (e.Code, e.Outcome) });
        work.SetResult();
        Assert.Equal(OperationState.Succeeded, (await operation.GetProgressAsync(Cancelled)).State);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_registry_decorates_by_its_options_and_forwards_the_connection()
    {
        var options = new BackendRegistryOptions { Limits = new() { MaxConcurrentCalls = 1 }, LimitsByBackend = { [BackendName.Parse("other")] = new() } };
        await using var registry = new BackendRegistry(options: options, timeProvider: _clock);
        registry.Add(_fake.Name, "fake", _ => Task.FromResult<IBackend>(_fake));
        var other = new FakeBackend("other");
        registry.Add(other.Name, "fake", _ => Task.FromResult<IBackend>(other));
        var gate = new TaskCompletionSource();
        _fake.OnCall = other.OnCall = (_, _) => gate.Task;
        var calls = new List<Task>();
        foreach (var name in new[] { _fake.Name, other.Name })
        {
            var hypervisor = (await registry.GetAsync(name, Cancelled)).Get<IHypervisor>();
            calls.AddRange([hypervisor.FindAsync(s_id, Cancelled), hypervisor.FindAsync(s_id, Cancelled)]);
        }

        Assert.Equal((1, 2), (_fake.Calls.Count, other.Calls.Count));
        gate.SetResult();
        await Task.WhenAll(calls);
        Assert.Throws<ArgumentException>(() => new BackendRegistry(options: new() { Limits = new() { MaxConcurrentCalls = 0 } }));
        Assert.Throws<ArgumentException>(() => _fake.Decorate(new() { Deadline = TimeSpan.Zero }));
    }

    [Fact(Timeout = 60_000)]
    public async Task Nothing_is_allocated_while_nobody_listens_and_nothing_is_limited()
    {
        var hypervisor = _fake.Decorate().Get<IHypervisor>();
        _fake.FixedStart = Task.FromResult<Operation<Instance>>(new FakeOperation<Instance>(RequestId.New(), Task.FromResult(FakeBackend.Machine("1"))));
        Assert.Same(_fake.FixedStart, hypervisor.StartAsync(s_id, null, Cancelled));
        long bytes = await AllocationMeter.MeasureAsync(4095, () =>
        {
            for (int i = 0; i < 100_000; i++)
            {
                if (!hypervisor.StartAsync(s_id, null, CancellationToken.None).IsCompletedSuccessfully)
                    return Task.FromException(new InvalidOperationException());
            }

            return Task.CompletedTask;
        });
        Assert.True(bytes < 4096, $"100,000 calls allocated {bytes} bytes.");
    }

    private IBackend Own(string name) => new FakeBackend(name).Decorate(timeProvider: _clock);

    /// <summary>The spans of one backend: other tests run beside this one.</summary>
    private sealed class Spans : IDisposable
    {
        private readonly ActivityListener _listener;
        private readonly List<Activity> _ended = [];

        public Spans(BackendName backend)
        {
            _listener = new()
            {
                ShouldListenTo = source => source.Name == HypervisorSdkTelemetry.ActivitySourceName,
                Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
                ActivityStopped = activity =>
                {
                    if (Equals(activity.GetTagItem("hvsdk.backend"), backend.ToString()))
                    {
                        lock (_ended)
                            _ended.Add(activity);
                    }
                },
            };
            ActivitySource.AddActivityListener(_listener);
        }

        public IReadOnlyList<Activity> Ended
        {
            get
            {
                lock (_ended)
                    return [.. _ended];
            }
        }

        public IEnumerable<string> Names => Ended.Select(activity => activity.OperationName);

        public static string Tags(Activity activity) => string.Join(" ", activity.TagObjects.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}"));

        public void Dispose() => _listener.Dispose();
    }
}
