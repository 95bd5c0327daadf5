namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>What holds jobs back, stops them, and ties them to each other.</summary>
public sealed class ControlTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => _directory["jobs.db"];

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task A_handler_that_does_not_obey_is_abandoned_and_marked_and_what_it_writes_later_does_not_count()
    {
        var begun = NewSource();
        var release = NewSource();
        var late = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 1);
        engine.Handler.Before = async (job, args, _) =>
        {
            if (args.Name != "deaf")
                return;
            begun.TrySetResult();
            await release.Task;
            late.SetResult(await Record.ExceptionAsync(() => job.ReportAsync("still here")));
        };
        var deaf = await engine.Jobs.EnqueueAsync(new BuildArgs("deaf"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        Assert.True(await engine.Jobs.CancelAsync(deaf.Id, Token));
        var next = await engine.Jobs.EnqueueAsync(new BuildArgs("next"), cancellationToken: Token);
        var ended = await AdvanceAsync(deaf.WaitAsync(Token));
        Assert.Equal(JobState.Cancelled, ended.State);
        Assert.Contains("abandoned", Assert.Single(await engine.Jobs.ListAttemptsAsync(deaf.Id, Token)).Reason, StringComparison.Ordinal);
        Assert.Equal(AttemptEnd.Abandoned, Assert.Single(await engine.Jobs.ListAttemptsAsync(deaf.Id, Token)).End);
        Assert.Equal(JobState.Completed, (await next.WaitAsync(Token)).State);
        release.SetResult();
        Assert.IsType<JobLeaseLostException>(await late.Task.WaitAsync(Token));
        Assert.Equal(["next-disk", "next"], _world.Made);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_handler_that_blocks_its_thread_is_abandoned_after_its_time_limit_and_the_job_fails()
    {
        using var block = new ManualResetEventSlim();
        await using var engine = await Engine.StartAsync(File, _world, _clock, configureType: type =>
        {
            type.TimeLimit = TimeSpan.FromMinutes(1);
            type.MaxAttempts = 1;
        });
        var begun = NewSource();
        engine.Handler.Before = (_, args, _) =>
        {
            begun.TrySetResult();
            if (args.Name == "deaf")
                block.Wait(CancellationToken.None);
            return Task.CompletedTask;
        };
        var deaf = await engine.Jobs.EnqueueAsync(new BuildArgs("deaf"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        var ended = await AdvanceAsync(deaf.WaitAsync(Token));
        block.Set();
        Assert.Equal(JobState.Failed, ended.State);
        Assert.Contains("longer than its time limit", ended.Error, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_deadline_ends_a_job_that_waits_and_one_that_runs()
    {
        var begun = NewSource();
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, cancelled) =>
        {
            begun.TrySetResult();
            return Task.Delay(Timeout.Infinite, cancelled);
        };
        var waiting = await engine.Jobs.EnqueueAsync(new BuildArgs("late"), new JobOptions { Delay = TimeSpan.FromHours(2), Deadline = TimeSpan.FromMinutes(10) }, Token);
        var running = await engine.Jobs.EnqueueAsync(new BuildArgs("slow"), new JobOptions { Deadline = TimeSpan.FromMinutes(5) }, Token);
        await begun.Task.WaitAsync(Token);
        var slow = await AdvanceAsync(running.WaitAsync(Token));
        Assert.Equal(JobState.Failed, slow.State);
        Assert.Contains("passed while it ran", slow.Error, StringComparison.Ordinal);
        Assert.Equal(1, slow.Attempts);
        var late = await AdvanceAsync(waiting.WaitAsync(Token));
        Assert.Equal((JobState.Failed, 0, "Its deadline passed before it was done."), (late.State, late.Attempts, late.Error));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_pause_holds_jobs_back_and_a_drain_waits_for_those_that_run()
    {
        var begun = NewSource();
        var release = NewSource();
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, _) =>
        {
            begun.TrySetResult();
            return release.Task;
        };
        var running = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        var drain = engine.Jobs.DrainAsync("build", Token);
        while ((await engine.Jobs.ListPausedAsync(Token)).Count == 0)
            await Task.Yield();
        var held = await engine.Jobs.EnqueueAsync(new BuildArgs("web2"), cancellationToken: Token);
        Assert.Equal(PendingKind.Paused, (await engine.Jobs.GetPendingReasonAsync(held.Id, Token))!.Kind);
        Assert.False(drain.IsCompleted);
        release.SetResult();
        await drain;
        Assert.Equal(JobState.Completed, (await running.WaitAsync(Token)).State);
        Assert.Equal(JobState.Pending, (await engine.Jobs.GetAsync(held.Id, Token))!.State);
        Assert.Equal(["build"], await engine.Jobs.ListPausedAsync(Token));
        await engine.Jobs.ResumeAsync("build", Token);
        Assert.Equal(JobState.Completed, (await held.WaitAsync(Token)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_batch_runs_and_what_waits_for_all_of_it_runs_after()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 8);
        await engine.Jobs.PauseAsync(cancellationToken: Token);
        var batch = await engine.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, 30).Select(i => new BuildArgs($"node{i}"))], cancellationToken: Token);
        var last = await engine.Jobs.EnqueueAsync(new BuildArgs("last"), new JobOptions { After = [.. batch.Select(job => job.Id)], Priority = 1000 }, Token);
        Assert.Equal(PendingKind.WaitsForJob, (await engine.Jobs.GetPendingReasonAsync(last.Id, Token))!.Kind);
        await engine.Jobs.ResumeAsync(cancellationToken: Token);
        await last.WaitAsync(Token);
        Assert.Equal(62, _world.Made.Count);
        Assert.Equal(["last-disk", "last"], _world.Made.TakeLast(2));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_waits_for_a_job_that_fails_is_cancelled_unless_it_waits_for_any_end()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, args, _) => args.Name == "bad" ? throw new HypervisorException("no", ErrorCode.AlreadyExists, RequestOutcome.Rejected) : Task.CompletedTask;
        await engine.Jobs.PauseAsync(cancellationToken: Token);
        var bad = await engine.Jobs.EnqueueAsync(new BuildArgs("bad"), cancellationToken: Token);
        var strict = await engine.Jobs.EnqueueAsync(new BuildArgs("strict"), new JobOptions { After = [bad.Id] }, Token);
        var stricter = await engine.Jobs.EnqueueAsync(new BuildArgs("stricter"), new JobOptions { After = [strict.Id] }, Token);
        var cleanup = await engine.Jobs.EnqueueAsync(new BuildArgs("cleanup"), new JobOptions { After = [bad.Id, stricter.Id], AfterRule = JobAfterRule.AllEnded }, Token);
        await engine.Jobs.ResumeAsync(cancellationToken: Token);
        Assert.Equal(JobState.Completed, (await cleanup.WaitAsync(Token)).State);
        Assert.Equal(JobState.Cancelled, (await stricter.WaitAsync(Token)).State);
        var cancelled = await strict.WaitAsync(Token);
        Assert.Equal((JobState.Cancelled, $"Job {bad.Id}, which it waited for, did not complete."), (cancelled.State, cancelled.Error));
        var refusal = await Assert.ThrowsAsync<HypervisorException>(() => engine.Jobs.EnqueueAsync(new BuildArgs("x"), new JobOptions { After = [bad.Id] }, Token));
        Assert.Equal(ErrorCode.InvalidState, refusal.Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_unique_job_that_waits_is_replaced_and_one_that_runs_is_not()
    {
        var begun = NewSource();
        var release = NewSource();
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, _) =>
        {
            begun.TrySetResult();
            return release.Task;
        };
        JobOptions Options(TimeSpan delay = default) => new() { UniqueKey = "web1", Uniqueness = JobUniqueness.Replace, Delay = delay };
        var old = await engine.Jobs.EnqueueAsync(new BuildArgs("old"), Options(TimeSpan.FromHours(1)), Token);
        var replacing = await engine.Jobs.EnqueueAsync(new BuildArgs("new"), Options(), Token);
        Assert.True(replacing.IsNew);
        var replaced = await old.WaitAsync(Token);
        Assert.Equal((JobState.Cancelled, $"Job {replacing.Id} replaced it."), (replaced.State, replaced.Error));
        await begun.Task.WaitAsync(Token);
        var refusal = await Assert.ThrowsAsync<HypervisorException>(() => engine.Jobs.EnqueueAsync(new BuildArgs("newer"), Options(), Token));
        Assert.Equal(ErrorCode.AlreadyExists, refusal.Code);
        release.SetResult();
        Assert.Equal(JobState.Completed, (await replacing.WaitAsync(Token)).State);
        Assert.Equal(["new-disk", "new"], _world.Made);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_job_makes_its_children_once_however_often_it_runs_and_takes_them_along_when_it_is_cancelled()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        var childMade = NewSource();
        var children = new List<JobId>();
        engine.Handler.Before = async (job, args, cancelled) =>
        {
            if (args.Name != "parent")
                return;
            var child = await job.EnqueueChildAsync("one", new BuildArgs("child"), new JobOptions { Delay = TimeSpan.FromHours(1) });
            lock (children)
                children.Add(child.Id);
            if (job.Attempt == 1)
                throw new HypervisorException("locked", ErrorCode.Locked, RequestOutcome.Rejected) { RetryAfter = TimeSpan.Zero };
            childMade.TrySetResult();
            await Task.Delay(Timeout.Infinite, cancelled);
        };
        var parent = await engine.Jobs.EnqueueAsync(new BuildArgs("parent"), cancellationToken: Token);
        await AdvanceAsync(Task.WhenAny(childMade.Task));
        Assert.Equal(2, children.Count);
        Assert.Equal(children[0], children[1]);
        Assert.Equal(parent.Id, (await engine.Jobs.GetAsync(children[0], Token))!.Parent);
        Assert.True(await engine.Jobs.CancelAsync(parent.Id, Token));
        Assert.Equal(JobState.Cancelled, (await engine.Jobs.WaitAsync(children[0], Token)).State);
        Assert.Equal(JobState.Cancelled, (await parent.WaitAsync(Token)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_child_that_is_made_after_its_parent_was_cancelled_is_cancelled_too()
    {
        var begun = NewSource();
        var release = NewSource();
        var child = new TaskCompletionSource<JobId>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = async (job, args, cancelled) =>
        {
            if (args.Name != "parent")
                return;
            begun.TrySetResult();
            await release.Task;
            child.SetResult((await job.EnqueueChildAsync("late", new BuildArgs("child"), new JobOptions { Delay = TimeSpan.FromDays(1) })).Id);
            cancelled.ThrowIfCancellationRequested();
        };
        var parent = await engine.Jobs.EnqueueAsync(new BuildArgs("parent"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        Assert.True(await engine.Jobs.CancelAsync(parent.Id, Token));
        release.SetResult();
        Assert.Equal(JobState.Cancelled, (await parent.WaitAsync(Token)).State);
        Assert.Equal(JobState.Cancelled, (await engine.Jobs.WaitAsync(await child.Task, Token)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_cancel_of_another_process_is_seen_without_a_renewal()
    {
        var begun = NewSource();
        await using var worker = await Engine.StartAsync(File, _world, _clock, store => new CrashingStore(store, new CrashPoint("", 0, false)) { HidesCancels = true }, options => options.Lease = TimeSpan.FromHours(1));
        await using var page = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0);
        worker.Handler.Before = (_, _, cancelled) =>
        {
            begun.TrySetResult();
            return Task.Delay(Timeout.Infinite, cancelled);
        };
        var job = await worker.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        Assert.True(await page.Jobs.CancelAsync(job.Id, Token));
        Assert.Equal(JobState.Cancelled, (await AdvanceAsync(job.WaitAsync(Token))).State);
    }

    [Fact(Timeout = 120_000)]
    [Feature("JOB-08")]
    public async Task Workers_are_added_beside_a_process_that_only_enqueues()
    {
        await using var page = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0);
        var handles = await page.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, 40).Select(i => new BuildArgs($"web{i}"))], cancellationToken: Token);
        Assert.Empty(_world.Made);
        await using var one = await Engine.StartAsync(File, _world, _clock, configure: options => options.Worker = "one");
        await using var two = await Engine.StartAsync(File, _world, _clock, configure: options => options.Worker = "two");
        foreach (var handle in handles)
            await AdvanceAsync(handle.WaitAsync(Token), parkedTimers: 5, step: TimeSpan.FromMilliseconds(200));
        Assert.Equal(80, _world.Made.Distinct().Count());
        Assert.Equal(80, _world.Made.Count);
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    // Moves the clock while the engine has parked itself on its timers: its loop, and the question for what other processes did.
    private async Task<T> AdvanceAsync<T>(Task<T> happened, int parkedTimers = 2, TimeSpan? step = null)
    {
        while (!happened.IsCompleted)
        {
            if (_clock.ActiveTimers >= parkedTimers)
                _clock.Advance(step ?? TimeSpan.FromSeconds(1));
            await Task.Yield();
            Token.ThrowIfCancellationRequested();
        }

        return await happened;
    }
}
