using Hypervisor.Sdk.Jobs.Stores;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>What can be seen of jobs: results, progress, logs, changes, reasons, and how long.</summary>
public sealed class ReadingTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => _directory["jobs.db"];

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task The_result_of_a_job_is_read_as_what_its_handler_returned()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        Assert.Equal(new BuildResult("web1", "web1-disk"), await handle.WaitAsync<BuildResult>(Token));
        Assert.Equal(new BuildResult("web1", "web1-disk"), await engine.Jobs.WaitAsync<BuildResult>(handle.Id, Token));
        var refusal = await Assert.ThrowsAsync<ArgumentException>(() => handle.WaitAsync<string>(Token));
        Assert.Contains("do not return a String", refusal.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Who_waits_for_the_result_of_a_job_that_failed_is_told_why()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, _) => throw new HypervisorException("The name is taken.", ErrorCode.AlreadyExists, RequestOutcome.Rejected);
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        var failure = await Assert.ThrowsAsync<JobFailedException>(() => handle.WaitAsync<BuildResult>(Token));
        Assert.Equal((JobState.Failed, handle.Id), (failure.Job.State, failure.Job.Id));
        Assert.Contains("The name is taken.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => engine.Jobs.WaitAsync(JobId.New(_clock), Token))).Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_watcher_sees_each_step_of_the_progress_that_it_waits_for()
    {
        var seen = new SemaphoreSlim(0);
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = async (job, _, _) =>
        {
            for (int i = 1; i <= 4; i++)
            {
                await job.ReportAsync($"{i} of 4", i / 4.0);
                await seen.WaitAsync(Token);
            }
        };
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        var progress = new List<double>();
        long last = 0;
        await foreach (var job in engine.Jobs.WatchAsync(cancellationToken: Token))
        {
            Assert.True(job.Position > last);
            last = job.Position;
            if (job.ProgressFraction is { } fraction && (progress.Count == 0 || progress[^1] != fraction))
            {
                progress.Add(fraction);
                seen.Release();
            }

            if (job.HasEnded)
                break;
        }

        Assert.Equal([0.25, 0.5, 0.75, 1], progress);
        Assert.Equal("4 of 4", (await engine.Jobs.GetAsync(handle.Id, Token))!.Progress);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_watch_goes_on_where_it_stopped_in_another_process_and_misses_no_last_state()
    {
        long position;
        await using (var first = await Engine.StartAsync(File, _world, _clock))
        {
            for (int i = 0; i < 3; i++)
                await (await first.Jobs.EnqueueAsync(new BuildArgs($"old{i}"), cancellationToken: Token)).WaitAsync(Token);
            position = await first.Jobs.GetPositionAsync(Token);
        }

        var made = new HashSet<JobId>();
        await using var second = await Engine.StartAsync(File, _world, _clock);
        for (int i = 0; i < 300; i++)
            made.Add((await second.Jobs.EnqueueAsync(new BuildArgs($"new{i}"), cancellationToken: Token)).Id);
        var ended = new HashSet<JobId>();
        await foreach (var job in second.Jobs.WatchAsync(position, Token))
        {
            Assert.Contains(job.Id, made);
            if (job.HasEnded)
                Assert.True(ended.Add(job.Id));
            if (ended.Count == made.Count)
                break;
        }

        Assert.Equal(303, (await second.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token)).Select(job => job.Id).Distinct().Count());
    }

    [Fact(Timeout = 120_000)]
    public async Task What_another_process_did_is_seen_at_the_next_question()
    {
        await using var worker = await Engine.StartAsync(File, _world, _clock);
        await using var page = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0);
        var handle = await page.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        var end = handle.WaitAsync<BuildResult>(Token);
        while (!end.IsCompleted)
        {
            if (_clock.ActiveTimers >= 3)
                _clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Equal("web1", (await end).Machine);
    }

    [Fact(Timeout = 120_000)]
    public async Task An_idle_process_asks_its_store_once_a_second_however_many_wait()
    {
        CrashingStore? store = null;
        await using var engine = await Engine.StartAsync(File, _world, _clock, inner => store = new CrashingStore(inner, new CrashPoint("", 0, false)));
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("later"), new JobOptions { Delay = TimeSpan.FromHours(1) }, Token);
        var waits = Enumerable.Range(0, 20).Select(_ => handle.WaitAsync(Token)).ToList();
        await TickAsync(5);
        int before = store!.Calls;
        await TickAsync(40);
        // Forty questions for changes, and a look for what is to be removed each minute.
        Assert.InRange(store.Calls - before, 1, 44);
        Assert.True(await engine.Jobs.CancelAsync(handle.Id, Token));
        await Task.WhenAll(waits);
    }

    [Fact(Timeout = 120_000)]
    public async Task The_log_of_a_job_has_the_lines_of_all_its_attempts()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = async (job, _, _) =>
        {
            for (int i = 0; i < 150; i++)
                await job.LogAsync($"line {i} of attempt {job.Attempt}");
            if (job.Attempt == 1)
                throw new HypervisorException("locked", ErrorCode.Locked, RequestOutcome.Rejected) { RetryAfter = TimeSpan.Zero };
        };
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        var end = handle.WaitAsync(Token);
        await AdvanceUntilAsync(engine, handle.Id, end);
        var lines = await engine.Jobs.ListLogAsync(handle.Id, cancellationToken: Token).ToListAsync(Token);
        Assert.Equal(300, lines.Count);
        Assert.Equal(Enumerable.Range(1, 300).Select(i => (long)i), lines.Select(line => line.Number));
        Assert.Equal((1, 2, "line 149 of attempt 2"), (lines[149].Attempt, lines[150].Attempt, lines[^1].Text));
        Assert.Equal(["line 149 of attempt 2"], (await engine.Jobs.ListLogAsync(handle.Id, 299, Token).ToListAsync(Token)).Select(line => line.Text));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_pending_job_says_why()
    {
        var lane = new JobOptions { Lanes = [new LaneClaim { Key = LaneKey.Parse("instance:web1"), Mode = LaneMode.Exclusive }] };
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, _) =>
        {
            begun.TrySetResult();
            return release.Task;
        };
        var holder = await engine.Jobs.EnqueueAsync(new BuildArgs("holder"), lane, Token);
        await begun.Task.WaitAsync(Token);
        var waiter = await engine.Jobs.EnqueueAsync(new BuildArgs("waiter"), lane, Token);
        var reason = await engine.Jobs.GetPendingReasonAsync(waiter.Id, Token);
        Assert.Equal((PendingKind.WaitsForLane, "instance:web1", holder.Id), (reason!.Kind, reason.Lane.ToString(), reason.Job!.Value));
        var delayed = await engine.Jobs.EnqueueAsync(new BuildArgs("delayed"), new JobOptions { Delay = TimeSpan.FromHours(1) }, Token);
        reason = await engine.Jobs.GetPendingReasonAsync(delayed.Id, Token);
        Assert.Equal((PendingKind.Delayed, _clock.GetUtcNow().AddHours(1)), (reason!.Kind, reason.Until!.Value));
        Assert.Null(await engine.Jobs.GetPendingReasonAsync(holder.Id, Token));
        release.SetResult();
        await waiter.WaitAsync(Token);
        Assert.Null(await engine.Jobs.GetPendingReasonAsync(waiter.Id, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_ended_well_is_removed_after_its_retention_and_a_dead_letter_is_not()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        var good = await engine.Jobs.EnqueueAsync(new BuildArgs("good"), cancellationToken: Token);
        await good.WaitAsync(Token);
        engine.Handler.Before = (_, _, _) => throw new HypervisorException("no", ErrorCode.AlreadyExists, RequestOutcome.Rejected);
        var bad = await engine.Jobs.EnqueueAsync(new BuildArgs("bad"), cancellationToken: Token);
        await bad.WaitAsync(Token);
        _clock.Advance(TimeSpan.FromDays(7) - TimeSpan.FromMinutes(5));
        await TickAsync(3);
        Assert.NotNull(await engine.Jobs.GetAsync(good.Id, Token));
        _clock.Advance(TimeSpan.FromMinutes(6));
        while (await engine.Jobs.GetAsync(good.Id, Token) is not null)
            await TickAsync(1);
        Assert.NotNull(await engine.Jobs.GetAsync(bad.Id, Token));
        Assert.True(await engine.Jobs.DiscardAsync(bad.Id, Token));
        Assert.Empty(await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token));
    }

    private async Task TickAsync(int seconds)
    {
        for (int i = 0; i < seconds; i++)
        {
            while (_clock.ActiveTimers < 2)
                await Task.Yield();
            _clock.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private async Task AdvanceUntilAsync(Engine engine, JobId id, Task happened)
    {
        while (!happened.IsCompleted)
        {
            if (_clock.ActiveTimers >= 2 && (await engine.Jobs.GetAsync(id, Token))!.State == JobState.Pending)
                _clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }
    }
}
