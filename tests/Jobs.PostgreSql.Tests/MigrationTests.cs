using Hypervisor.Sdk.Jobs.PostgreSql;
using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>A database of each earlier version, with rows of every kind in it, is brought to this one: nothing is lost, and work goes on.</summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
public sealed class MigrationTests(PostgreSqlServer server)
{
    // Since this version an attempt stands in the row of its job, and before the seventh what a job is and where it stands were one row.
    private const int RowsOfAttempts = 3;
    private const int Split = 7;
    private const int Rates = 5;
    private const string Args = "{\"n\":2}";

    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<int> Earlier => [.. Enumerable.Range(1, PostgreSqlSchema.Newest - 1)];

    [Theory(Timeout = 120_000)]
    [MemberData(nameof(Earlier))]
    [Feature("JOB-17")]
    public async Task A_database_of_each_earlier_version_is_brought_forward_with_all_that_is_in_it(int version)
    {
        string connection = await server.CreateDatabaseAsync();
        JobId[] ids = [.. Enumerable.Range(0, 7).Select(_ => JobId.New(TimeProvider.System))];
        await MakeAsync(connection, version, ids);

        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        var jobs = await store.ListChangesAsync(0, 100, Token);
        Assert.Equal(ids, jobs.Select(job => job.Id));
        Assert.Equal([JobState.Pending, JobState.Pending, JobState.InProgress, JobState.Completed, JobState.Failed, JobState.Cancelled, JobState.Pending], jobs.Select(job => job.State));
        var (running, done, failed) = (jobs[2], jobs[3], jobs[4]);
        Assert.Equal((2, "w", "half", 0.5, version > 1 ? 2 : 1), (running.Attempts, running.Worker, running.Progress, running.ProgressFraction, running.ArgsVersion));
        Assert.Equal("\"made\"", (await store.GetResultAsync(done.Id, Token))!.Json);
        Assert.Equal("It went wrong.", failed.Error);
        Assert.Equal(ids[3], jobs[6].Parent);
        Assert.Equal([(1, "a", AttemptEnd.Retried, "why"), (2, "w", null, null)], (await store.ListAttemptsAsync(running.Id, Token)).Select(attempt => (attempt.Number, attempt.Worker, attempt.End, attempt.Reason)));
        Assert.Equal([(1, AttemptEnd.Completed)], (await store.ListAttemptsAsync(done.Id, Token)).Select(attempt => (attempt.Number, attempt.End!.Value)));
        Assert.Equal(["first", "second"], (await store.ListLogAsync(running.Id, 0, 10, Token)).Select(line => line.Text));
        Assert.Equal(["foreign"], await store.ListPausedAsync(Token));
        var schedule = Assert.Single(await store.ListSchedulesAsync(null, Token));
        Assert.Equal(("nightly", "@daily", Args), (schedule.Schedule.Name, schedule.Schedule.Cron, schedule.Args));
        Assert.Equal(s_start.AddDays(1), schedule.Schedule.NextAt);
        Assert.Equal(version >= Rates ? 3 : null, schedule.Schedule.Rate?.Limit);

        // The unique key is still taken, and the second waits for the first.
        Assert.Equal(ids[0], Assert.Single(await store.EnqueueAsync([Job("k")], Token)));
        Assert.Equal((PendingKind.WaitsForJob, ids[0]), await store.GetPendingReasonAsync(ids[1], s_start, Token) is { } reason ? (reason.Kind, reason.Job!.Value) : default);

        // The lease of what ran is over: its third attempt has its steps, with what it was to undo. The lane of the first is the child's too.
        var claimed = (await ClaimAsync(store)).OrderBy(job => job.Attempt).ToList();
        Assert.Equal([ids[0], ids[2]], claimed.Select(job => job.Id));
        Assert.Equal((3, Args), (claimed[1].Attempt, claimed[1].Args));
        Assert.Equal([("copy", null, false), ("make", "\"disk\"", true)], claimed[1].Steps.Select(step => (step.Name, step.Result, step.HasCompensation)).Order());
        Assert.All(claimed, job => Assert.True(job.FencingToken > 20));
        Assert.Equal(PendingKind.WaitsForLane, (await store.GetPendingReasonAsync(ids[6], s_start, Token))!.Kind);
        Assert.True(await store.EndAttemptAsync(Completed(claimed[0])));
        Assert.Equal([ids[1], ids[6]], (await ClaimAsync(store)).Select(job => job.Id));
        // What ended can be kept no longer, run again, discarded; and what is new goes its way.
        Assert.True(await store.RetryAsync(failed.Id, s_start, Token));
        Assert.Equal(2, await store.PurgeAsync(s_start.AddYears(1), 10));
        var fresh = Job("k");
        Assert.Equal(fresh.Id, Assert.Single(await store.EnqueueAsync([fresh], Token)));
        Assert.Equal([failed.Id, fresh.Id], (await ClaimAsync(store)).Select(job => job.Id));
    }

