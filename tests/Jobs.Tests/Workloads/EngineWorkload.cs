using System.Globalization;
using Hypervisor.Sdk.Jobs.Stores;
using Hypervisor.Sdk.Simulation;

namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>
/// Random work for real engines over one store, within the loop and on the clock of the simulation: nothing runs beside it, so a seed gives the same history each time, and virtual time needs no waiting. Jobs of several types with
/// all that jobs can have; processes that stop without a word and come back, stand still beyond their leases, or have clocks that jump; stores and backends that fail.
/// </summary>
internal sealed class EngineWorkload
{
    public const string Plain = "plain";
    public const string Stepped = "stepped";
    public const string Saga = "saga";
    public const string Tick = "tick";

    /// <summary>How far the clock of a process may be from that of another.</summary>
    public static readonly TimeSpan MostSkew = TimeSpan.FromSeconds(8);

    /// <summary>How long a call of the store is under way at most before it is carried out, by the time that it was sent with.</summary>
    public static readonly TimeSpan MostDelay = TimeSpan.FromSeconds(8);

    /// <summary>Names a seed to be run alone, over memory.</summary>
    public const string SeedVariable = "HVSDK_WORKLOAD_SEED";

    private const int MostJobs = 10_000;
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(12);

    private readonly Random _random;
    private readonly SimulationClock _clock;
    private readonly RecordingStore _store;
    private readonly WorkloadBackend _backend;
    private readonly List<WorkloadEngine> _engines = [];
    private readonly List<WorkloadEngine> _dead = [];
    private readonly List<JobId> _ids = [];
    private readonly JobRate _rate;
    private readonly int _jobs;
    private readonly double _faults;
    private int _number;
    private int _named;
    private bool _isOver;

    private EngineWorkload(int seed, SimulationClock clock, IJobStore store)
    {
        _random = new Random(seed);
        _clock = clock;
        History = new WorkloadHistory(clock);
        _store = new RecordingStore(store, History);
        _jobs = _random.Next(8, 20);
        _rate = new JobRate { Key = "rate", Limit = _random.Next(1, 3), Period = TimeSpan.FromSeconds(_random.Next(10, 40)) };
        _faults = _random.Next(4) switch { 0 => 0, 1 => 0.02, 2 => 0.05, _ => 0.12 };
        _backend = new WorkloadBackend(clock, History, new Random(_random.Next()), job => ThingsOf(History.Made[job])) { Faults = _faults };
    }

    public WorkloadHistory History { get; }

    /// <summary>What the backend knows the tokens of: the job's own thing, and each lane that it holds alone.</summary>
    public static IReadOnlyList<string> ThingsOf(NewJob job) => [job.Id.ToString(), .. job.Lanes.Where(lane => lane.Mode == LaneMode.Exclusive).Select(lane => lane.Key.ToString())];

    /// <summary>Runs a seed over a store.</summary>
    public static async Task<WorkloadHistory> RunAsync(int seed, IJobStore store)
    {
        await using var simulation = new SimulatedDatacenter(o => o.TraceCalls = false);
        var workload = new EngineWorkload(seed, simulation.Clock, store);
        var run = simulation.RunAsync(workload.RunAsync);
        // All of it runs within the call: nothing is left to another thread, and somebody always waits for the clock.
        Assert.True(run.IsCompleted, $"Seed {seed}: it went on outside of the loop, or waits for nothing.");
        await run;
        Assert.True(workload.History.Stray is null, $"Seed {seed}: something ran on a thread of its own:\n{workload.History.Stray}");
        // Who died is there to the end: what is collected earlier, when chance will have it, may do something.
        GC.KeepAlive(workload._dead);
        return workload.History;
    }

    /// <summary>Goes through a history; a failure says the seed, how to run it alone and what happened last.</summary>
    public static void Expect(int seed, WorkloadHistory history, bool isTold = false)
    {
        var found = WorkloadChecker.Check(history, MostSkew + MostDelay);
        if (found.Count == 0 && !isTold)
            return;
        string text = $"Seed {seed}: {string.Join("; ", found.Take(5).Select(one => $"{one.Invariant}: {one.Text}"))}. Alone: {SeedVariable}={seed} with -method '*EngineWorkloadTests.What_has_to_hold_holds_for_two_thousand_seeds'.";
        if (isTold)
            TestContext.Current.TestOutputHelper?.WriteLine(string.Join('\n', history.Lines()));
        Assert.True(found.Count == 0, text + "\n" + string.Join('\n', history.Lines().TakeLast(200)));
    }

