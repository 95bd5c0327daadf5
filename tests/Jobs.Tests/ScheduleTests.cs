using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Jobs that recur.</summary>
public sealed class ScheduleTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => _directory["jobs.db"];

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    [Feature("JOB-07")]
    public async Task A_schedule_makes_its_job_once_each_time_however_many_workers_there_are()
    {
        // An hour of the clock goes by: with a question a second nearly all of the time would go into those.
        await using var one = await Engine.StartAsync(File, _world, _clock, configure: options => options.PollInterval = TimeSpan.FromMinutes(1));
        await using var two = await Engine.StartAsync(File, _world, _clock, configure: options => options.PollInterval = TimeSpan.FromMinutes(1));
        await one.Jobs.ScheduleAsync(Schedule("*/20 * * * *"), new BuildArgs("nightly"), Token);
        var schedule = Assert.Single(await two.Jobs.ListSchedulesAsync(Token));
        Assert.Equal(("nightly", _clock.GetUtcNow().Date.AddMinutes(20)), (schedule.Name, schedule.NextAt!.Value.UtcDateTime));
        for (int time = 1; time <= 3; time++)
            await AdvanceUntilAsync(one, completed: time, step: TimeSpan.FromMinutes(1), parkedTimers: 4);
        Assert.Equal(3, (await one.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token)).Count);
        Assert.True(await one.Jobs.UnscheduleAsync("nightly", Token));
        Assert.False(await one.Jobs.UnscheduleAsync("nightly", Token));
    }

    [Theory(Timeout = 120_000)]
    [InlineData(CronCatchUp.One, 1)]
    [InlineData(CronCatchUp.None, 0)]
    [InlineData(CronCatchUp.All, 5)]
    public async Task Times_that_passed_while_nobody_ran_are_made_up_for_as_the_schedule_says(CronCatchUp catchUp, int jobs)
    {
        await using (var first = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0))
            await first.Jobs.ScheduleAsync(Schedule("0 * * * *", catchUp), new BuildArgs("nightly"), Token);
        _clock.Advance(TimeSpan.FromMinutes((5 * 60) + 30));
        await using var second = await Engine.StartAsync(File, _world, _clock);
        var next = _clock.GetUtcNow().AddMinutes(30);
        while ((await second.Jobs.ListSchedulesAsync(Token))[0].NextAt != next)
            await Task.Yield();
        var made = await second.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
        Assert.Equal(jobs, made.Count);
        foreach (var job in made)
            Assert.Equal(JobState.Completed, (await second.Jobs.WaitAsync(job.Id, Token)).State);
    }

    [Theory(Timeout = 120_000)]
    [InlineData("of a type that only others know", "foreign", "UTC")]
    [InlineData("of a zone that is missing here", "build", "Europe/Nowhere")]
    public async Task A_schedule_that_is_due_and_cannot_be_fired_here_does_not_keep_its_worker_busy(string what, string type, string zone)
    {
        CrashingStore? store = null;
        await using var engine = await Engine.StartAsync(File, _world, _clock, inner => store = new CrashingStore(inner, new CrashPoint("", 0, false)));
        var due = new JobSchedule { Name = what, Cron = "@hourly", Zone = zone, NextAt = _clock.GetUtcNow().AddHours(-1) };
        await store!.PutScheduleAsync(new StoredSchedule { Schedule = due, Type = type, Args = "{}" }, Token);
        await TickAsync(200);
        int before = store.Calls;
        await TickAsync(6000);
        // A minute: in each second a question for changes; and a schedule that cannot be fired is looked at ever less often, by four calls each time.
        Assert.InRange(store.Calls - before, 1, 90);
        // It is there for who can fire it.
        Assert.Equal(due.NextAt, Assert.Single(await engine.Jobs.ListSchedulesAsync(Token)).NextAt);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_schedule_that_cannot_be_read_stops_neither_its_worker_nor_other_schedules()
    {
        CrashingStore? store = null;
        await using var engine = await Engine.StartAsync(File, _world, _clock, inner => store = new CrashingStore(inner, new CrashPoint("", 0, false)));
        string longest = new('é', 128);
        await store!.PutScheduleAsync(new StoredSchedule { Schedule = new JobSchedule { Name = "broken", Cron = "no times", NextAt = _clock.GetUtcNow() }, Type = "build", Args = "{}" }, Token);
        await store.PutScheduleAsync(new StoredSchedule { Schedule = new JobSchedule { Name = longest, Cron = "@daily", CatchUp = CronCatchUp.All, NextAt = _clock.GetUtcNow() }, Type = "build", Args = """{"name":"nightly"}""" }, Token);
        await AdvanceUntilAsync(engine, completed: 1, step: TimeSpan.FromSeconds(1), parkedTimers: 2);
        var job = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), null, Token);
        Assert.Equal(JobState.Completed, (await engine.Jobs.WaitAsync(job.Id, Token)).State);
        Assert.Equal(_clock.GetUtcNow().Date.AddDays(1), (await engine.Jobs.ListSchedulesAsync(Token)).Single(schedule => schedule.Name == longest).NextAt!.Value.UtcDateTime);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_schedule_of_each_second_that_slept_a_month_is_made_up_for_by_its_last_times()
    {
        var due = _clock.GetUtcNow().AddDays(-31);
        CrashingStore? store = null;
        await using var engine = await Engine.StartAsync(File, _world, _clock, inner => store = new CrashingStore(inner, new CrashPoint("", 0, false)));
        await store!.PutScheduleAsync(new StoredSchedule { Schedule = new JobSchedule { Name = "often", Cron = "* * * * * *", NextAt = due }, Type = "build", Args = """{"name":"often"}""" }, Token);
        await AdvanceUntilAsync(engine, completed: 1, step: TimeSpan.FromMilliseconds(1), parkedTimers: 2);
        Assert.True((await engine.Jobs.ListSchedulesAsync(Token))[0].NextAt > _clock.GetUtcNow().AddSeconds(-1));
    }

    [Fact(Timeout = 120_000)]
    public async Task Who_schedules_at_his_start_loses_no_time_that_is_due()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0);
        await engine.Jobs.ScheduleAsync(Schedule("0 * * * *"), new BuildArgs("nightly"), Token);
        var first = Assert.Single(await engine.Jobs.ListSchedulesAsync(Token)).NextAt;
        _clock.Advance(TimeSpan.FromHours(5));
        await engine.Jobs.ScheduleAsync(Schedule("0 * * * *", CronCatchUp.All), new BuildArgs("other"), Token);
        var again = Assert.Single(await engine.Jobs.ListSchedulesAsync(Token));
        Assert.Equal((first, CronCatchUp.All), (again.NextAt, again.CatchUp));
        await engine.Jobs.ScheduleAsync(Schedule("30 * * * *"), new BuildArgs("other"), Token);
        Assert.True(Assert.Single(await engine.Jobs.ListSchedulesAsync(Token)).NextAt > _clock.GetUtcNow());
    }

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_time_that_comes_while_the_job_before_runs_is_skipped_unless_overlap_is_allowed(bool allowsOverlap)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: Calm);
        engine.Handler.Before = (_, _, _) =>
        {
            begun.TrySetResult();
            return release.Task;
        };
        await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "*/10 * * * *", AllowsOverlap = allowsOverlap }, new BuildArgs("nightly"), Token);
        await FireAsync(engine);
        await begun.Task.WaitAsync(Token);
        // Two more times come and go while it runs.
        await FireAsync(engine);
        await FireAsync(engine);
        Assert.Equal(allowsOverlap ? 3 : 1, (await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token)).Count);
        release.SetResult();
        foreach (var job in await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token))
            Assert.Equal(JobState.Completed, (await engine.Jobs.WaitAsync(job.Id, Token)).State);
        // What was skipped is not made up for; the next time has its job again.
        await FireAsync(engine);
        Assert.Equal(allowsOverlap ? 4 : 2, (await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token)).Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_jitter_is_drawn_once_for_all_workers_within_its_bound_and_moves_no_later_time()
    {
        double[] drawn = [0.125, 0.875];
        await using var one = await Engine.StartAsync(File, _world, _clock, configure: options => Calm(options, new Drawn(drawn[0])));
        await using var two = await Engine.StartAsync(File, _world, _clock, configure: options => Calm(options, new Drawn(drawn[1])));
        var jitter = TimeSpan.FromMinutes(16);
        var midnight = _clock.GetUtcNow();
        await one.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "@hourly", Jitter = jitter }, new BuildArgs("nightly"), Token);
        for (int hour = 1; hour <= 3; hour++)
        {
            await FireAsync(one, parkedTimers: 4);
            var jobs = await one.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
            Assert.Equal(hour, jobs.Count);
            // Whoever of the two was first has drawn for both.
            Assert.Contains(jobs[0].DueAt, drawn.Select(part => midnight.AddHours(hour) + (jitter * part)));
            Assert.Equal(jobs[0].DueAt, (await two.Jobs.GetAsync(jobs[0].Id, Token))!.DueAt);
            Assert.Equal(PendingKind.Delayed, (await two.Jobs.GetPendingReasonAsync(jobs[0].Id, Token))!.Kind);
            await _clock.AtAsync(jobs[0].DueAt, async () => (await one.Jobs.GetAsync(jobs[0].Id, Token))!.HasEnded, parkedTimers: 4);
            Assert.True(Assert.Single(await one.Jobs.ListAttemptsAsync(jobs[0].Id, Token)).StartedAt >= jobs[0].DueAt);
            Assert.Equal(midnight.AddHours(hour + 1), Assert.Single(await two.Jobs.ListSchedulesAsync(Token)).NextAt);
        }
    }

    // Moves the clock by a hundredth of a second at a time, whenever all who wait for it have parked themselves: the worker's loop, and the question for what others did.
    private async Task TickAsync(int times)
    {
        for (int i = 0; i < times; i++)
        {
            while (_clock.ActiveTimers < 2)
                await Task.Yield();
            _clock.Advance(TimeSpan.FromMilliseconds(10));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task What_is_no_schedule_is_refused()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0);
        await Assert.ThrowsAsync<FormatException>(() => engine.Jobs.ScheduleAsync(Schedule("*/0 * * * *"), new BuildArgs("x"), Token));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.Jobs.ScheduleAsync(new JobSchedule { Name = "x", Cron = "@daily", Zone = "Europe/Nowhere" }, new BuildArgs("x"), Token));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.Jobs.ScheduleAsync(new JobSchedule { Name = "x", Cron = "@daily", Jitter = TimeSpan.FromHours(2) }, new BuildArgs("x"), Token));
        Assert.Empty(await engine.Jobs.ListSchedulesAsync(Token));
    }

    // Hours go by within a run: no lease runs out, and nearly nothing is asked for.
    private static void Calm(JobsOptions options) => Calm(options, Random.Shared);

    private static void Calm(JobsOptions options, Random random) => (options.Lease, options.PollInterval, options.Random) = (TimeSpan.FromHours(1), TimeSpan.FromMinutes(1), random);

    // To the next time, until it was fired. The worker's loop, and the question for what others did.
    private async Task FireAsync(Engine engine, int parkedTimers = 2)
    {
        var next = Assert.Single(await engine.Jobs.ListSchedulesAsync(Token)).NextAt!.Value;
        await _clock.AtAsync(next, async () => Assert.Single(await engine.Jobs.ListSchedulesAsync(Token)).NextAt > next, parkedTimers);
    }

    private sealed class Drawn(double part) : Random
    {
        public override double NextDouble() => part;
    }

    private static JobSchedule Schedule(string cron, CronCatchUp catchUp = CronCatchUp.One) => new() { Name = "nightly", Cron = cron, CatchUp = catchUp };

    private async Task AdvanceUntilAsync(Engine engine, int completed, TimeSpan step, int parkedTimers)
    {
        while (true)
        {
            var jobs = await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
            if (jobs.Count(job => job.State == JobState.Completed) >= completed)
                return;
            if (_clock.ActiveTimers >= parkedTimers && jobs.All(job => job.HasEnded))
                _clock.Advance(step);
            await Task.Yield();
        }
    }
}
