using System.Buffers.Binary;
using Hypervisor.Sdk.Jobs.Stores;
using Microsoft.Data.Sqlite;

namespace Hypervisor.Sdk.Jobs.Sqlite.Tests;

/// <summary>Nobody waits for a reader, no reader waits for anybody, and those who write together are committed together.</summary>
public sealed class ReadersAndWritersTests : IDisposable
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Path => _directory["jobs.db"];

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    [Feature("JOB-14")]
    public async Task Whoever_reads_goes_on_while_a_long_write_is_under_way_and_sees_what_was_there_before()
    {
        await using var store = SqliteJobStore.Open(Path);
        JobId[] ids = [.. (await store.EnqueueAsync([.. Enumerable.Range(0, 20).Select(_ => Job())], Token)).Order(Comparer<JobId>.Create((a, b) => string.CompareOrdinal(a.ToString(), b.ToString())))];
        var listed = await store.ListAsync(new JobQuery(), 10, Token);
        var changed = await store.ListChangesAsync(0, 10, Token);
        using var other = new SqliteSession(Path, isReader: false);
        // Another process is in the middle of a write, and this one has a write that waits for it.
        other.Run("BEGIN IMMEDIATE");
        other.Run("UPDATE jobs SET state = 4, ended_ms = 1");
        var waits = store.EnqueueAsync([Job()], Token);

        // What a list and a watch ask next, in their middle; and everything else that is read.
        Assert.Equal(Enumerable.Reverse(ids).Skip(10), (await store.ListAsync(new JobQuery { Before = listed[^1].Id }, 10, Token)).Select(job => job.Id));
        Assert.Equal(10, (await store.ListChangesAsync(changed[^1].Position, 100, Token)).Count);
        Assert.Equal(changed[^1].Position + 10, await store.GetPositionAsync(Token));
        Assert.Equal(JobState.Pending, (await store.GetAsync(ids[0], Token))!.State);
        Assert.Equal(PendingKind.Queued, (await store.GetPendingReasonAsync(ids[0], s_start, Token))!.Kind);
        Assert.Equal(20, Assert.Single(await store.ListReadyAsync(s_start, Token)).Count);
        Assert.Empty(await store.ListAttemptsAsync(ids[0], Token));
        Assert.Empty(await store.ListLogAsync(ids[0], 0, 10, Token));
        Assert.Empty(await store.ListSchedulesAsync(null, Token));
        Assert.Empty(await store.ListLanesAsync(Token));
        Assert.Null((await store.GetResultAsync(ids[0], Token))!.Json);
        Assert.False(waits.IsCompleted);
        other.Run("ROLLBACK");
        Assert.Single(await waits);
        Assert.Equal(21, (await store.ListAsync(new JobQuery(), 100, Token)).Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task Whoever_writes_goes_on_while_somebody_is_in_the_middle_of_a_list()
    {
        await using var store = SqliteJobStore.Open(Path);
        await store.EnqueueAsync([.. Enumerable.Range(0, 20).Select(_ => Job())], Token);
        await using var connection = new SqliteConnection($"Data Source={Path};Pooling=False;Mode=ReadOnly");
        await connection.OpenAsync(Token);
        await using var list = connection.CreateCommand();
        list.CommandText = "SELECT id FROM jobs";
        JobId? written = null;
        int seen = 0;
        await using (var rows = await list.ExecuteReaderAsync(Token))
        {
            for (; await rows.ReadAsync(Token); seen++)
            {
                // In the middle of it a job is made, taken and ended; what is being read stays as it was.
                if (seen == 5)
                    written = await RunAsync(store);
            }
        }

        Assert.Equal(20, seen);
        Assert.Equal(JobState.Completed, (await store.GetAsync(written!.Value, Token))!.State);
        Assert.Equal(21, (await store.ListAsync(new JobQuery(), 100, Token)).Count);
    }

    [Fact(Timeout = 120_000)]
    public async Task Those_who_write_together_are_committed_together_and_who_is_refused_spoils_it_for_nobody()
    {
        const int Writers = 300;
        await using var store = SqliteJobStore.Open(Path);
        await store.EnqueueAsync([Job("taken")], Token);
        using var other = new SqliteSession(Path, isReader: false);
        using var reader = new SqliteSession(Path, isReader: true);
        // As long as somebody reads, the log is not begun anew: all commits stay in it.
        reader.Run("BEGIN");
        reader.Read("SELECT count(*) FROM jobs", row => row.GetInt64(0));
        int before = Commits();
        other.Run("BEGIN IMMEDIATE");
        // The first may be under way, and waits for the lock; all others wait for it.
        var calls = Enumerable.Range(0, Writers).Select(i => store.EnqueueAsync([Job(i % 3 == 2 ? "taken" : null)], Token)).ToList();
        other.Run("ROLLBACK");
        for (int i = 0; i < Writers; i++)
        {
            if (i % 3 == 2)
                Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => calls[i])).Code);
            else
                Assert.Single(await calls[i]);
        }

        Assert.InRange(Commits() - before, 1, 2);
        reader.Run("COMMIT");
        Assert.Equal(1 + (Writers * 2 / 3), (await store.ListAsync(new JobQuery(), 1000, Token)).Count);

        // One by one, each has a commit of its own: what is counted can be counted.
        reader.Run("BEGIN");
        reader.Read("SELECT count(*) FROM jobs", row => row.GetInt64(0));
        before = Commits();
        for (int i = 0; i < 3; i++)
            await store.EnqueueAsync([Job()], Token);
        Assert.Equal(3, Commits() - before);
        reader.Run("COMMIT");
    }

    // The frames of the log that say how large the file is after them, which the last one of a commit does (https://www.sqlite.org/fileformat2.html, section 4.1). Those of an earlier turn of the log have another salt.
    private int Commits()
    {
        const int HeaderBytes = 32;
        const int FrameHeaderBytes = 24;
        using var file = new FileStream(Path + "-wal", FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var copy = new MemoryStream();
        file.CopyTo(copy);
        var log = copy.ToArray().AsSpan();
        int frameBytes = FrameHeaderBytes + BinaryPrimitives.ReadInt32BigEndian(log[8..]);
        int commits = 0;
        for (int at = HeaderBytes; at + frameBytes <= log.Length; at += frameBytes)
        {
            if (log.Slice(at + 8, 8).SequenceEqual(log.Slice(16, 8)) && BinaryPrimitives.ReadInt32BigEndian(log[(at + 4)..]) > 0)
                commits++;
        }

        return commits;
    }

    private static async Task<JobId> RunAsync(SqliteJobStore store)
    {
        var request = new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 1, Now = s_start, LeaseUntil = s_start.AddSeconds(30) };
        await store.EnqueueAsync([Job()], Token);
        var taken = Assert.Single((await store.ClaimAsync(request, Token)).Jobs);
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = taken.Id, FencingToken = taken.FencingToken, End = AttemptEnd.Completed, Now = s_start }));
        return taken.Id;
    }

    private static NewJob Job(string? key = null) => new()
    {
        Id = JobId.New(TimeProvider.System), Type = "build", Args = "{}", CreatedAt = s_start, DueAt = s_start, MaxAttempts = 9, UniqueKey = key, Uniqueness = JobUniqueness.Reject,
    };
}
