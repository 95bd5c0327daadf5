using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Sqlite.Tests;

/// <summary>Going back to a backup: what others have seen of the store since, and a process that stops in the middle.</summary>
public sealed class RestoreTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Path => _directory["jobs.db"];

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    [Feature("JOB-14")]
    public async Task Tokens_and_places_go_on_above_those_that_were_given_since_the_backup()
    {
        long token, place;
        await using (var store = SqliteJobStore.Open(Path, timeProvider: _clock))
        {
            await ClaimAsync(store);
            JobsSqliteBackup.Take(Path);
            for (int i = 0; i < 50; i++)
                await ClaimAsync(store);
            token = await ClaimAsync(store);
            place = await store.GetPositionAsync(Token);
        }

        JobsSqliteBackup.Restore(Path, _clock);
        await using var restored = SqliteJobStore.Open(Path, timeProvider: _clock);
        Assert.True(await ClaimAsync(restored) > token);
        Assert.NotEmpty(await restored.ListChangesAsync(place, 10, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_new_store_begins_above_the_tokens_of_one_that_was_there_before()
    {
        long token = 0;
        await using (var store = SqliteJobStore.Open(Path, timeProvider: _clock))
        {
            for (int i = 0; i < 50; i++)
                token = await ClaimAsync(store);
        }

        _clock.Advance(TimeSpan.FromMilliseconds(1));
        await using var other = SqliteJobStore.Open(_directory["other.db"], timeProvider: _clock);
        Assert.True(await ClaimAsync(other) > token);
        // It is of its store, and not of the clock.
        await using var again = SqliteJobStore.Open(Path, timeProvider: new ManualTimeProvider(_clock.GetUtcNow().AddYears(1)));
        Assert.Equal(token + 1, await ClaimAsync(again));
    }

    [Theory(Timeout = 120_000)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task A_restore_that_stops_at_any_of_its_moves_is_ended_by_the_next_start(int move)
    {
        JobId kept;
        await using (var store = SqliteJobStore.Open(Path))
        {
            kept = await EnqueueAsync(store);
            JobsSqliteBackup.Take(Path);
            await EnqueueAsync(store);
        }

        File.WriteAllText(Path + "-wal", "what is left of a log");
        byte[] before = await File.ReadAllBytesAsync(Path, Token);
        string whole = Path + ".restored-20260101000000000";
        File.Copy(JobsSqliteBackup.PathOf(Path), whole);
        int moves = 0;
        Assert.Throws<IOException>(() => JobsSqliteBackup.Finish(Path, whole, () =>
        {
            if (++moves == move)
                throw new IOException("The process stops here.");
        }));

        // Nobody begins a second one over it.
        Assert.Throws<HypervisorException>(() => JobsSqliteBackup.Restore(Path));
        await using (var store = SqliteJobStore.Open(Path))
            Assert.Equal(kept, Assert.Single(await store.ListAsync(new JobQuery(), 10, Token)).Id);
        Assert.Equal(before, await File.ReadAllBytesAsync(Path + ".damaged-20260101000000000", Token));
        Assert.Equal("what is left of a log", await File.ReadAllTextAsync(Path + ".damaged-20260101000000000-wal", Token));
        Assert.False(File.Exists(whole));
    }

    private static async Task<JobId> EnqueueAsync(SqliteJobStore store)
    {
        var now = DateTimeOffset.UnixEpoch;
        return Assert.Single(await store.EnqueueAsync([new NewJob { Id = JobId.New(TimeProvider.System), Type = "build", Args = "{}", CreatedAt = now, DueAt = now, MaxAttempts = 1 }], Token));
    }

    // Makes a job and takes it; its token.
    private static async Task<long> ClaimAsync(SqliteJobStore store)
    {
        await EnqueueAsync(store);
        var now = DateTimeOffset.UnixEpoch;
        var claimed = await store.ClaimAsync(new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 10, Now = now, LeaseUntil = now.AddHours(1) }, Token);
        return claimed.Jobs.Max(job => job.FencingToken);
    }
}
