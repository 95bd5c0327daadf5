using Hypervisor.Sdk.Jobs.PostgreSql;
using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>The store in a PostgreSQL database; and what only that has: a schema that others reach, notifications, turns.</summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
public sealed class PostgreSqlStoreTests(PostgreSqlServer server) : StoreConformance
{
    protected override async Task<Func<IJobStore>> PrepareAsync()
    {
        string connection = await server.CreateDatabaseAsync();
        return () => new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
    }

    [Fact(Timeout = 120_000)]
    [Feature("JOB-15")]
    [Feature("JOB-08")]
    public async Task Workers_of_several_processes_share_the_jobs_and_each_is_run_once()
    {
        string connection = await server.CreateDatabaseAsync();
        var world = new World();
        var clock = new ManualTimeProvider();
        await using var page = await StartAsync(connection, world, clock, concurrency: 0);
        await using var one = await StartAsync(connection, world, clock);
        await using var two = await StartAsync(connection, world, clock);
        var handles = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => page.Jobs.EnqueueAsync(new BuildArgs($"web{i}"), cancellationToken: Token)));
        // The clock stands still: the workers and who waits are told by notifications alone.
        var ended = await Task.WhenAll(handles.Select(handle => handle.WaitAsync(Token)));
        Assert.All(ended, job => Assert.Equal((JobState.Completed, 1), (job.State, job.Attempts)));
        Assert.Equal(200, world.Made.Count);
        Assert.Equal(200, world.Made.Distinct().Count());
    }

    [Fact(Timeout = 120_000)]
    public async Task Without_notifications_what_others_did_is_found_by_the_next_question()
    {
        string connection = await server.CreateDatabaseAsync();
        var clock = new ManualTimeProvider();
        await using var worker = await StartAsync(connection, new World(), clock, notifications: false);
        await using var page = await StartAsync(connection, new World(), clock, concurrency: 0, notifications: false);
        var end = (await page.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token)).WaitAsync(Token);
        while (!end.IsCompleted)
        {
            if (clock.ActiveTimers >= 3)
                clock.Advance(TimeSpan.FromMilliseconds(200));
            await Task.Yield();
            Token.ThrowIfCancellationRequested();
        }

        Assert.Equal(JobState.Completed, (await end).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task Who_listens_is_connected_again_after_a_pause_by_the_clock_of_the_engine()
    {
        string connection = await server.CreateDatabaseAsync();
        var clock = new ManualTimeProvider();
        await using var store = new PostgreSqlJobStore(connection, notifications: true, clock);
        using var changed = new SemaphoreSlim(0);
        store.Changed += () => changed.Release();
        await store.GetPositionAsync(Token);
        await changed.WaitAsync(Token);
        Assert.Equal(1, await ScalarAsync(connection, "SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"));
        while (clock.ActiveTimers == 0)
        {
            Token.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        clock.Advance(TimeSpan.FromSeconds(4));
        Assert.Equal((1, 0), (clock.ActiveTimers, changed.CurrentCount));
        clock.Advance(TimeSpan.FromSeconds(1));
        await changed.WaitAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    [Feature("JOB-17")]
    public async Task Processes_that_start_together_make_the_schema_once_and_one_of_a_newer_version_is_refused()
    {
        string connection = await server.CreateDatabaseAsync();
        var stores = Enumerable.Range(0, 8).Select(_ => new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System)).ToList();
        await Task.WhenAll(stores.Select(store => store.GetPositionAsync(Token)));
        foreach (var store in stores)
            await store.DisposeAsync();
        Assert.Equal(PostgreSqlSchema.Newest, await ScalarAsync(connection, "SELECT version FROM hvsdk_jobs.version"));

        await ScalarAsync(connection, "UPDATE hvsdk_jobs.version SET version = 99");
        await using var late = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        Assert.Contains("newer release", (await Assert.ThrowsAsync<HypervisorException>(() => late.GetPositionAsync(Token))).Message, StringComparison.Ordinal);
        Assert.Contains("newer release", (await Assert.ThrowsAsync<HypervisorException>(() => late.EnqueueAsync([Job()], Token))).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_server_that_is_not_there_is_said_without_the_password_and_nothing_was_sent()
    {
        using var directory = new TempDirectory();
        await using var store = new PostgreSqlJobStore($"Host={directory.Path};Username=u;Password=canary-4711;Database=d", notifications: true, TimeProvider.System);
        var failure = await Assert.ThrowsAsync<HypervisorException>(() => store.EnqueueAsync([Job()], Token));
        Assert.Equal((ErrorCode.Unavailable, RequestOutcome.NotSent), (failure.Code, failure.Outcome));
        Assert.DoesNotContain("canary", failure.ToString(), StringComparison.Ordinal);
        Assert.Equal(RequestOutcome.NotSent, (await Assert.ThrowsAsync<HypervisorException>(() => store.GetPositionAsync(Token))).Outcome);
    }

    [Fact(Timeout = 120_000)]
    public async Task Sixteen_callers_take_at_most_two_statements_and_one_commit_a_job()
    {
        const int Jobs = 800;
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        await store.GetPositionAsync(Token);
        using var counted = new StatementCount();
        await Task.WhenAll(Enumerable.Range(0, 16).Select(async _ =>
        {
            for (int i = 0; i < Jobs / 16; i++)
                await EnqueueAsync(store, Job());
        }));
        while (await ClaimAsync(store, Start, limit: 64) is { Count: > 0 } claimed)
            Assert.All(await Task.WhenAll(claimed.Select(job => store.EndAttemptAsync(new EndedAttempt { Id = job.Id, FencingToken = job.FencingToken, End = AttemptEnd.Completed, Result = "1", Now = Start }))), Assert.True);
        Assert.Equal(Jobs, await ScalarAsync(connection, "SELECT count(*)::int FROM hvsdk_jobs.ended WHERE state = 2"));
        Assert.Equal(Jobs, await ScalarAsync(connection, "SELECT count(*)::int FROM hvsdk_jobs.ended WHERE attempts = 1 AND how = 0 AND closed_ms IS NOT NULL"));
        TestContext.Current.TestOutputHelper!.WriteLine($"{counted.Count} statements in {counted.Calls} round trips for {Jobs} jobs.");
        Assert.InRange(counted.Count, 1, 2 * Jobs);
        Assert.InRange(counted.Calls, 1, Jobs);
    }

    [Fact(Timeout = 120_000)]
    public async Task Who_waits_for_a_job_that_goes_to_another_state_finds_it_there()
    {
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        await EnqueueAsync(store, Job());
        var job = Assert.Single(await ClaimAsync(store, Start));
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
        await using var session = await source.OpenConnectionAsync(Token);
        await using var transaction = await session.BeginTransactionAsync(Token);
        await using var move = new NpgsqlCommand("UPDATE hvsdk_jobs.states SET state = 0", session, transaction);
        Assert.Equal(1, await move.ExecuteNonQueryAsync(Token));
        var renewal = store.RenewAsync(job.Id, job.FencingToken, Start, Start.AddMinutes(1));
        var step = store.BeginStepAsync(job.Id, job.FencingToken, new StoredStep { Name = "copy", Request = RequestId.New() }, Start);
        await PostgreSqlServer.BlockedAsync(source, sessions: 2, Token);
        await transaction.CommitAsync(Token);
        Assert.Null(await renewal);
        Assert.False(await step);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_session_that_stalls_within_its_turn_is_ended_by_who_waits_for_it()
    {
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System, stallLimit: TimeSpan.FromSeconds(1));
        await store.GetPositionAsync(Token);
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
        await using var session = await source.OpenConnectionAsync(Token);
        // The server sends more than the socket holds, and nobody reads it.
        await using var stall = new NpgsqlBatch(session)
        {
            BatchCommands = { new NpgsqlBatchCommand("SELECT change FROM hvsdk_jobs.counters FOR UPDATE"), new NpgsqlBatchCommand("SELECT repeat('x', 8000) FROM generate_series(1, 100000)") },
        };
        await using var reader = await stall.ExecuteReaderAsync(Token);
        await store.EnqueueAsync([Job()], Token);
        Assert.Equal(1, await ScalarAsync(connection, "SELECT count(*)::int FROM hvsdk_jobs.pending"));
        // What it wrote is gone with it.
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            while (await reader.NextResultAsync(Token) || await reader.ReadAsync(Token))
            {
            }
        });
    }

    [Fact(Timeout = 120_000)]
    public async Task A_claim_reads_what_it_takes_and_not_all_that_wait()
    {
        // Nobody has told the server how many there are: its statistics are those of an empty table.
        const int Waiting = 5000;
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        await store.EnqueueAsync([.. Enumerable.Range(0, Waiting).Select(_ => Job())], Token);
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
        await using var session = await source.OpenConnectionAsync(Token);
        await using var transaction = await session.BeginTransactionAsync(Token);
        await using var claim = new NpgsqlCommand("SELECT count(r_id)::int FROM hvsdk_jobs.hand_out($1, $1 + 30000, 'w', ARRAY['build'], ARRAY[1], 10, 'me')", session, transaction)
        {
            Parameters = { new NpgsqlParameter { Value = PostgreSqlJobStore.Ms(Start) } },
        };
        await using var read = new NpgsqlCommand("SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname IN ('jobs', 'pending')", session, transaction);
        Assert.Equal(10, await claim.ExecuteScalarAsync(Token));
        Assert.InRange((int)(await read.ExecuteScalarAsync(Token))!, 10, 100);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_claim_does_not_read_all_that_wait_for_one_lane()
    {
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        await store.EnqueueAsync([.. Enumerable.Range(0, 3000).Select(_ => Job(lanes: [Lane]))], Token);
        var last = Job();
        await store.EnqueueAsync([last], Token);
        Assert.Single((await ClaimAsync(store, Start, limit: 1)));
        using var counted = new StatementCount();
        Assert.Equal(last.Id, Assert.Single(await ClaimAsync(store, Start, limit: 2)).Id);
        Assert.InRange(counted.Calls, 1, 25);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_claim_does_not_walk_over_what_was_taken_before()
    {
        const int Jobs = 200;
        const int AtATime = 10;
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        await store.EnqueueAsync([.. Enumerable.Range(0, Jobs).Select(i => Job(due: Start.AddMilliseconds(i / 7), lanes: i % 50 == 49 ? [Lane] : null))], Token);
        for (int taken = 0; taken < Jobs;)
        {
            var claimed = await ClaimAsync(store, Start.AddSeconds(1), AtATime);
            Assert.All(await Task.WhenAll(claimed.Select(job => store.EndAttemptAsync(Ended(job, AttemptEnd.Completed, Start.AddSeconds(1))))), Assert.True);
            taken += claimed.Count;
        }

        // Those of the last claim at most, and what was bound to a lane then, are behind the head.
        Assert.InRange((await ScalarAsync(connection, "SELECT count(*)::int FROM hvsdk_jobs.states, hvsdk_jobs.counters WHERE (order_ms, seq) >= (head_ms, head_seq)"))!.Value, 1, 2 * AtATime);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_ends_is_found_without_going_through_all_that_runs()
    {
        // The statistics are those of a table in which one job is left, as after a vacuum in the middle of the work.
        const int Running = 3000;
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        await store.EnqueueAsync([.. Enumerable.Range(0, Running).Select(_ => Job())], Token);
        Assert.All(await Task.WhenAll((await ClaimAsync(store, Start, Running)).SkipLast(1).Select(job => store.EndAttemptAsync(Ended(job, AttemptEnd.Completed, Start)))), Assert.True);
        await ScalarAsync(connection, "VACUUM ANALYZE");
        await store.EnqueueAsync([.. Enumerable.Range(0, Running).Select(_ => Job())], Token);
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
        await using var session = await source.OpenConnectionAsync(Token);
        await using var transaction = await session.BeginTransactionAsync(Token);
        await using var claim = new NpgsqlCommand($"SELECT count(r_id)::int FROM hvsdk_jobs.hand_out($1, $1 + 30000, 'w', ARRAY['build'], ARRAY[1], {Running}, 'me')", session, transaction)
        {
            Parameters = { new NpgsqlParameter { Value = PostgreSqlJobStore.Ms(Start) } },
        };
        await using var finish = new NpgsqlCommand("""
            SELECT count(*)::int FROM (SELECT array_agg(seq) AS seqs, array_agg(token) AS tokens FROM (SELECT seq, token FROM hvsdk_jobs.running ORDER BY seq DESC LIMIT 10) AS few) AS last,
                hvsdk_jobs.finish(seqs, tokens, array_fill($1, ARRAY[10]), array_fill('null'::text, ARRAY[10]), 'me')
            """, session, transaction)
        {
            Parameters = { new NpgsqlParameter { Value = PostgreSqlJobStore.Ms(Start) } },
        };
        await using var read = new NpgsqlCommand("SELECT sum(seq_tup_read + idx_tup_fetch)::int FROM pg_stat_xact_user_tables WHERE relname IN ('jobs', 'running', 'ended')", session, transaction);
        Assert.Equal(Running, await claim.ExecuteScalarAsync(Token));
        int before = (int)(await read.ExecuteScalarAsync(Token))!;
        Assert.InRange(before, Running, 2 * Running);
        Assert.Equal(10, await finish.ExecuteScalarAsync(Token));
        // Ten were looked for by who asked, and ten by the function.
        Assert.InRange((int)(await read.ExecuteScalarAsync(Token))! - before, 10, 100);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_claim_does_not_walk_over_leases_that_ended_and_misses_none()
    {
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        var lease = TimeSpan.FromSeconds(30);
        var now = Start;
        for (int i = 0; i < 5; i++)
        {
            await store.EnqueueAsync([Job()], Token);
            var taken = Assert.Single(await ClaimAsync(store, now = now.AddSeconds(1)));
            Assert.True(await store.EndAttemptAsync(Ended(taken, AttemptEnd.Completed, now)));
        }

        // That of the last job, which has ended.
        Assert.Equal(PostgreSqlJobStore.Ms(now + lease) - PostgreSqlJobStore.Ms(Start), await KnownAsync());

        // By a clock that is behind: their leases end before all that is known of. One with a lane is taken in another way.
        await store.EnqueueAsync([Job(lanes: [Lane])], Token);
        var bound = Assert.Single(await ClaimAsync(store, now.AddSeconds(-1)));
        Assert.Equal(PostgreSqlJobStore.Ms(now.AddSeconds(-1) + lease) - PostgreSqlJobStore.Ms(Start), await KnownAsync());
        await store.EnqueueAsync([Job()], Token);
        var plain = Assert.Single(await ClaimAsync(store, now.AddSeconds(-2)));
        Assert.Equal(PostgreSqlJobStore.Ms(now.AddSeconds(-2) + lease) - PostgreSqlJobStore.Ms(Start), await KnownAsync());
        // A renewal by a clock that was put back is not known of, and found when all leases are looked through.
        Assert.False(await store.RenewAsync(bound.Id, bound.FencingToken, now.AddSeconds(-10), now.AddSeconds(1)));
        Assert.False(await store.RenewAsync(plain.Id, plain.FencingToken, now.AddSeconds(-10), now + lease));
        Assert.Equal(bound.Id, Assert.Single(await ClaimAsync(store, now.AddSeconds(12))).Id);
        Assert.Equal(plain.Id, Assert.Single(await ClaimAsync(store, now + lease)).Id);

        async Task<long> KnownAsync() => (await ScalarAsync(connection, $"SELECT (lease_ms - {PostgreSqlJobStore.Ms(Start)})::int FROM hvsdk_jobs.counters"))!.Value;
    }

    [Fact(Timeout = 120_000)]
    public async Task What_waits_before_the_head_of_the_queue_is_found()
    {
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        int moves = 0;
        var first = await TakeAsync(Job());
        var second = await TakeAsync(Job(due: Start.AddSeconds(1)));
        await MoveAsync();

        // Again after a failure, and as a dead letter, a lease that was lost, with a priority, by itself and with a key.
        Assert.True(await store.EndAttemptAsync(Ended(first, AttemptEnd.Retried, At())));
        Assert.Equal(first.Id, (first = await NextAsync()).Id);
        await MoveAsync();
        Assert.True(await store.EndAttemptAsync(Ended(first, AttemptEnd.Failed, At())));
        Assert.True(await store.RetryAsync(first.Id, Start.AddSeconds(-1), Token));
        Assert.Equal(first.Id, (first = await NextAsync()).Id);
        await MoveAsync();
        Assert.True(await store.RenewAsync(first.Id, first.FencingToken, At(), Start.AddDays(1)) is false);
        moves += 60;
        Assert.Contains(second.Id, (await ClaimAsync(store, At())).Select(job => job.Id));
        await MoveAsync();
        await TakeAsync(Job(priority: 100));
        await MoveAsync();
        await TakeAsync(Job(priority: 100, unique: "only"));
        await MoveAsync();
        await TakeAsync(Job(priority: 100, lanes: [Lane]));

        DateTimeOffset At() => Start.AddSeconds(moves + 1);

        async Task<ClaimedJob> NextAsync() => Assert.Single(await ClaimAsync(store, At()));

        async Task<ClaimedJob> TakeAsync(NewJob job)
        {
            await EnqueueAsync(store, job);
            var taken = await NextAsync();
            Assert.Equal(job.Id, taken.Id);
            return taken;
        }

        // A job of now is taken: the head is at it, behind all that was made before.
        async Task MoveAsync()
        {
            moves++;
            var job = await TakeAsync(Job(due: At()));
            Assert.True(await store.EndAttemptAsync(Ended(job, AttemptEnd.Completed, At())));
            Assert.Equal((int)(At() - Start).TotalSeconds, await ScalarAsync(connection, $"SELECT ((head_ms - {PostgreSqlJobStore.Ms(Start)}) / 1000)::int FROM hvsdk_jobs.counters"));
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_schema_of_an_earlier_release_is_brought_forward_with_its_attempts()
    {
        string connection = await server.CreateDatabaseAsync();
        await using (var source = NpgsqlDataSource.Create(connection + ";Pooling=false"))
            await PostgreSqlSchema.PrepareAsync(source, "db", Token, target: 2);
        var (done, runs) = (Job(), Job());
        await ScalarAsync(connection, $"""
            INSERT INTO hvsdk_jobs.jobs (seq, change, id, type, args, priority, order_ms, due_ms, created_ms, max_attempts, retention_ms, max_lost, state, attempts, counted, token, worker, lease_ms, ended_ms)
            VALUES (1, 3, '{done.Id}', 'build', '1', 0, 0, 0, 0, 9, 1, 3, 2, 2, 2, 2, NULL, NULL, 40), (2, 4, '{runs.Id}', 'build', '2', 0, 0, 0, 0, 9, 1, 3, 1, 1, 1, 3, 'w', 50, NULL);
            INSERT INTO hvsdk_jobs.attempts VALUES (1, 1, 'a', 1, 10, 20, 1, 'why'), (1, 2, 'b', 2, 30, 40, 0, NULL), (2, 1, 'w', 3, 35, NULL, NULL, NULL);
            UPDATE hvsdk_jobs.counters SET change = 4, token = 3 RETURNING 1
            """);
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        Assert.Equal([(1, "a", AttemptEnd.Retried, "why"), (2, "b", AttemptEnd.Completed, null)],
            (await store.ListAttemptsAsync(done.Id, Token)).Select(attempt => (attempt.Number, attempt.Worker, attempt.End!.Value, attempt.Reason)));
        var open = Assert.Single(await store.ListAttemptsAsync(runs.Id, Token));
        Assert.Equal(("w", 35L, null), (open.Worker, PostgreSqlJobStore.Ms(open.StartedAt), open.EndedAt));
        // The lease has run out: its second attempt begins, and the first is kept.
        Assert.Empty(await ClaimAsync(store, Start, limit: 0));
        Assert.Equal(2, Assert.Single(await ClaimAsync(store, Start)).Attempt);
        Assert.Equal([AttemptEnd.LeaseLost, (AttemptEnd?)null], (await store.ListAttemptsAsync(runs.Id, Token)).Select(attempt => attempt.End));
    }

    private static LaneClaim Lane => new() { Key = LaneKey.Parse("lane"), Mode = LaneMode.Exclusive };

    private static EndedAttempt Ended(ClaimedJob job, AttemptEnd end, DateTimeOffset now) => new() { Id = job.Id, FencingToken = job.FencingToken, End = end, Now = now, DueAt = Start };

    private static Task<Engine> StartAsync(string connection, World world, TimeProvider clock, int concurrency = 4, bool notifications = true) =>
        Engine.StartAsync("", world, clock, configure: options => options.Concurrency = concurrency, useStore: jobs => jobs.UsePostgreSql(connection, notifications));

    private static async Task<int?> ScalarAsync(string connection, string sql)
    {
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
#pragma warning disable CA2100 // Constants of this class.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        return (int?)await command.ExecuteScalarAsync(Token);
    }
}
