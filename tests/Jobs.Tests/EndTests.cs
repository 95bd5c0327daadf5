namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>What was done and cannot be said at once.</summary>
public sealed class EndTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 120_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_store_that_fails_for_a_moment_at_the_end_of_a_job_does_not_make_it_run_again(bool isKept)
    {
        await using var engine = await StartAsync(new CrashPoint("EndAttempt", 1, isKept), stumbles: isKept ? 1 : 4);
        var job = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        Assert.Equal(JobState.Completed, (await _clock.SlowlyUntilAsync(job.WaitAsync(Token))).State);
        Assert.Equal([AttemptEnd.Completed], (await engine.Jobs.ListAttemptsAsync(job.Id, Token)).Select(attempt => attempt.End!.Value));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_failure_that_cannot_be_stored_at_once_is_stored_later_and_the_job_is_tried_no_further()
    {
        int runs = 0;
        await using var engine = await StartAsync(new CrashPoint("EndAttempt", 1, false), stumbles: 4);
        engine.Handler.Before = (_, _, _) =>
        {
            Interlocked.Increment(ref runs);
            throw new HypervisorException("The name is taken.", ErrorCode.AlreadyExists, RequestOutcome.Rejected);
        };
        var job = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        Assert.Equal(JobState.Failed, (await _clock.SlowlyUntilAsync(job.WaitAsync(Token))).State);
        Assert.Equal(1, runs);
    }

    [Fact(Timeout = 120_000)]
    public async Task That_an_attempt_was_abandoned_is_stored_later_where_it_cannot_be_at_once()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await StartAsync(new CrashPoint("EndAttempt", 1, false), stumbles: 3);
        engine.Handler.Before = (_, _, _) =>
        {
            begun.TrySetResult();
            return release.Task;
        };
        var job = await engine.Jobs.EnqueueAsync(new BuildArgs("deaf"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        Assert.True(await engine.Jobs.CancelAsync(job.Id, Token));
        Assert.Equal(JobState.Cancelled, (await _clock.SlowlyUntilAsync(job.WaitAsync(Token))).State);
        Assert.Equal(AttemptEnd.Abandoned, Assert.Single(await engine.Jobs.ListAttemptsAsync(job.Id, Token)).End);
        release.SetResult();
    }

    [Fact(Timeout = 120_000)]
    public async Task Two_attempts_at_one_job_in_one_worker_are_both_waited_for_when_it_stops()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        bool hasEnded = false;
        var engine = await Engine.StartAsync(_directory["jobs.db"], _world, _clock);
        engine.Handler.Before = async (job, _, _) =>
        {
            if (job.Attempt > 1)
                return;
            begun.TrySetResult();
            await release.Task;
            Volatile.Write(ref hasEnded, true);
        };
        var job = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        // Nobody renewed for five minutes: the second attempt is another one's, and that is the same worker.
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(JobState.Completed, (await _clock.SlowlyUntilAsync(job.WaitAsync(Token))).State);

        // On a slow machine more than one may lose its lease.
        var ends = (await engine.Jobs.ListAttemptsAsync(job.Id, Token)).Select(attempt => attempt.End!.Value).ToList();
        Assert.True(ends.Count > 1);
        Assert.Equal([.. Enumerable.Repeat(AttemptEnd.LeaseLost, ends.Count - 1), AttemptEnd.Completed], ends);
        var stop = engine.DisposeAsync().AsTask();
        for (int i = 0; i < 1000; i++)
            await Task.Yield();
        Assert.False(stop.IsCompleted);
        release.SetResult();
        await stop.WaitAsync(Token);
        Assert.True(Volatile.Read(ref hasEnded));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_shutdown_that_lasts_longer_than_a_lease_keeps_the_lease_and_nobody_else_takes_the_job()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int others = 0;
        var lease = TimeSpan.FromMinutes(10);
        var first = await Engine.StartAsync(_directory["jobs.db"], _world, _clock, configure: options => options.Lease = lease);
        first.Handler.Before = (_, _, _) =>
        {
            begun.TrySetResult();
            return release.Task;
        };
        var job = await first.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        await using var second = await Engine.StartAsync(_directory["jobs.db"], _world, _clock, configure: options => options.Lease = lease);
        second.Handler.Before = (_, _, _) =>
        {
            Interlocked.Increment(ref others);
            return Task.CompletedTask;
        };
        var stop = first.DisposeAsync().AsTask();
        // Ten leases, a twentieth of one at a time, whenever all who wait have parked themselves: the one that stops until it renews and with its question for changes, the other with its loop and its question.
        for (int i = 0; i < 200; i++)
        {
            do
                await Task.Delay(TimeSpan.FromMilliseconds(1), Token);
            while (_clock.ActiveTimers < 4);
            _clock.Advance(lease / 20);
        }

        Assert.False(stop.IsCompleted);
        Assert.Equal((JobState.InProgress, 1), ((await second.Jobs.GetAsync(job.Id, Token))!.State, (await second.Jobs.GetAsync(job.Id, Token))!.Attempts));
        release.SetResult();
        await stop.WaitAsync(Token);
        Assert.Equal(JobState.Completed, (await second.Jobs.GetAsync(job.Id, Token))!.State);
        Assert.Equal(0, others);
    }

    private Task<Engine> StartAsync(CrashPoint point, int stumbles) =>
        Engine.StartAsync(_directory["jobs.db"], _world, _clock, inner => new CrashingStore(inner, point) { Stumbles = stumbles }, options =>
        {
            options.Lease = TimeSpan.FromHours(1);
            options.AbandonAfter = TimeSpan.FromSeconds(5);
        });
}
