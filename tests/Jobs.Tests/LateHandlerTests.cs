namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Handlers that go on, or fail, when what they were to do is done.</summary>
public sealed class LateHandlerTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 120_000)]
    [InlineData(1, JobState.Completed)]
    [InlineData(9, JobState.Failed)]
    public async Task A_handler_that_throws_when_all_its_steps_are_done_is_tried_again_and_repeats_none(int failures, JobState end)
    {
        await using var engine = await StartAsync(new Late(_world) { Failures = failures });
        var job = await engine.Jobs.EnqueueAsync(new KillArgs("web1"), cancellationToken: Token);
        await _clock.AtAsync(_clock.GetUtcNow(), async () => (await engine.Jobs.GetAsync(job.Id, Token))!.HasEnded);
        var ended = (await engine.Jobs.GetAsync(job.Id, Token))!;
        Assert.Equal((end, failures == 1 ? 2 : 3), (ended.State, ended.Attempts));
        Assert.Equal(["web1"], _world.Made);
        Assert.All((await engine.Jobs.ListAttemptsAsync(job.Id, Token)).SkipLast(1), attempt => Assert.Equal((AttemptEnd.Retried, "It cannot be closed."), (attempt.End, attempt.Reason)));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_a_handler_left_behind_fails_for_itself_and_can_write_nothing_when_the_job_has_ended()
    {
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new Late(_world) { Ended = ended.Task };
        await using var engine = await StartAsync(handler);
        var job = await engine.Jobs.EnqueueAsync(new KillArgs("web1"), cancellationToken: Token);
        await _clock.AtAsync(_clock.GetUtcNow(), async () => (await engine.Jobs.GetAsync(job.Id, Token))!.HasEnded);
        var before = (await engine.Jobs.GetAsync(job.Id, Token))!;
        ended.SetResult();
        Exception?[] failures = await handler.LeftBehind!.WaitAsync(Token);
        Assert.All(failures, failure => Assert.IsType<JobLeaseLostException>(failure));
        Assert.Equal(3, failures.Length);

        // Nothing of it counts, and the worker goes on.
        var after = (await engine.Jobs.GetAsync(job.Id, Token))!;
        Assert.Equal((JobState.Completed, before.Position, before.Progress, 1), (after.State, after.Position, after.Progress, after.Attempts));
        Assert.Empty(await engine.Jobs.ListLogAsync(job.Id, cancellationToken: Token).ToListAsync(Token));
        Assert.Equal(["web1"], _world.Made);
        Assert.Equal("web1", await engine.Jobs.WaitAsync<string>(job.Id, Token));
        handler.Ended = null;
        var next = await engine.Jobs.EnqueueAsync(new KillArgs("web2"), cancellationToken: Token);
        await _clock.AtAsync(_clock.GetUtcNow(), async () => (await engine.Jobs.GetAsync(next.Id, Token))!.HasEnded);
        Assert.Equal(JobState.Completed, (await engine.Jobs.GetAsync(next.Id, Token))!.State);
    }

    private Task<Engine> StartAsync(Late handler) => Engine.StartAsync(_directory["jobs.db"], _world, _clock, configure: options => options.Lease = TimeSpan.FromHours(1), configureJobs: jobs =>
    {
        Microsoft.Extensions.DependencyInjection.ServiceCollectionServiceExtensions.AddSingleton(jobs.Services, handler);
        jobs.AddHandler<Late, KillArgs, string>("late", JobsJson.Default.KillArgs, JobsJson.Default.String, options => (options.MaxAttempts, options.RetryBase) = (3, TimeSpan.FromSeconds(1)));
    });

    /// <summary>Makes something in a step; then what it has opened cannot be closed, or what it has begun goes on without it.</summary>
    private sealed class Late(World world) : IJobHandler<KillArgs, string>
    {
        private int _closed;

        public int Failures { get; init; }

        public Task? Ended { get; set; }

        public Task<Exception?[]>? LeftBehind { get; private set; }

        public async Task<string> RunAsync(JobContext job, KillArgs args, CancellationToken cancellationToken)
        {
            await using var opened = new Closing(() => Interlocked.Increment(ref _closed) <= Failures);
            string made = await StepAsync(job, "make", args.Name);
            if (Ended is { } ended)
                LeftBehind = LeaveAsync(job, ended);
            return made;
        }

        private async Task<Exception?[]> LeaveAsync(JobContext job, Task ended)
        {
            await ended;
            return
            [
                await Record.ExceptionAsync(() => job.ReportAsync("still here", 0.5)),
                await Record.ExceptionAsync(() => job.LogAsync("still here")),
                await Record.ExceptionAsync(() => StepAsync(job, "more", "more")),
            ];
        }

        private Task<string> StepAsync(JobContext job, string step, string name) => job.StepAsync(step, JobsJson.Default.String,
            options => Task.FromResult(world.Make(options.RequestId!.Value, name)), request => Task.FromResult(world.LookUp(request)));
    }

    private sealed class Closing(Func<bool> fails) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => fails() ? ValueTask.FromException(new InvalidOperationException("It cannot be closed.")) : ValueTask.CompletedTask;
    }
}
