using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Sqlite.Tests;

/// <summary>A file of each earlier version, with rows of every kind in it, is brought to this one: nothing is lost, and work goes on.</summary>
public sealed class MigrationTests : IDisposable
{
    // What came with which version.
    private const int Logs = 2;
    private const int Waits = 3;
    private const int Compensations = 4;
    private const int Schedules = 5;
    private const int ArgsVersions = 6;
    private const int RatesOfSchedules = 7;
    private const string Args = "{\"n\":2}";

    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Path => _directory["jobs.db"];

    public static TheoryData<int> Earlier => [.. Enumerable.Range(1, SqliteSchema.Newest - 1)];

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 60_000)]
    [MemberData(nameof(Earlier))]
    [Feature("JOB-17")]
    public async Task A_file_of_each_earlier_version_is_brought_forward_with_all_that_is_in_it(int version)
    {
        JobId[] ids = [.. Enumerable.Range(0, 7).Select(_ => JobId.New(TimeProvider.System))];
        using (var session = new SqliteSession(Path, isReader: false))
        {
            SqliteSchema.Prepare(session, Path, target: version);
            Fill(session, version, ids);
            Assert.Equal(version, Assert.Single(session.Read("PRAGMA user_version", row => row.GetInt32(0))));
        }

        await using var store = SqliteJobStore.Open(Path);
        var jobs = await store.ListChangesAsync(0, 100, Token);
        Assert.Equal(ids, jobs.Select(job => job.Id));
        Assert.Equal([JobState.Pending, JobState.Pending, JobState.InProgress, JobState.Completed, JobState.Failed, JobState.Cancelled, JobState.Pending], jobs.Select(job => job.State));
        var (running, done, failed) = (jobs[2], jobs[3], jobs[4]);
        Assert.Equal((2, "w", "half", version >= ArgsVersions ? 2 : 1), (running.Attempts, running.Worker, running.Progress, running.ArgsVersion));
        Assert.Equal(version >= Logs ? 0.5 : null, running.ProgressFraction);
        Assert.Equal("\"made\"", (await store.GetResultAsync(done.Id, Token))!.Json);
        Assert.Equal("It went wrong.", failed.Error);
        Assert.Equal(version >= Waits ? ids[3] : null, jobs[6].Parent);
        Assert.Equal([(1, "a", AttemptEnd.Retried, "why"), (2, "w", null, null)], (await store.ListAttemptsAsync(running.Id, Token)).Select(attempt => (attempt.Number, attempt.Worker, attempt.End, attempt.Reason)));
        Assert.Equal(version >= Logs ? ["first", "second"] : [], (await store.ListLogAsync(running.Id, 0, 10, Token)).Select(line => line.Text));
        Assert.Equal(version >= Waits ? ["foreign"] : [], await store.ListPausedAsync(Token));
        var schedules = await store.ListSchedulesAsync(null, Token);
        Assert.Equal(version >= Schedules ? 1 : 0, schedules.Count);
        foreach (var schedule in schedules)
        {
            Assert.Equal(("nightly", "@daily", Args, version >= ArgsVersions ? 2 : 1), (schedule.Schedule.Name, schedule.Schedule.Cron, schedule.Args, schedule.ArgsVersion));
            Assert.Equal(s_start.AddDays(1), schedule.Schedule.NextAt);
            Assert.Equal(version >= RatesOfSchedules ? 3 : null, schedule.Schedule.Rate?.Limit);
        }

        // The unique key is still taken, and the second waits for the first where it could.
        Assert.Equal(ids[0], Assert.Single(await store.EnqueueAsync([Job("k")], Token)));
        Assert.Equal(version >= Waits ? PendingKind.WaitsForJob : PendingKind.Delayed, (await store.GetPendingReasonAsync(ids[1], s_start, Token))!.Kind);

        // The lease of what ran is over: its third attempt has its steps. Who wants the lane of the first waits.
        var claimed = (await ClaimAsync(store, s_start)).OrderBy(job => job.Attempt).ToList();
        Assert.Equal([ids[0], ids[2]], claimed.Select(job => job.Id));
        Assert.Equal((3, Args), (claimed[1].Attempt, claimed[1].Args));
        Assert.Equal([("copy", null, false), ("make", "\"disk\"", version >= Compensations)], claimed[1].Steps.Select(step => (step.Name, step.Result, step.HasCompensation)).Order());
        Assert.All(claimed, job => Assert.True(job.FencingToken > 20));
        Assert.Equal(PendingKind.WaitsForLane, (await store.GetPendingReasonAsync(ids[6], s_start, Token))!.Kind);
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = ids[0], FencingToken = claimed[0].FencingToken, End = AttemptEnd.Completed, Result = "1", Now = s_start }));
        Assert.Equal([ids[1], ids[6]], (await ClaimAsync(store, s_start.AddSeconds(10))).Select(job => job.Id));
        // What failed is run again, and what is new goes its way.
        Assert.True(await store.RetryAsync(failed.Id, s_start, Token));
        var fresh = Job("k");
        Assert.Equal(fresh.Id, Assert.Single(await store.EnqueueAsync([fresh], Token)));
        Assert.Equal([failed.Id, fresh.Id], (await ClaimAsync(store, s_start.AddSeconds(10))).Select(job => job.Id));
        Assert.True(await store.DiscardAsync(done.Id, Token));
        Assert.Equal(7, (await store.ListAsync(new JobQuery(), 100, Token)).Count);
    }

    // 1 waits with a lane and a key, 2 waits for 1 (for its time, before jobs waited for each other), 3 runs and has lost its lease, 4 is done, 5 failed, 6 was cancelled, 7 is a child of 4 and wants the lane of 1.
    private static void Fill(SqliteSession session, int version, JobId[] ids)
    {
        (int State, int Attempts)[] rows = [(0, 0), (0, 0), (1, 2), (2, 1), (3, 1), (4, 0), (0, 0)];
        for (int i = 0; i < rows.Length; i++)
        {
            session.Run("INSERT INTO jobs (id, type, args, state, priority, order_ms, due_ms, created_ms, attempts, counted, max_attempts, cancel) VALUES ($0, 'build', $1, $2, 0, $3, 1, 1, $4, $4, 9, 0)",
                ids[i].ToString(), Args, rows[i].State, i + 1, rows[i].Attempts);
            if (version >= Logs)
                session.Run("UPDATE jobs SET change = $0, retention_ms = 1000 WHERE seq = $0", i + 1);
        }

        session.Run("UPDATE jobs SET unique_key = 'k' WHERE seq = 1");
        session.Run("UPDATE jobs SET token = 20, worker = 'w', lease_ms = 50, progress = 'half' WHERE seq = 3");
        session.Run("UPDATE jobs SET token = 11, result = '\"made\"', ended_ms = 40 WHERE seq = 4");
        session.Run("UPDATE jobs SET token = 12, error = 'It went wrong.', ended_ms = 40 WHERE seq = 5");
        session.Run("UPDATE jobs SET error = 'It was cancelled.', ended_ms = 40, cancel = 1 WHERE seq = 6");
        session.Run("INSERT INTO lanes VALUES (1, 'lane', 1, 1, NULL), (7, 'lane', 1, 1, NULL)");
        session.Run("INSERT INTO attempts VALUES (3, 1, 'a', 10, 10, 15, 1, 'why'), (3, 2, 'w', 20, 20, NULL, NULL, NULL), (4, 1, 'a', 11, 30, 40, 0, NULL), (5, 1, 'a', 12, 30, 40, 2, 'It went wrong.')");
        session.Run("INSERT INTO steps (job, name, request, began_ms, ended_ms, result) VALUES (3, 'make', $0, 20, 30, '\"disk\"'), (3, 'copy', $1, 31, NULL, NULL)", RequestId.New().ToString(), RequestId.New().ToString());
        session.Run("UPDATE counters SET value = 20 WHERE name = 'token'");
        if (version >= Logs)
        {
            session.Run("UPDATE counters SET value = 7 WHERE name = 'change'");
            session.Run("UPDATE jobs SET progress_part = 0.5 WHERE seq = 3");
            session.Run("UPDATE jobs SET lane_count = 1 WHERE seq IN (1, 7)");
            session.Run("INSERT INTO logs VALUES (3, 1, 1, 10, 'first'), (3, 2, 2, 20, 'second')");
        }

        if (version >= Waits)
        {
            session.Run("UPDATE jobs SET waiting = 1 WHERE seq = 2");
            session.Run("INSERT INTO waits VALUES (2, 1, 0)");
            session.Run("UPDATE jobs SET parent = $0, child = 'c' WHERE seq = 7", ids[3].ToString());
            session.Run("INSERT INTO paused VALUES ('foreign', 1)");
        }
        else
        {
            session.Run("UPDATE jobs SET due_ms = $0 WHERE seq = 2", s_start.AddSeconds(5).ToUnixTimeMilliseconds());
        }

        if (version >= Compensations)
            session.Run("UPDATE steps SET undo = 1 WHERE name = 'make'");
        if (version >= Schedules)
        {
            session.Run("INSERT INTO schedules (name, cron, zone, catch_up, overlap, jitter_ms, next_ms, type, args) VALUES ('nightly', '@daily', 'UTC', 0, 0, 0, $0, 'build', $1)",
                s_start.AddDays(1).ToUnixTimeMilliseconds(), Args);
        }

        if (version >= ArgsVersions)
        {
            session.Run("UPDATE jobs SET args_version = 2 WHERE seq = 3");
            session.Run("UPDATE schedules SET args_version = 2");
        }

        if (version >= RatesOfSchedules)
            session.Run("UPDATE schedules SET rate_key = 'r', rate_limit = 3, rate_ms = 1000");
    }

    private static NewJob Job(string key) =>
        new() { Id = JobId.New(TimeProvider.System), Type = "build", Args = "{}", CreatedAt = s_start, DueAt = s_start, MaxAttempts = 9, UniqueKey = key };

    private static async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(SqliteJobStore store, DateTimeOffset now) => (await store.ClaimAsync(
        new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 2 }, Limit = 10, Now = now, LeaseUntil = now.AddSeconds(30) }, Token)).Jobs;
}
