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
        await using var one = await Engine.StartAsync(File, _world, _clock);
        await using var two = await Engine.StartAsync(File, _world, _clock);
        await one.Jobs.ScheduleAsync(Schedule("0 3 * * *"), new BuildArgs("nightly"), Token);
        var schedule = Assert.Single(await two.Jobs.ListSchedulesAsync(Token));
        Assert.Equal(("nightly", _clock.GetUtcNow().Date.AddHours(3)), (schedule.Name, schedule.NextAt!.Value.UtcDateTime));
        for (int day = 1; day <= 3; day++)
            await AdvanceUntilAsync(one, completed: day, step: TimeSpan.FromMinutes(30), parkedTimers: 4);
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

    [Fact(Timeout = 120_000)]
    public async Task What_is_no_schedule_is_refused()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0);
        await Assert.ThrowsAsync<FormatException>(() => engine.Jobs.ScheduleAsync(Schedule("*/0 * * * *"), new BuildArgs("x"), Token));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.Jobs.ScheduleAsync(new JobSchedule { Name = "x", Cron = "@daily", Zone = "Europe/Nowhere" }, new BuildArgs("x"), Token));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.Jobs.ScheduleAsync(new JobSchedule { Name = "x", Cron = "@daily", Jitter = TimeSpan.FromHours(2) }, new BuildArgs("x"), Token));
        Assert.Empty(await engine.Jobs.ListSchedulesAsync(Token));
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