    private async Task RunAsync()
    {
        // From here on it runs where a timer fires, as the engines do: the rest of each await goes on in place.
        await Task.Delay(TimeSpan.FromMilliseconds(1), _clock).ConfigureAwait(false);
        for (int i = _random.Next(2, 5); i > 0; i--)
            Start();
        bool hasSchedule = _random.Next(3) == 0;
        if (hasSchedule)
            await TryAsync(Alive(Tick), jobs => jobs.ScheduleAsync(new JobSchedule { Name = "tick", Cron = "* * * * *", CatchUp = (CronCatchUp)_random.Next(3), AllowsOverlap = _random.Next(2) == 0 }, new TickArgs(-1)));
        while (_number < _jobs)
        {
            await RestAsync(8_000);
            await StepAsync();
        }

        await RestAsync(60_000);
        History.Add(new Note("everything is mended"));
        _backend.Faults = 0;
        _engines.ForEach(engine => engine.Store.Faults = 0);
        while (_engines.Count < 2 || !_engines.Any(engine => engine.KnowsAll))
            Start(knowsAll: true);
        foreach (string? type in new[] { null, Plain, Stepped })
            await _store.PauseAsync(type, false, _clock.GetUtcNow(), CancellationToken.None);
        if (hasSchedule)
            await _store.RemoveScheduleAsync("tick", CancellationToken.None);
        var started = _clock.GetUtcNow();
        IReadOnlyList<JobInfo> all;
        do
        {
            await Task.Delay(TimeSpan.FromSeconds(5), _clock);
            all = await _store.ListAsync(new JobQuery(), MostJobs, CancellationToken.None);
        }
        while (!all.All(job => job.HasEnded) && _clock.GetUtcNow() < started + s_longest);
        History.Add(new RunOver(all));
        _isOver = true;
        foreach (var engine in _engines.ToList())
            await engine.StopAsync();
    }

    private Task StepAsync() => _random.Next(20) switch
    {
        < 10 => MakeAsync(),
        10 => CancelAsync(),
        11 => AgainAsync(),
        12 => PauseTypeAsync(),
        13 => KillAsync(),
        14 => StopAsync(),
        15 => StandStill(),
        16 => Skew(),
        _ => Task.CompletedTask,
    };

    private void Start(bool knowsAll = false)
    {
        var process = new WorkloadProcess(_clock, string.Create(CultureInfo.InvariantCulture, $"w{_named++}")) { Skew = RandomSkew() };
        var store = new FaultyStore(_store, _clock, process, new Random(_random.Next())) { Faults = _faults };
        var engine = new WorkloadEngine(process, store, new Random(_random.Next()), _random.Next(1, 4), knowsAll || _random.Next(4) > 0, WorkAsync);
        History.Add(new Note($"{process.Name} starts, {process.Skew.TotalSeconds} s off"));
        _engines.Add(engine);
        process.Post(engine.Start);
    }

    private async Task MakeAsync()
    {
        string type = _random.Next(3) switch { 0 => Plain, 1 => Stepped, _ => Saga };
        var options = new JobOptions
        {
            Priority = _random.Next(4) == 0 ? _random.Next(-3, 4) : 0,
            Delay = TimeSpan.FromSeconds(_random.Next(5) == 0 ? _random.Next(60) : 0),
            Deadline = _random.Next(12) == 0 ? TimeSpan.FromSeconds(_random.Next(20, 300)) : null,
            After = _random.Next(5) == 0 && _ids.Count > 0 ? [.. Enumerable.Range(0, _random.Next(1, 3)).Select(_ => AnyId()).Distinct()] : [],
            AfterRule = (JobAfterRule)_random.Next(2),
            Lanes = [.. Enumerable.Range(0, 3).Where(_ => _random.Next(3) == 0).Select(Lane)],
            Rate = _random.Next(6) == 0 ? _rate : null,
            UniqueKey = _random.Next(6) == 0 ? string.Create(CultureInfo.InvariantCulture, $"key{_random.Next(2)}") : null,
            Uniqueness = (JobUniqueness)_random.Next(3),
        };
        int number = _number++;
        await TryAsync(Alive(type), async jobs =>
        {
            var handle = type switch
            {
                Plain => await jobs.EnqueueAsync(new PlainArgs(number), options),
                Stepped => await jobs.EnqueueAsync(new SteppedArgs(number), options),
                _ => await jobs.EnqueueAsync(new SagaArgs(number), options),
            };
            _ids.Add(handle.Id);
        });
    }

    private LaneClaim Lane(int lane)
    {
        var key = LaneKey.Parse(string.Create(CultureInfo.InvariantCulture, $"lane:{lane}"));
        return _random.Next(2) == 0 ? new LaneClaim { Key = key, Mode = LaneMode.Exclusive }
            : new LaneClaim { Key = key, Mode = LaneMode.Shared, Weight = _random.Next(1, 4), Capacity = _random.Next(3) == 0 ? null : _random.Next(2, 4) };
    }

    private Task CancelAsync() => _ids.Count == 0 ? Task.CompletedTask : TryAsync(Alive(Plain), jobs => jobs.CancelAsync(AnyId()));