    private async Task MakeAsync(string connection, int version, JobId[] ids)
    {
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
        for (int step = 1; step <= version; step++)
        {
            await PostgreSqlSchema.PrepareAsync(source, "db", Token, step);
            string functions = Path.Combine(AppContext.BaseDirectory, "Earlier", $"functions-{step}.sql");
            // What processes of that release called, which this one no longer makes.
            if (File.Exists(functions))
                await RunAsync(source, await File.ReadAllTextAsync(functions, Token));
        }

        // seq, state, attempts, and what that state has: 1 waits with a lane and a key, 2 waits for 1, 3 runs and has lost its lease, 4 is done, 5 failed, 6 was cancelled, 7 is a child of 4 and wants the lane of 1.
        await JobAsync(1, 0, 0, "unique_key = 'k', lanes = 'E 1 -1 lane'");
        await JobAsync(2, 0, 0, "waiting = 1");
        await JobAsync(3, 1, 2, "token = 20, worker = 'w', lease_ms = 50, progress = 'half', progress_part = 0.5, counted = 2" + (version > 1 ? ", args_version = 2" : ""));
        await JobAsync(4, 2, 1, "token = 11, worker = 'a', result = '\"made\"', ended_ms = 40, keep_ms = 50000");
        await JobAsync(5, 3, 1, "token = 12, worker = 'a', error = 'It went wrong.', ended_ms = 40");
        await JobAsync(6, 4, 0, "error = 'It was cancelled.', ended_ms = 40, cancel = true");
        await JobAsync(7, 0, 0, "lanes = 'E 1 -1 lane', parent = '" + ids[3] + "', child = 'c'");
        await RunAsync(source, $"""
            INSERT INTO hvsdk_jobs.waits VALUES (2, 1, 0);
            INSERT INTO hvsdk_jobs.steps VALUES (3, 'make', '{RequestId.New()}', 20, 30, '"disk"', true), (3, 'copy', '{RequestId.New()}', 31, NULL, NULL, false);
            INSERT INTO hvsdk_jobs.logs VALUES (3, 1, 1, 10, 'first'), (3, 2, 2, 20, 'second');
            INSERT INTO hvsdk_jobs.paused VALUES ('foreign', 1);
            INSERT INTO hvsdk_jobs.schedules (name, cron, zone, catch_up, overlap, jitter_ms, next_ms, type, args) VALUES ('nightly', '@daily', 'UTC', 0, false, 0, {PostgreSqlJobStore.Ms(s_start.AddDays(1))}, 'build', '{Args}');
            INSERT INTO hvsdk_jobs.attempts VALUES (3, 1, 'a', 10, 10, 15, 1, 'why');
            UPDATE hvsdk_jobs.counters SET change = 7, token = 20;
            """);
        await RunAsync(source, version < RowsOfAttempts
            ? "INSERT INTO hvsdk_jobs.attempts VALUES (3, 2, 'w', 20, 20, NULL, NULL, NULL), (4, 1, 'a', 11, 30, 40, 0, NULL), (5, 1, 'a', 12, 30, 40, 2, 'It went wrong.')"
            : $"""
            UPDATE hvsdk_jobs.{(version < Split ? "jobs" : "states")} SET started_ms = 20 WHERE seq = 3;
            UPDATE hvsdk_jobs.{(version < Split ? "jobs" : "states")} SET started_ms = 30, closed_ms = 40, how = 0 WHERE seq = 4;
            UPDATE hvsdk_jobs.{(version < Split ? "jobs" : "states")} SET started_ms = 30, closed_ms = 40, how = 2, reason = 'It went wrong.' WHERE seq = 5
            """);
        if (version >= Rates)
            await RunAsync(source, "UPDATE hvsdk_jobs.schedules SET rate_key = 'r', rate_limit = 3, rate_ms = 1000");

        async Task JobAsync(int seq, int state, int attempts, string more)
        {
            if (version < Split)
            {
                await RunAsync(source, $"""
                    INSERT INTO hvsdk_jobs.jobs (seq, change, id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, max_lost, state, attempts)
                        VALUES ({seq}, {seq}, '{ids[seq - 1]}', 'build', '{Args}', 0, {seq}, 1, 1, 9, 1000, 3, {state}, {attempts});
                    UPDATE hvsdk_jobs.jobs SET {more} WHERE seq = {seq};
                    """);
                return;
            }

            string ofJob = string.Join(", ", more.Split(", ").Where(one => one.StartsWith("parent", StringComparison.Ordinal) || one.StartsWith("child", StringComparison.Ordinal)));
            string ofState = string.Join(", ", more.Split(", ").Where(one => !one.StartsWith("parent", StringComparison.Ordinal) && !one.StartsWith("child", StringComparison.Ordinal)));
            await RunAsync(source, $"""
                INSERT INTO hvsdk_jobs.jobs (seq, id, type, args, args_version, priority, max_attempts, max_lost) VALUES ({seq}, '{ids[seq - 1]}', 'build', '{Args}', {(state == 1 ? 2 : 1)}, 0, 9, 3);
                INSERT INTO hvsdk_jobs.states (seq, state, change, order_ms, due_ms, created_ms, retention_ms, type, args_version, attempts) VALUES ({seq}, {state}, {seq}, {seq}, 1, 1, 1000, 'build', 1, {attempts});
                UPDATE hvsdk_jobs.states SET {ofState} WHERE seq = {seq};
                """ + (ofJob.Length > 0 ? $"UPDATE hvsdk_jobs.jobs SET {ofJob} WHERE seq = {seq};" : ""));
        }
    }

    private static async Task RunAsync(NpgsqlDataSource source, string sql)
    {
#pragma warning disable CA2100 // Made in this class.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        await command.ExecuteNonQueryAsync(Token);
    }

    private static NewJob Job(string key) =>
        new() { Id = JobId.New(TimeProvider.System), Type = "build", Args = "{}", CreatedAt = s_start, DueAt = s_start, MaxAttempts = 9, UniqueKey = key };

    private static EndedAttempt Completed(ClaimedJob job) => new() { Id = job.Id, FencingToken = job.FencingToken, End = AttemptEnd.Completed, Result = "1", Now = s_start };

    private static async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(PostgreSqlJobStore store) => (await store.ClaimAsync(
        new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 2 }, Limit = 10, Now = s_start, LeaseUntil = s_start.AddSeconds(30) }, Token)).Jobs;
}
