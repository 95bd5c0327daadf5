using Hypervisor.Sdk.Jobs.Sqlite;
using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>A clock that is put back, and keys of lanes that nobody would choose.</summary>
public sealed class OddInputTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_clock_that_is_put_back_an_hour_loses_no_job_runs_none_twice_and_lets_every_token_grow(bool inMemory)
    {
        var now = new DateTimeOffset(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
        var before = now.AddHours(-1);
        await using IJobStore store = inMemory ? new InMemoryJobStore() : SqliteJobStore.Open(_directory["jobs.db"]);
        var runs = await EnqueueAsync(store, now);
        var held = Assert.Single(await ClaimAsync(store, now));
        var waits = await EnqueueAsync(store, now);

        var later = await EnqueueAsync(store, now, delay: TimeSpan.FromSeconds(1));

        // What was made without a delay is due, whatever the clock says; what was delayed by the later clock waits until that time comes again, and the lease that is held stays held.
        Assert.Equal(waits, Assert.Single(await ClaimAsync(store, before)).Id);
        Assert.Equal(PendingKind.Delayed, (await store.GetPendingReasonAsync(later, before, Token))!.Kind);
        var early = await EnqueueAsync(store, before);
        var taken = Assert.Single(await ClaimAsync(store, before));
        Assert.Equal(early, taken.Id);
        Assert.True(taken.FencingToken > held.FencingToken);
        Assert.NotNull(await store.RenewAsync(runs, held.FencingToken, before, before.AddSeconds(30)));
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = runs, FencingToken = held.FencingToken, End = AttemptEnd.Completed, Now = before.AddSeconds(1) }));
        Assert.True(await store.EndAttemptAsync(new EndedAttempt { Id = early, FencingToken = taken.FencingToken, End = AttemptEnd.Completed, Now = before.AddSeconds(1) }));

        var last = (await ClaimAsync(store, now.AddSeconds(1))).Single(job => job.Id != waits);
        Assert.Equal(later, last.Id);
        Assert.True(last.FencingToken > taken.FencingToken);
        Assert.All(await store.ListAttemptsAsync(runs, Token), attempt => Assert.Equal(AttemptEnd.Completed, attempt.End));
    }

    [Theory(Timeout = 120_000)]
    [InlineData("a\nb")]
    [InlineData("a\0b")]
    [InlineData("a\u001b[31mb")]
    [InlineData("a\ud800b")]
    [InlineData("")]
    public void A_lane_key_with_control_characters_is_refused(string key)
    {
        Assert.False(LaneKey.TryParse(key, null, out _));
        Assert.Throws<FormatException>(() => LaneKey.Parse(key));
    }

    [Fact]
    public void A_lane_key_of_ten_kilobytes_is_refused() => Assert.False(LaneKey.TryParse(new string('k', 10_000), null, out _));

    private static async Task<JobId> EnqueueAsync(IJobStore store, DateTimeOffset now, TimeSpan delay = default) => Assert.Single(await store.EnqueueAsync(
        [new NewJob { Id = JobId.New(TimeProvider.System), Type = "build", Args = "{}", CreatedAt = now, DueAt = now + delay, MaxAttempts = 9 }], Token));

    private static async Task<IReadOnlyList<ClaimedJob>> ClaimAsync(IJobStore store, DateTimeOffset now) =>
        (await store.ClaimAsync(new ClaimRequest { Worker = "w", Types = new Dictionary<string, int> { ["build"] = 1 }, Limit = 10, Now = now, LeaseUntil = now.AddSeconds(30) }, Token)).Jobs;
}