    private async Task AgainAsync()
    {
        if ((await _store.ListAsync(new JobQuery { State = JobState.Failed }, MostJobs, CancellationToken.None)).Select(job => job.Id).Where(_ids.Contains).OrderBy(_ids.IndexOf).FirstOrDefault() is { IsDefault: false } dead)
            await TryAsync(Alive(Plain), jobs => jobs.RetryAsync(dead));
    }

    private async Task PauseTypeAsync()
    {
        string? type = _random.Next(4) switch { 0 => null, 1 => Stepped, _ => Plain };
        bool isPaused = !(await _store.ListPausedAsync(CancellationToken.None)).Contains(type ?? "");
        await TryAsync(Alive(Plain), jobs => isPaused ? jobs.PauseAsync(type) : jobs.ResumeAsync(type));
    }

    // Its sessions, handlers and leases are as they are; what it has sent arrives.
    private Task KillAsync()
    {
        if (_engines.Count < 2)
            return Task.CompletedTask;
        var engine = _engines[_random.Next(_engines.Count)];
        History.Add(new Note($"{engine.Process.Name} dies"));
        _engines.Remove(engine);
        _dead.Add(engine);
        engine.Kill();
        _ = ComeBackAsync();
        return Task.CompletedTask;
    }

    private async Task StopAsync()
    {
        if (_engines.Count < 2)
            return;
        var engine = _engines[_random.Next(_engines.Count)];
        History.Add(new Note($"{engine.Process.Name} shuts down"));
        _engines.Remove(engine);
        await PatientlyAsync(engine.StopAsync());
        _ = ComeBackAsync();
    }

    private async Task ComeBackAsync()
    {
        await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(60_000)), _clock);
        if (!_isOver)
            Start();
    }

    private Task StandStill()
    {
        var process = Any().Process;
        var time = TimeSpan.FromMilliseconds(_random.Next(1_000, 70_000));
        History.Add(new Note($"{process.Name} stands still for {time.TotalSeconds} s"));
        process.Pause(time);
        return Task.CompletedTask;
    }

    private Task Skew()
    {
        var process = Any().Process;
        process.Skew = RandomSkew();
        History.Add(new Note($"{process.Name} is {process.Skew.TotalSeconds} s off"));
        return Task.CompletedTask;
    }

    private TimeSpan RandomSkew() => _random.Next(2) == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(_random.Next(-4_000, 4_000));

    private WorkloadEngine Any() => _engines[_random.Next(_engines.Count)];

    private WorkloadEngine? Alive(string type)
    {
        var able = _engines.Where(engine => engine.KnowsAll || type != Saga).ToList();
        return able.Count == 0 ? null : able[_random.Next(able.Count)];
    }

    private JobId AnyId() => _ids[_random.Next(_ids.Count)];

    private Task RestAsync(int mostMs) => Task.Delay(TimeSpan.FromMilliseconds(_random.Next(1, mostMs)), _clock);

    private async Task TryAsync(WorkloadEngine? engine, Func<IJobs, Task> call)
    {
        if (engine is null)
            return;
        try
        {
            await PatientlyAsync(call(engine.Jobs));
        }
        catch (HypervisorException)
        {
            // Refused, or nobody knows: what it left is looked at in the end.
        }
    }

    // A process that has died meanwhile does not answer.
    private async Task PatientlyAsync(Task call) => await await Task.WhenAny(call, Task.Delay(TimeSpan.FromMinutes(2), _clock));

    // What every handler does: rests and steps, and some failures, drawn for each attempt.
    private async Task<string> WorkAsync(WorkloadProcess process, JobContext job, string type, CancellationToken cancellationToken)
    {
        History.Add(new HandlerBegan(job.Id, job.FencingToken));
        var steps = Enumerable.Range(0, type is Plain or Tick ? 0 : 1 + (ThingsOf(History.Made[job.Id]).Count % 3)).Select(step => $"s{step}").ToList();
        // One that does not listen is abandoned.
        var stop = _random.Next(12) == 0 ? CancellationToken.None : cancellationToken;
        int mostMs = _random.Next(10) == 0 ? 45_000 : 9_000;
        int failsAt = _random.Next(3 * (steps.Count + 1));
        for (int i = 0; i <= steps.Count; i++)
        {
            if (!job.IsCompensating)
                await process.RestAsync(TimeSpan.FromMilliseconds(_random.Next(mostMs)), stop);
            if (i == failsAt)
                throw _random.Next(4) == 0 ? new HypervisorException("It is not possible.", ErrorCode.InvalidState, RequestOutcome.Rejected) : new TimeoutException("It did not work this time.");
            if (i == steps.Count)
                break;
            string step = steps[i];
            await job.StepAsync(step, JobsJson.Default.String, options => _backend.DoAsync(process, job.Id, step, options), request => _backend.LookUpAsync(process, job.Id, step, request, job.FencingToken),
                type == Saga ? (_, options) => _backend.UndoAsync(process, job.Id, step, options) : null);
        }

        History.Add(new HandlerDone(job.Id, job.FencingToken, job.IsCompensating ? [] : steps));
        return "done";
    }
}
