using Hypervisor.Sdk.Jobs.PostgreSql;
using Hypervisor.Sdk.Jobs.Stores;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>What is told of a call that the server cut off; and what an idle worker asks.</summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
public sealed class OutcomeTests(PostgreSqlServer server)
{
    private const int Calls = 4;
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("FATAL", "57P01", true, RequestOutcome.Unknown)]
    [InlineData("FATAL", "57P02", true, RequestOutcome.Unknown)]
    [InlineData("ERROR", "08P01", true, RequestOutcome.Unknown)]
    [InlineData("FATAL", "58000", true, RequestOutcome.Unknown)]
    [InlineData("FATAL", "28P01", false, RequestOutcome.Rejected)]
    [InlineData("ERROR", "23505", true, RequestOutcome.Rejected)]
    [InlineData("ERROR", "42P01", true, RequestOutcome.Rejected)]
    public void What_ends_a_connection_says_nothing_of_the_commit(string severity, string state, bool isSent, RequestOutcome outcome) =>
        Assert.Equal(outcome, PostgreSqlJobStore.Failure("db", new PostgresException("It is so.", severity, severity, state), isSent).Outcome);

    [Fact(Timeout = 120_000)]
    public async Task Calls_whose_connection_an_administrator_ends_are_told_as_unknown_and_not_sent_again()
    {
        string connection = await server.CreateDatabaseAsync();
        await using var store = new PostgreSqlJobStore(connection, notifications: false, TimeProvider.System);
        await store.GetPositionAsync(Token);
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
        await using var holder = await source.OpenConnectionAsync(Token);
        await using var turn = await holder.BeginTransactionAsync(Token);
        await using (var take = new NpgsqlCommand("SELECT 1 FROM hvsdk_jobs.counters FOR UPDATE", holder, turn))
            await take.ExecuteScalarAsync(Token);

        // The first waits for its turn alone; the others come together after it.
        var calls = new List<Task<IReadOnlyList<JobId>>> { EnqueueAsync(store) };
        await EndWaitingAsync(source, () => calls.AddRange(Enumerable.Range(1, Calls - 1).Select(_ => EnqueueAsync(store))));
        await EndWaitingAsync(source, () => { });
        foreach (var call in calls)
            Assert.Equal(RequestOutcome.Unknown, (await Assert.ThrowsAsync<HypervisorException>(() => call)).Outcome);
        await turn.RollbackAsync(Token);
        Assert.Empty(await store.ListAsync(new JobQuery(), 10, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task The_tokens_of_a_new_store_begin_by_the_clock()
    {
        await using var store = new PostgreSqlJobStore(await server.CreateDatabaseAsync(), notifications: false, TimeProvider.System);
        await EnqueueAsync(store);
        var claimed = await store.ClaimAsync(new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 1, Now = Start, LeaseUntil = Start.AddSeconds(30) }, Token);
        Assert.True(Assert.Single(claimed.Jobs).FencingToken > FencingTokens.First(Start));
    }

    [Fact(Timeout = 120_000)]
    public async Task An_idle_worker_asks_less_than_one_question_a_second()
    {
        const int Seconds = 120;
        string connection = await server.CreateDatabaseAsync();
        var clock = new ManualTimeProvider();
        await using var engine = await Engine.StartAsync("", new World(), clock, useStore: jobs => jobs.UsePostgreSql(connection));
        var done = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await done.WaitAsync(Token);
        using var counted = new StatementCount(connection);
        var interval = new JobsOptions().PollInterval;
        for (var time = TimeSpan.Zero; time < TimeSpan.FromSeconds(Seconds); time += interval)
        {
            int before = counted.Calls;
            while (clock.ActiveTimers < 2)
                await Task.Yield();
            clock.Advance(interval);
            // The question of this interval was asked, and not that of two at once.
            while (counted.Calls == before)
            {
                Token.ThrowIfCancellationRequested();
                await Task.Yield();
            }
        }

        TestContext.Current.TestOutputHelper!.WriteLine($"{counted.Count} statements in {counted.Calls} round trips in {Seconds} s.");
        Assert.InRange(counted.Count, 1, Seconds);
    }

    // Ends the connection of the one that waits for its turn, after something that is done while it waits.
    private static async Task EndWaitingAsync(NpgsqlDataSource source, Action meanwhile)
    {
        await PostgreSqlServer.BlockedAsync(source, sessions: 1, Token);
        meanwhile();
        await using var end = source.CreateCommand("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
        await end.ExecuteNonQueryAsync(Token);
    }

    private static Task<IReadOnlyList<JobId>> EnqueueAsync(PostgreSqlJobStore store) =>
        store.EnqueueAsync([new NewJob { Id = JobId.New(TimeProvider.System), Type = "build", Args = "{}", CreatedAt = Start, DueAt = Start, MaxAttempts = 1 }], Token);
}
