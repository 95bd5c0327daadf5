using Hypervisor.Sdk.Jobs.PostgreSql;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>What the processes of one database have of each other: cancels, schedules, and nothing that is left behind in their memory.</summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
public sealed class SharedDatabaseTests(PostgreSqlServer server)
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task A_cancel_by_another_process_is_told_by_a_notification()
    {
        string connection = await server.CreateDatabaseAsync();
        var clock = new ManualTimeProvider();
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // No question and no renewal tells it: the notification alone is left.
        await using var worker = await StartAsync(clock, jobs => jobs.UseStore(_ =>
            new CrashingStore(new PostgreSqlJobStore(connection, notifications: true, clock), new CrashPoint("", 0, false)) { HidesCancels = true, HidesPlaces = true }));
        worker.Handler.Before = (_, _, cancelled) =>
        {
            begun.TrySetResult();
            return Task.Delay(Timeout.Infinite, cancelled);
        };
        await using var page = await StartAsync(clock, jobs => jobs.UsePostgreSql(connection), concurrency: 0);
        var job = await page.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await clock.AtAsync(clock.GetUtcNow(), () => Task.FromResult(begun.Task.IsCompleted));
        Assert.True(await page.Jobs.CancelAsync(job.Id, Token));
        await clock.AtAsync(clock.GetUtcNow(), async () => (await page.Jobs.GetAsync(job.Id, Token))!.HasEnded);
        Assert.Equal(JobState.Cancelled, (await page.Jobs.GetAsync(job.Id, Token))!.State);
        Assert.Equal(AttemptEnd.Cancelled, Assert.Single(await page.Jobs.ListAttemptsAsync(job.Id, Token)).End);
    }

    [Fact(Timeout = 180_000)]
    [Feature("JOB-07")]
    public async Task Of_two_workers_one_makes_the_job_of_each_time()
    {
        const int Times = 5;
        string connection = await server.CreateDatabaseAsync();
        var clock = new ManualTimeProvider();
        await using var one = await StartAsync(clock, jobs => jobs.UsePostgreSql(connection), pollSeconds: 60);
        await using var two = await StartAsync(clock, jobs => jobs.UsePostgreSql(connection), pollSeconds: 60);
        await one.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "*/10 * * * *", AllowsOverlap = true }, new BuildArgs("nightly"), Token);
        var last = clock.GetUtcNow().AddMinutes(10 * Times);
        for (int time = 1; time <= Times; time++)
        {
            // Their loops, and their questions for what others did: both wake by the same clock, and see the same time.
            var next = last.AddMinutes(10 * (time - Times));
            await clock.AtAsync(next, async () => Assert.Single(await two.Jobs.ListSchedulesAsync(Token)).NextAt > next, parkedTimers: 4);
        }

        var jobs = await one.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
        Assert.Equal(Enumerable.Range(1, Times).Select(time => last.AddMinutes(10 * (time - Times))), jobs.Select(job => job.DueAt).Order());
        foreach (var job in jobs)
        {
            await clock.AtAsync(last, async () => (await one.Jobs.GetAsync(job.Id, Token))!.HasEnded, parkedTimers: 4);
            Assert.Equal((JobState.Completed, 1), await one.Jobs.GetAsync(job.Id, Token) is { } ended ? (ended.State, ended.Attempts) : default);
        }
    }

    [Theory(Timeout = 120_000)]
    [InlineData("BeginStep")]
    [InlineData("EndStep")]
    [InlineData("Report")]
    [InlineData("Log")]
    [InlineData("Renew")]
    [InlineData("EndAttempt")]
    [InlineData("Claim")]
    public async Task Nothing_is_kept_of_an_attempt_that_has_lost_its_lease(string learnsBy)
    {
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        var id = Assert.Single(await store.EnqueueAsync([new NewJob { Id = JobId.New(TimeProvider.System), Type = "build", Args = "{}", CreatedAt = s_start, DueAt = s_start, MaxAttempts = 9, MaxLostWorkers = 9 }], Token));
        var first = Assert.Single(await ClaimAsync(store, s_start));
        var step = new StoredStep { Name = "copy", Request = RequestId.New() };
        Assert.True(await store.BeginStepAsync(id, first.FencingToken, step, s_start));
        Assert.Equal(1, store.Taken);
        var late = s_start.AddMinutes(1);
        if (learnsBy != "Claim")
        {
            await using var other = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
            Assert.Equal(id, Assert.Single(await ClaimAsync(other, late)).Id);
        }

        switch (learnsBy)
        {
            case "BeginStep":
                Assert.False(await store.BeginStepAsync(id, first.FencingToken, step, late));
                break;
            case "EndStep":
                Assert.False(await store.EndStepAsync(id, first.FencingToken, "copy", "1", late));
                break;
            case "Report":
                Assert.False(await store.ReportAsync(id, first.FencingToken, "half", 0.5));
                break;
            case "Log":
                Assert.False(await store.LogAsync(id, first.FencingToken, late, "line", 10));
                break;
            case "Renew":
                Assert.Null(await store.RenewAsync(id, first.FencingToken, late, late.AddSeconds(30)));
                break;
            case "EndAttempt":
                Assert.False(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = first.FencingToken, End = AttemptEnd.Completed, Now = late }));
                break;
            default:
                // The same process takes it again, and ends it.
                var second = Assert.Single(await ClaimAsync(store, late));
                Assert.Equal(2, second.Attempt);
                Assert.Equal(1, store.Taken);
                Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = second.FencingToken, End = AttemptEnd.Completed, Now = late }));
                break;
        }

        Assert.Equal(0, store.Taken);
    }

    private static async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(PostgreSqlJobStore store, DateTimeOffset now)
    {
        var request = new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 9, Now = now, LeaseUntil = now.AddSeconds(30) };
        return (await store.ClaimAsync(request, Token)).Jobs;
    }

    private static Task<Engine> StartAsync(TimeProvider clock, Action<JobsBuilder> useStore, int concurrency = 4, double pollSeconds = 1.25) => Engine.StartAsync("", new World(), clock, configure: options =>
    {
        (options.Concurrency, options.PollInterval, options.Lease) = (concurrency, TimeSpan.FromSeconds(pollSeconds), TimeSpan.FromHours(1));
    }, useStore: useStore);
}
