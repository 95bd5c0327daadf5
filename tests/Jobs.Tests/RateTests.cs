namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>How many jobs of a key begin within a time, over all workers.</summary>
public sealed class RateTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task Within_no_period_more_jobs_of_a_key_begin_than_its_rate_allows_over_two_workers()
    {
        var begun = new List<DateTimeOffset>();
        await using var one = await StartAsync(begun);
        await using var two = await StartAsync(begun);
        var rate = new JobRate { Key = "api:cloud1", Limit = 3, Period = TimeSpan.FromSeconds(10) };
        await one.Jobs.PauseAsync(cancellationToken: Token);
        var limited = await one.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, 10).Select(i => new BuildArgs($"web{i}"))], new JobOptions { Rate = rate }, Token);
        var free = await one.Jobs.EnqueueAsync(new BuildArgs("free"), cancellationToken: Token);
        await one.Jobs.ResumeAsync(cancellationToken: Token);
        // The clock stands still: three begin at once, and the one without a rate beside them.
        Assert.Equal(JobState.Completed, (await free.WaitAsync(Token)).State);
        var last = limited[^1];
        Assert.Equal(PendingKind.WaitsForRate, (await one.Jobs.GetPendingReasonAsync(last.Id, Token))!.Kind);
        foreach (var handle in limited)
            Assert.Equal((JobState.Completed, 1), State(await _clock.UntilAsync(handle.WaitAsync(Token), parkedTimers: 4, stepSeconds: 0.5)));
        Assert.Equal(10, begun.Count);
        begun.Sort();
        for (int i = 3; i < begun.Count; i++)
            Assert.True(begun[i] - begun[i - 3] >= rate.Period, $"Number {i} began {begun[i] - begun[i - 3]} after number {i - 3}.");
    }

    [Fact(Timeout = 120_000)]
    public async Task The_jobs_of_a_schedule_are_held_to_its_rate_beside_one_that_is_made_by_hand()
    {
        var rate = new JobRate { Key = "api:cloud1", Limit = 2, Period = TimeSpan.FromSeconds(30) };
        await using (var page = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.Concurrency = 0))
        {
            await page.Jobs.ScheduleAsync(new JobSchedule { Name = "often", Cron = "* * * * *", CatchUp = CronCatchUp.All, AllowsOverlap = true, Rate = rate }, new BuildArgs("often"), Token);
            var kept = Assert.Single(await page.Jobs.ListSchedulesAsync(Token)).Rate!;
            Assert.Equal((rate.Key, rate.Limit, rate.Period), (kept.Key, kept.Limit, kept.Period));
            await page.Jobs.PauseAsync(cancellationToken: Token);
        }

        _clock.Advance(TimeSpan.FromMinutes(5));
        var begun = new List<DateTimeOffset>();
        await using var engine = await StartAsync(begun);
        await engine.Jobs.EnqueueAsync(new BuildArgs("by hand"), new JobOptions { Rate = rate }, Token);
        List<JobInfo> jobs;
        while ((jobs = await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token)).Count < 6)
            await Task.Yield();
        Assert.True(await engine.Jobs.UnscheduleAsync("often", Token));
        await engine.Jobs.ResumeAsync(cancellationToken: Token);
        foreach (var job in jobs)
            Assert.Equal((JobState.Completed, 1), State(await _clock.UntilAsync(engine.Jobs.WaitAsync(job.Id, Token), stepSeconds: 0.5)));
        Assert.Equal(6, begun.Count);
        begun.Sort();
        for (int i = 2; i < begun.Count; i++)
            Assert.True(begun[i] - begun[i - 2] >= rate.Period, $"Number {i} began {begun[i] - begun[i - 2]} after number {i - 2}.");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_rate_out_of_its_range_is_refused()
    {
        await using var engine = await StartAsync([]);
        foreach (var rate in new[] { Rate("", 1, 1), Rate(new string('x', 257), 1, 1), Rate("k", 0, 1), Rate("k", 1001, 1), Rate("k", 1, 0.5), Rate("k", 1, 86401) })
        {
            await Assert.ThrowsAsync<ArgumentException>(() => engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { Rate = rate }, Token));
            await Assert.ThrowsAsync<ArgumentException>(() => engine.Jobs.ScheduleAsync(new JobSchedule { Name = "often", Cron = "* * * * *", Rate = rate }, new BuildArgs("web1"), Token));
        }

        static JobRate Rate(string key, int limit, double seconds) => new() { Key = key, Limit = limit, Period = TimeSpan.FromSeconds(seconds) };
    }

    private static (JobState State, int Attempts) State(JobInfo job) => (job.State, job.Attempts);

    private async Task<Engine> StartAsync(List<DateTimeOffset> begun)
    {
        var engine = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock);
        engine.Handler.Before = async (job, args, _) =>
        {
            if (args.Name == "free")
                return;
            // As the store wrote it: the clock may have moved since.
            var attempt = (await engine.Jobs.ListAttemptsAsync(job.Id, Token))[^1];
            lock (begun)
                begun.Add(attempt.StartedAt);
        };
        return engine;
    }
}
