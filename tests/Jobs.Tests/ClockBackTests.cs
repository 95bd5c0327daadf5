namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>A clock that is put back an hour under a worker.</summary>
public sealed class ClockBackTests : IDisposable
{
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);

    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task What_runs_goes_on_and_what_is_made_afterwards_runs_at_once_and_delayed_by_the_new_clock()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await StartAsync();
        engine.Handler.Before = (_, args, _) =>
        {
            begun.TrySetResult();
            return args.Name == "runs" ? release.Task : Task.CompletedTask;
        };
        var runs = await engine.Jobs.EnqueueAsync(new BuildArgs("runs"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        _clock.SetBack(s_hour);
        await EndAsync(engine, (await engine.Jobs.EnqueueAsync(new BuildArgs("made"), cancellationToken: Token)).Id, _clock.GetUtcNow());
        var delayed = await engine.Jobs.EnqueueAsync(new BuildArgs("delayed"), new JobOptions { Delay = TimeSpan.FromMinutes(5) }, Token);
        var due = (await engine.Jobs.GetAsync(delayed.Id, Token))!.DueAt;
        await EndAsync(engine, delayed.Id, due);
        // Far less than the hour: it did not wait for the clock to come where it was.
        Assert.True(_clock.GetUtcNow() < due + TimeSpan.FromMinutes(10));
        // The lease was renewed by the new clock, and holds.
        Assert.Equal((JobState.InProgress, 1), await engine.Jobs.GetAsync(runs.Id, Token) is { } job ? (job.State, job.Attempts) : default);
        release.SetResult();
        await EndAsync(engine, runs.Id, _clock.GetUtcNow());
        foreach (var done in await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token))
            Assert.Equal((JobState.Completed, 1), (done.State, done.Attempts));
        Assert.Equal(6, _world.Made.Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_time_limit_lasts_as_long_as_it_says()
    {
        await using var engine = await StartAsync(type => (type.TimeLimit, type.MaxAttempts) = (TimeSpan.FromMinutes(10), 1));
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        engine.Handler.Before = (_, _, cancelled) =>
        {
            begun.TrySetResult();
            return Task.Delay(Timeout.Infinite, cancelled);
        };
        var job = await engine.Jobs.EnqueueAsync(new BuildArgs("slow"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        _clock.SetBack(s_hour);
        var back = _clock.GetUtcNow();
        await EndAsync(engine, job.Id, back + TimeSpan.FromMinutes(11));
        Assert.Equal(JobState.Failed, (await engine.Jobs.GetAsync(job.Id, Token))!.State);
        Assert.True(_clock.GetUtcNow() < back + TimeSpan.FromMinutes(30));
    }

    [Theory(Timeout = 120_000)]
    [InlineData("*/10 * * * *", true)]
    [InlineData("0 * * * *", true)]
    [InlineData("0 2 * * *", false)]
    public async Task A_schedule_that_is_rarer_than_the_hour_makes_nothing_twice_and_one_that_is_not_does_not_wait_for_it(string cron, bool comesAgain)
    {
        await using var engine = await StartAsync();
        // A few minutes after two.
        _clock.Advance(TimeSpan.FromMinutes(1));
        await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = cron }, new BuildArgs("nightly"), Token);
        var two = _clock.GetUtcNow().Date.AddHours(2);
        while (await NextAsync(engine) is var next && next.UtcDateTime <= two)
            await _clock.AtAsync(next, async () => await NextAsync(engine) > next);
        await _clock.AtAsync(_clock.GetUtcNow(), async () => await engine.Jobs.ListAsync(cancellationToken: Token).AllAsync(job => job.HasEnded, Token));
        int made = await engine.Jobs.ListAsync(cancellationToken: Token).CountAsync(Token);
        var later = await NextAsync(engine);
        _clock.SetBack(s_hour);
        var back = _clock.GetUtcNow();
        // The worker wakes within a minute, and learns it.
        _clock.Advance(TimeSpan.FromMinutes(2));
        if (comesAgain)
        {
            await _clock.AtAsync(_clock.GetUtcNow(), async () => await NextAsync(engine) < later);
            Assert.InRange(await NextAsync(engine), back, back + s_hour);
            var next = await NextAsync(engine);
            await _clock.AtAsync(next, async () => await NextAsync(engine) > next);
            Assert.Equal(made + 1, await engine.Jobs.ListAsync(cancellationToken: Token).CountAsync(Token));
            return;
        }

        // Two o'clock comes again, and nothing with it.
        for (int minute = 0; minute < 70; minute++)
        {
            while (_clock.ActiveTimers < 2)
                await Task.Delay(TimeSpan.FromMilliseconds(1), Token);
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.True(_clock.GetUtcNow() > back + s_hour);
        Assert.Equal((later, made), (await NextAsync(engine), await engine.Jobs.ListAsync(cancellationToken: Token).CountAsync(Token)));
    }

    private static async Task<DateTimeOffset> NextAsync(Engine engine) => Assert.Single(await engine.Jobs.ListSchedulesAsync(Token)).NextAt!.Value;

    private Task EndAsync(Engine engine, JobId id, DateTimeOffset at) => _clock.AtAsync(at, async () => (await engine.Jobs.GetAsync(id, Token))!.HasEnded);

    private Task<Engine> StartAsync(Action<JobTypeOptions>? configureType = null) => Engine.StartAsync(_directory["jobs.db"], _world, _clock,
        configure: options => (options.Lease, options.PollInterval) = (s_hour, TimeSpan.FromMinutes(1)), configureType: configureType);
}
