using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>A process dies at each write of a job with two steps; the next process carries the job to its end.</summary>
public sealed class CrashTests
{
    public static TheoryData<string, int, bool> Points => new()
    {
        { "Claim", 1, true },
        { "BeginStep", 1, false }, { "BeginStep", 1, true }, { "EndStep", 1, false }, { "EndStep", 1, true },
        { "BeginStep", 2, false }, { "BeginStep", 2, true }, { "EndStep", 2, false }, { "EndStep", 2, true },
        { "EndAttempt", 1, false }, { "EndAttempt", 1, true },
    };

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Points))]
    [Feature("JOB-06")]
    public async Task A_job_whose_process_died_is_finished_by_the_next_and_nothing_is_made_twice(string write, int ordinal, bool isAfter)
    {
        var point = new CrashPoint(write, ordinal, isAfter);
        var token = TestContext.Current.CancellationToken;
        using var directory = new TempDirectory();
        var clock = new ManualTimeProvider();
        var world = new World();
        CrashingStore? dying = null;
        JobId id;
        await using (var first = await Engine.StartAsync(directory["jobs.db"], world, clock, store => dying = new CrashingStore(store, point)))
        {
            id = (await first.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: token)).Id;
            await dying!.Crashed.WaitAsync(token);
        }

        clock.Advance(TimeSpan.FromMinutes(5));
        await using var second = await Engine.StartAsync(directory["jobs.db"], world, clock);
        var ended = await second.Jobs.WaitAsync(id, token);

        Assert.Equal(JobState.Completed, ended.State);
        Assert.Equal(["web1-disk", "web1"], world.Made);
        var attempts = await second.Jobs.ListAttemptsAsync(id, token);
        if (point is not { Write: "EndAttempt", IsAfter: true })
        {
            Assert.Equal([AttemptEnd.LeaseLost, AttemptEnd.Completed], attempts.Select(attempt => attempt.End!.Value));
            Assert.True(attempts[1].FencingToken > attempts[0].FencingToken);
        }
    }

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_job_is_there_exactly_when_it_was_made_durable(bool isAfter)
    {
        var token = TestContext.Current.CancellationToken;
        using var directory = new TempDirectory();
        var clock = new ManualTimeProvider();
        var world = new World();
        await using (var first = await Engine.StartAsync(directory["jobs.db"], world, clock, store => new CrashingStore(store, new CrashPoint("Enqueue", 1, isAfter))))
            await Assert.ThrowsAsync<HypervisorException>(() => first.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: token));

        // The dying process may have taken it in its last moment.
        clock.Advance(TimeSpan.FromMinutes(5));
        await using var second = await Engine.StartAsync(directory["jobs.db"], world, clock);
        var jobs = await second.Jobs.ListAsync(cancellationToken: token).ToListAsync(token);
        Assert.Equal(isAfter ? 1 : 0, jobs.Count);
        foreach (var job in jobs)
            Assert.Equal(JobState.Completed, (await second.Jobs.WaitAsync(job.Id, token)).State);
    }
}
