namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>What who enqueues jobs sees.</summary>
public sealed class EngineTests : IDisposable
{
    // The worker's loop, and the question for what other processes did.
    private const int ParkedTimers = 2;

    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string File => _directory["jobs.db"];

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    [Feature("JOB-01")]
    public async Task Jobs_of_several_callers_are_run_by_the_workers()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        var handles = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => engine.Jobs.EnqueueAsync(new BuildArgs($"web{i}"), cancellationToken: Token)));
        foreach (var handle in handles)
            Assert.Equal(JobState.Completed, (await handle.WaitAsync(Token)).State);
        Assert.Equal(80, _world.Made.Distinct().Count());
        Assert.Equal(80, _world.Made.Count);
    }

    [Fact(Timeout = 120_000)]
    [Feature("JOB-02")]
    public async Task What_was_enqueued_outlives_its_process()
    {
        JobId id;
        await using (var first = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0))
            id = (await first.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token)).Id;
        Assert.Empty(_world.Made);
        await using var second = await Engine.StartAsync(File, _world, _clock);
        Assert.Equal(JobState.Completed, (await second.Jobs.WaitAsync(id, Token)).State);
    }

    [Fact(Timeout = 120_000)]
    [Feature("JOB-05")]
    public async Task A_job_is_pending_then_in_progress_then_completed()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, _) =>
        {
            begun.TrySetResult();
            return release.Task;
        };
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { Delay = TimeSpan.FromMinutes(1) }, Token);
        Assert.Equal(JobState.Pending, (await engine.Jobs.GetAsync(handle.Id, Token))!.State);
        await AdvanceUntilAsync(engine, handle.Id, begun.Task);
        Assert.Equal(JobState.InProgress, (await engine.Jobs.GetAsync(handle.Id, Token))!.State);
        release.SetResult();
        Assert.Equal(JobState.Completed, (await handle.WaitAsync(Token)).State);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_job_that_fails_for_good_is_a_dead_letter_that_can_be_run_again()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, _) => throw new HypervisorException("The name is taken.", ErrorCode.AlreadyExists, RequestOutcome.Rejected);
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        var failed = await handle.WaitAsync(Token);
        Assert.Equal((JobState.Failed, 1, "The name is taken."), (failed.State, failed.Attempts, failed.Error));
        Assert.Equal(handle.Id, Assert.Single(await engine.Jobs.ListAsync(new JobQuery { State = JobState.Failed }, Token).ToListAsync(Token)).Id);

        engine.Handler.Before = (_, _, _) => Task.CompletedTask;
        Assert.True(await engine.Jobs.RetryAsync(handle.Id, Token));
        Assert.Equal(JobState.Completed, (await handle.WaitAsync(Token)).State);
        Assert.True(await engine.Jobs.DiscardAsync(handle.Id, Token));
        Assert.Null(await engine.Jobs.GetAsync(handle.Id, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_job_that_keeps_failing_is_tried_as_often_as_its_type_says()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, _) => throw new InvalidOperationException("No luck.");
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        var end = handle.WaitAsync(Token);
        await AdvanceUntilAsync(engine, handle.Id, end);
        Assert.Equal((JobState.Failed, 3), ((await end).State, (await end).Attempts));
        Assert.Equal([AttemptEnd.Retried, AttemptEnd.Retried, AttemptEnd.Failed], (await engine.Jobs.ListAttemptsAsync(handle.Id, Token)).Select(attempt => attempt.End!.Value));
    }

    [Fact(Timeout = 120_000)]
    [Feature("JOB-04")]
    public async Task Jobs_of_one_machine_run_one_after_the_other_in_order()
    {
        int running = 0, most = 0;
        var order = new List<string>();
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 8);
        engine.Handler.Before = async (_, args, _) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref running));
            lock (order)
                order.Add(args.Name);
            await Task.Yield();
            Interlocked.Decrement(ref running);
        };
        var options = new JobOptions { Lanes = [new LaneClaim { Key = LaneKey.Parse("instance:web1"), Mode = LaneMode.Exclusive }] };
        var handles = new List<JobHandle>();
        for (int i = 0; i < 20; i++)
            handles.Add(await engine.Jobs.EnqueueAsync(new BuildArgs($"n{i:00}"), options, Token));
        foreach (var handle in handles)
            await handle.WaitAsync(Token);
        Assert.Equal(1, most);
        Assert.Equal(order.Order(StringComparer.Ordinal), order);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_running_job_that_is_cancelled_ends_cancelled()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (_, _, cancelled) =>
        {
            begun.TrySetResult();
            return Task.Delay(Timeout.Infinite, cancelled);
        };
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        await begun.Task.WaitAsync(Token);
        Assert.True(await engine.Jobs.CancelAsync(handle.Id, Token));
        Assert.Equal(JobState.Cancelled, (await handle.WaitAsync(Token)).State);
        Assert.Empty(_world.Made);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_worker_that_shuts_down_gives_its_job_back_without_using_up_an_attempt()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        JobId id;
        await using (var first = await Engine.StartAsync(File, _world, _clock))
        {
            first.Handler.Before = (_, _, cancelled) =>
            {
                begun.TrySetResult();
                return Task.Delay(Timeout.Infinite, cancelled);
            };
            id = (await first.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token)).Id;
            await begun.Task.WaitAsync(Token);
        }

        await using var second = await Engine.StartAsync(File, _world, _clock);
        Assert.Equal(JobState.Completed, (await second.Jobs.WaitAsync(id, Token)).State);
        Assert.Equal([AttemptEnd.Returned, AttemptEnd.Completed], (await second.Jobs.ListAttemptsAsync(id, Token)).Select(attempt => attempt.End!.Value));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_step_whose_outcome_nobody_knows_is_never_repeated()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        engine.Handler.Before = (job, args, _) => job.StepAsync("lost", JobsJson.Default.String, options =>
        {
            _world.Make(options.RequestId!.Value, "lost");
            throw new HypervisorException("The reply was lost.", ErrorCode.Unavailable, RequestOutcome.Unknown);
        }, _ => Task.FromResult(StepLookup<string>.Unknown));
        var handle = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        var end = handle.WaitAsync(Token);
        await AdvanceUntilAsync(engine, handle.Id, end);
        Assert.Equal(JobState.Failed, (await end).State);
        Assert.Contains("cannot be told", (await end).Error, StringComparison.Ordinal);
        Assert.Equal(["lost"], _world.Made);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_unique_key_is_one_job_until_it_ends()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0);
        var first = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { UniqueKey = "web1" }, Token);
        var again = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { UniqueKey = "web1" }, Token);
        Assert.Equal((first.Id, false), (again.Id, again.IsNew));
        var refusal = await Assert.ThrowsAsync<HypervisorException>(() =>
            engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { UniqueKey = "web1", Uniqueness = JobUniqueness.Reject }, Token));
        Assert.Equal(ErrorCode.AlreadyExists, refusal.Code);
        Assert.True(await engine.Jobs.CancelAsync(first.Id, Token));
        Assert.True((await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { UniqueKey = "web1" }, Token)).IsNew);
    }

    [Fact(Timeout = 120_000)]
    public async Task Bad_input_is_refused_before_anything_is_stored()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock);
        Task Enqueue(JobOptions options) => engine.Jobs.EnqueueAsync(new BuildArgs("web1"), options, Token);
        var lane = new LaneClaim { Key = LaneKey.Parse("instance:web1"), Mode = LaneMode.Exclusive };
        await Assert.ThrowsAsync<ArgumentException>(() => Enqueue(new JobOptions { Lanes = [lane, lane] }));
        await Assert.ThrowsAsync<ArgumentException>(() => Enqueue(new JobOptions { Lanes = [new LaneClaim { Key = default, Mode = LaneMode.Shared }] }));
        await Assert.ThrowsAsync<ArgumentException>(() => Enqueue(new JobOptions { Lanes = [new LaneClaim { Key = lane.Key, Mode = LaneMode.Shared, Weight = 0 }] }));
        await Assert.ThrowsAsync<ArgumentException>(() => Enqueue(new JobOptions { Priority = 1001 }));
        await Assert.ThrowsAsync<ArgumentException>(() => Enqueue(new JobOptions { Delay = TimeSpan.FromSeconds(-1) }));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.Jobs.EnqueueAsync(new BuildArgs(new string('x', 300_000)), cancellationToken: Token));
        await Assert.ThrowsAsync<ArgumentException>(() => engine.Jobs.EnqueueAsync("a type without a handler", cancellationToken: Token));
        Assert.Empty(await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_is_null_is_refused_by_its_name()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock, configure: options => options.Concurrency = 0);
        async Task NamesAsync(string member, Func<Task> call) => Assert.Contains(member, (await Assert.ThrowsAsync<ArgumentException>(call)).Message, StringComparison.Ordinal);
        await NamesAsync("Lanes", () => engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { Lanes = null! }, Token));
        await NamesAsync("Lanes", () => engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { Lanes = [null!] }, Token));
        await NamesAsync("After", () => engine.Jobs.EnqueueAsync(new BuildArgs("web1"), new JobOptions { After = null! }, Token));
        await NamesAsync("Name", () => engine.Jobs.ScheduleAsync(new JobSchedule { Name = null!, Cron = "@daily" }, new BuildArgs("web1"), Token));
        await NamesAsync("Cron", () => engine.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = null! }, new BuildArgs("web1"), Token));
        await NamesAsync("Zone", () => engine.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "@daily", Zone = null! }, new BuildArgs("web1"), Token));
        Assert.Empty(await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_second_step_of_one_name_in_an_attempt_is_refused_and_one_that_failed_may_be_taken_again()
    {
        await using var engine = await Engine.StartAsync(File, _world, _clock, configureType: type => type.MaxAttempts = 1);
        Exception? first = null, second = null;
        engine.Handler.Before = async (job, args, _) =>
        {
            bool fails = true;
            Task<string> TakeAsync(string made) => job.StepAsync("once", JobsJson.Default.String,
                options => fails ? throw new HypervisorException("locked", ErrorCode.Locked, RequestOutcome.Rejected) : Task.FromResult(_world.Make(options.RequestId!.Value, made)), request => Task.FromResult(_world.LookUp(request)));
            first = await Record.ExceptionAsync(() => TakeAsync("a"));
            fails = false;
            await TakeAsync("b");
            second = await Record.ExceptionAsync(() => TakeAsync("c"));
        };
        var job = await engine.Jobs.EnqueueAsync(new BuildArgs("web1"), cancellationToken: Token);
        Assert.Equal(JobState.Completed, (await job.WaitAsync(Token)).State);
        Assert.IsType<HypervisorException>(first);
        Assert.Contains("'once'", Assert.IsType<ArgumentException>(second).Message, StringComparison.Ordinal);
        Assert.Equal(["b", "web1-disk", "web1"], _world.Made);
    }

    // Moves the clock while the job waits for it, and only when the worker has parked itself on its timer: a claim that is being made
    // must not find its lease run out already.
    private async Task AdvanceUntilAsync(Engine engine, JobId id, Task happened)
    {
        while (!happened.IsCompleted)
        {
            if (_clock.ActiveTimers >= ParkedTimers && (await engine.Jobs.GetAsync(id, Token))!.State == JobState.Pending)
                _clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
            Token.ThrowIfCancellationRequested();
        }

        await happened;
    }
}
