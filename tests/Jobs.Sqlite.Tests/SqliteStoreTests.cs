using System.Globalization;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Data.Sqlite;

namespace Hypervisor.Sdk.Jobs.Sqlite.Tests;

/// <summary>The file of the store: its modes, its versions, its damage; and its fences.</summary>
public sealed class SqliteStoreTests : IDisposable
{
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Path => _directory["jobs.db"];

    public void Dispose() => _directory.Dispose();

    [Fact]
    public async Task The_file_has_a_write_ahead_log_and_survives_reopening()
    {
        await using (var store = SqliteJobStore.Open(Path))
            await EnqueueAsync(store, Job());
        Assert.Equal("wal", Scalar("PRAGMA journal_mode"));
        await using var again = SqliteJobStore.Open(Path);
        Assert.Single(await again.ListAsync(new JobQuery(), 10, Token));
    }

    [Fact]
    public async Task A_damaged_file_is_refused_and_left_as_it_is()
    {
        await using (var store = SqliteJobStore.Open(Path))
        {
            for (int i = 0; i < 50; i++)
                await EnqueueAsync(store, Job());
        }

        byte[] bytes = await File.ReadAllBytesAsync(Path, Token);
        bytes.AsSpan(4096, bytes.Length - 4096).Fill(0xA5);
        await File.WriteAllBytesAsync(Path, bytes, Token);
        var refusal = Assert.Throws<HypervisorException>(() => SqliteJobStore.Open(Path));
        Assert.Contains("It was left as it is", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path, Token));
    }

    [Fact]
    public async Task A_damaged_file_with_a_log_of_what_a_crash_left_is_refused_and_both_are_left()
    {
        string crashed = Path + "-crashed";
        await using (var store = SqliteJobStore.Open(Path))
        {
            for (int i = 0; i < 50; i++)
                await EnqueueAsync(store, Job());
        }

        // The log has the few pages of the last job; what is damaged is the others.
        await using (var store = SqliteJobStore.Open(Path))
        {
            await EnqueueAsync(store, Job());
            File.Copy(Path, crashed);
            File.Copy(Path + "-wal", crashed + "-wal");
        }

        byte[] bytes = await File.ReadAllBytesAsync(crashed, Token);
        bytes.AsSpan(4096, bytes.Length - 4096).Fill(0xA5);
        await File.WriteAllBytesAsync(crashed, bytes, Token);
        byte[] log = await File.ReadAllBytesAsync(crashed + "-wal", Token);
        Assert.NotEmpty(log);
        var refusal = Assert.Throws<HypervisorException>(() => SqliteJobStore.Open(crashed));
        Assert.Contains("It was left as it is", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(crashed, Token));
        Assert.Equal(log, await File.ReadAllBytesAsync(crashed + "-wal", Token));
    }

    [Theory]
    [InlineData(10, 1034, RequestOutcome.Unknown)]
    [InlineData(10, 1290, RequestOutcome.Unknown)]
    [InlineData(10, 778, RequestOutcome.Rejected)]
    [InlineData(13, 13, RequestOutcome.Rejected)]
    [InlineData(8, 8, RequestOutcome.Rejected)]
    public void A_commit_that_the_disk_did_not_confirm_is_told_as_unknown(int code, int extended, RequestOutcome outcome) =>
        Assert.Equal(outcome, SqliteSchema.WriteFailure(Path, new Microsoft.Data.Sqlite.SqliteException("It is so.", code, extended)).Outcome);

    [Fact]
    public void Each_commit_is_on_the_disk()
    {
        using var session = new SqliteSession(Path, isReader: false);
        Assert.Equal(2, Assert.Single(session.Read("PRAGMA synchronous", row => row.GetInt32(0))));
    }

    [Fact(Timeout = 60_000)]
    [Feature("JOB-14")]
    public async Task The_backup_is_made_by_itself_when_it_is_due_and_brings_a_damaged_file_back()
    {
        var hour = TimeSpan.FromHours(1);
        JobId kept, since;
        await using (var store = SqliteJobStore.Open(Path, hour))
        {
            kept = await EnqueueAsync(store, Job());
            await store.PurgeAsync(Start, 1);
        }

        var taken = JobsSqliteBackup.TakenAt(Path)!.Value;
        await using (var store = SqliteJobStore.Open(Path, hour))
        {
            since = await EnqueueAsync(store, Job());
            // Not due: it stays as it is.
            await store.PurgeAsync(taken + hour - TimeSpan.FromMinutes(1), 1);
        }

        Assert.Equal(taken, JobsSqliteBackup.TakenAt(Path));
        byte[] bytes = await File.ReadAllBytesAsync(Path, Token);
        bytes.AsSpan(4096, bytes.Length - 4096).Fill(0xA5);
        await File.WriteAllBytesAsync(Path, bytes, Token);
        Assert.Contains("JobsSqliteBackup.Restore", Assert.Throws<HypervisorException>(() => SqliteJobStore.Open(Path)).Message, StringComparison.Ordinal);

        string damaged = JobsSqliteBackup.Restore(Path, new ManualTimeProvider(Start));
        Assert.Equal($"{Path}.damaged-{Start:yyyyMMddHHmmssfff}", damaged);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(damaged, Token));
        await using (var store = SqliteJobStore.Open(Path, hour))
        {
            Assert.Equal(kept, Assert.Single(await store.ListAsync(new JobQuery(), 10, Token)).Id);
            Assert.Null(await store.GetAsync(since, Token));
            await EnqueueAsync(store, Job());
            await store.PurgeAsync(taken + hour, 1);
        }

        Assert.Equal(1, JobsSqliteBackup.TakenAt(Path)!.Value.CompareTo(taken));
        File.Delete(Path);
        JobsSqliteBackup.Restore(Path);
        await using var again = SqliteJobStore.Open(Path);
        Assert.Equal(2, (await again.ListAsync(new JobQuery(), 10, Token)).Count);
    }

    [Fact]
    public async Task Without_a_backup_or_with_a_damaged_one_nothing_is_moved()
    {
        await using (var store = SqliteJobStore.Open(Path))
            await EnqueueAsync(store, Job());
        Assert.Contains("no backup", Assert.Throws<HypervisorException>(() => JobsSqliteBackup.Restore(Path)).Message, StringComparison.Ordinal);
        byte[] bytes = await File.ReadAllBytesAsync(Path, Token);
        await File.WriteAllBytesAsync(JobsSqliteBackup.PathOf(Path), [.. Enumerable.Repeat((byte)0xA5, 8192)], Token);
        Assert.Contains("Nothing was moved", Assert.Throws<HypervisorException>(() => JobsSqliteBackup.Restore(Path)).Message, StringComparison.Ordinal);
        Assert.Equal(bytes, await File.ReadAllBytesAsync(Path, Token));
    }

    [Fact]
    public void A_file_of_a_newer_version_or_of_another_program_is_refused()
    {
        SqliteJobStore.Open(Path).Dispose();
        Scalar("PRAGMA user_version = 99");
        Assert.Contains("newer release", Assert.Throws<HypervisorException>(() => SqliteJobStore.Open(Path)).Message, StringComparison.Ordinal);
        File.Delete(Path);
        Scalar("CREATE TABLE other (x)");
        Assert.Contains("another program", Assert.Throws<HypervisorException>(() => SqliteJobStore.Open(Path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    [Feature("JOB-17")]
    public async Task A_file_of_the_first_version_is_brought_to_this_one_and_its_jobs_are_kept()
    {
        SqliteJobStore.Open(Path).Dispose();
        File.Delete(Path);
        var id = JobId.New(TimeProvider.System);
        using (var session = new SqliteSession(Path, isReader: false))
        {
            SqliteSchema.Prepare(session, Path, target: 1);
            session.Run("""
                INSERT INTO jobs (id, type, args, state, priority, order_ms, due_ms, created_ms, attempts, counted, max_attempts, cancel) VALUES ($0, 'build', '{"a":1}', 0, 0, 1, 1, 1, 0, 0, 3, 0)
                """, id.ToString());
            session.Run("INSERT INTO lanes VALUES (1, 'instance:web1', 1, 1, NULL)");
        }

        Assert.Equal("1", Scalar("PRAGMA user_version"));
        await using var store = SqliteJobStore.Open(Path);
        Assert.Equal(SqliteSchema.Newest.ToString(CultureInfo.InvariantCulture), Scalar("PRAGMA user_version"));
        Assert.Equal(id, Assert.Single(await store.ListChangesAsync(0, 10, Token)).Id);
        var claimed = Assert.Single(await ClaimAsync(store, Start));
        Assert.Equal((id, "{\"a\":1}"), (claimed.Id, claimed.Args));
        await EnqueueAsync(store, Job());
        Assert.Equal(2, (await store.ListChangesAsync(0, 10, Token)).Count);
    }

    [Fact]
    public void A_list_of_a_state_that_few_are_in_does_not_walk_the_ids_of_all_jobs()
    {
        SqliteJobStore.Open(Path).Dispose();
        using var session = new SqliteSession(Path, isReader: true);
        foreach (var (state, index) in new[] { (JobState.InProgress, "jobs_running"), (JobState.Failed, "jobs_failed"), (JobState.Cancelled, "jobs_cancelled") })
            Assert.Contains(session.Read("EXPLAIN QUERY PLAN " + SqliteJobStore.ListOf(state), row => row.GetString(3), "~", null, 10), step => step.Contains($"INDEX {index}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Who_was_paused_beyond_his_lease_can_write_nothing()
    {
        await using var store = SqliteJobStore.Open(Path);
        var id = await EnqueueAsync(store, Job());
        var late = Start.AddMinutes(1);
        var paused = Assert.Single(await ClaimAsync(store, Start));
        Assert.Empty(await ClaimAsync(store, Start.AddSeconds(29)));
        Assert.Null(await store.RenewAsync(id, paused.FencingToken, late, late.AddSeconds(30)));

        var next = Assert.Single(await ClaimAsync(store, late));
        Assert.True(next.FencingToken > paused.FencingToken);
        Assert.False(await store.BeginStepAsync(id, paused.FencingToken, new StoredStep { Name = "s", Request = RequestId.New() }, late));
        Assert.False(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = paused.FencingToken, End = AttemptEnd.Completed, Now = late }));
        Assert.True(await store.BeginStepAsync(id, next.FencingToken, new StoredStep { Name = "s", Request = RequestId.New() }, late));
        Assert.False(await store.EndStepAsync(id, paused.FencingToken, "s", "1", late));
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = id, FencingToken = next.FencingToken, End = AttemptEnd.Completed, Now = late }));
        Assert.Equal(JobState.Completed, (await store.GetAsync(id, Token))!.State);
    }

    [Fact]
    public async Task A_job_that_takes_its_workers_along_is_not_tried_for_ever()
    {
        await using var store = SqliteJobStore.Open(Path);
        var id = await EnqueueAsync(store, Job());
        for (int attempt = 0; attempt < 3; attempt++)
            Assert.Single(await ClaimAsync(store, Start.AddMinutes(attempt)));
        Assert.Empty(await ClaimAsync(store, Start.AddMinutes(3)));
        var info = await store.GetAsync(id, Token);
        Assert.Equal(JobState.Failed, info!.State);
        Assert.Contains("brings its workers down", info.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_workers_never_get_the_same_job_and_leave_what_they_do_not_know()
    {
        await using var one = SqliteJobStore.Open(Path);
        await using var two = SqliteJobStore.Open(Path);
        for (int i = 0; i < 60; i++)
            await EnqueueAsync(one, Job(type: i % 3 == 0 ? "foreign" : "build"));
        var both = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => ClaimAsync(i % 2 == 0 ? one : two, Start, limit: 4)));
        var claimed = both.SelectMany(jobs => jobs).ToList();
        Assert.Equal(40, claimed.Count);
        Assert.Equal(40, claimed.Select(job => job.Id).Distinct().Count());
        Assert.Equal(40, claimed.Select(job => job.FencingToken).Distinct().Count());
        Assert.Equal(20, (await one.ListAsync(new JobQuery { State = JobState.Pending }, 100, Token)).Count);
    }

    [Fact]
    public async Task A_priority_counts_as_minutes_of_waiting()
    {
        await using var store = SqliteJobStore.Open(Path);
        var old = await EnqueueAsync(store, Job(due: Start.AddMinutes(-10)));
        var urgent = await EnqueueAsync(store, Job(priority: 11));
        var mild = await EnqueueAsync(store, Job(priority: 9));
        Assert.Equal([urgent, old, mild], (await ClaimAsync(store, Start)).Select(job => job.Id));
    }

    private static NewJob Job(string type = "build", int priority = 0, DateTimeOffset? due = null) => new()
    {
        Id = JobId.New(TimeProvider.System), Type = type, Args = "{}", CreatedAt = Start, DueAt = due ?? Start, MaxAttempts = 100, Priority = priority,
    };

    private static async Task<JobId> EnqueueAsync(SqliteJobStore store, NewJob job) => Assert.Single(await store.EnqueueAsync([job], Token));

    private static async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(SqliteJobStore store, DateTimeOffset now, int limit = 10) =>
        (await store.ClaimAsync(new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = limit, Now = now, LeaseUntil = now.AddSeconds(30) }, Token)).Jobs;

    private string? Scalar(string sql)
    {
        using var connection = new SqliteConnection($"Data Source={Path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        return command.ExecuteScalar()?.ToString();
    }
}
