using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>What was done is undone in reverse when the job does not come to its end, whatever stops meanwhile.</summary>
public sealed class SagaTests : IDisposable
{
    private static readonly string[] Things = ["disk", "nic", "machine"];

    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();
    private readonly World _world = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    public async Task A_job_that_fails_undoes_its_steps_in_reverse_and_keeps_why_it_failed()
    {
        await using var engine = await StartAsync();
        var handle = await engine.Jobs.EnqueueAsync(new AssembleArgs("web1", true), cancellationToken: Token);
        var ended = await handle.WaitAsync(Token);
        Assert.Equal((JobState.Failed, "The name is taken.", true), (ended.State, ended.Error, ended.IsCompensating));
        Assert.Empty(_world.Made);
        Assert.Equal(["web1-machine", "web1-nic", "web1-disk"], _world.Unmade);
        Assert.Equal([AttemptEnd.Failed, AttemptEnd.Compensated], (await engine.Jobs.ListAttemptsAsync(handle.Id, Token)).Select(attempt => attempt.End!.Value));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_dead_letter_that_was_undone_is_done_anew()
    {
        var assemble = new Assemble(_world);
        await using var engine = await StartAsync(assemble);
        var handle = await engine.Jobs.EnqueueAsync(new AssembleArgs("web1", true), cancellationToken: Token);
        await handle.WaitAsync(Token);
        assemble.IsHealed = true;
        Assert.True(await engine.Jobs.RetryAsync(handle.Id, Token));
        Assert.Equal(JobState.Completed, (await handle.WaitAsync(Token)).State);
        Assert.Equal(["web1-disk", "web1-nic", "web1-machine"], _world.Made);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_job_that_is_cancelled_between_its_attempts_undoes_what_it_did()
    {
        var assemble = new Assemble(_world) { Failure = new HypervisorException("busy", ErrorCode.Locked, RequestOutcome.Rejected) { RetryAfter = TimeSpan.FromHours(1) } };
        await using var engine = await StartAsync(assemble);
        var handle = await engine.Jobs.EnqueueAsync(new AssembleArgs("web1", true), cancellationToken: Token);
        while ((await engine.Jobs.GetPendingReasonAsync(handle.Id, Token))?.Kind != PendingKind.WaitsForRetry)
            await Task.Yield();
        Assert.Equal(3, _world.Made.Count);
        Assert.True(await engine.Jobs.CancelAsync(handle.Id, Token));
        Assert.Equal(JobState.Cancelled, (await handle.WaitAsync(Token)).State);
        Assert.Empty(_world.Made);
    }

    [Theory(Timeout = 300_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_whichever_write_the_process_dies_everything_is_undone_in_the_end(bool isAfter)
    {
        int point = 0;
        for (bool isReached = true; isReached;)
        {
            string path = _directory[$"{isAfter}{++point}.db"];
            var world = new World();
            CrashingStore? dying = null;
            var assemble = new Assemble(world);
            JobId? id = null;
            await using (var first = await StartAsync(assemble, path, inner => dying = new CrashingStore(inner, new CrashPoint(CrashPoint.Any, point, isAfter))))
            {
                try
                {
                    id = (await first.Jobs.EnqueueAsync(new AssembleArgs("web1", true), cancellationToken: Token)).Id;
                    await Task.WhenAny(dying!.Crashed, first.Jobs.WaitAsync(id.Value, Token));
                }
                catch (HypervisorException) when (dying!.Crashed.IsCompleted)
                {
                }

                isReached = dying!.Crashed.IsCompleted;
            }

            _clock.Advance(TimeSpan.FromMinutes(5));
            await using var second = await StartAsync(assemble, path);
            foreach (var job in await second.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token))
            {
                var ended = await second.Jobs.WaitAsync(job.Id, Token);
                Assert.Equal(JobState.Failed, ended.State);
                Assert.Equal(Things.Reverse().Select(thing => "web1-" + thing), world.Unmade.Distinct());
            }

            Assert.Empty(world.Made);
        }

        // A job, its claim, three steps, an end; a claim, three compensations, an end.
        Assert.True(point > 16, $"Only {point} crash points were found.");
    }

    private Task<Engine> StartAsync(Assemble? assemble = null, string? path = null, Func<Jobs.Stores.IJobStore, Jobs.Stores.IJobStore>? wrap = null) =>
        Engine.StartAsync(path ?? _directory["jobs.db"], _world, _clock, wrap, configureJobs: jobs =>
        {
            jobs.Services.AddSingleton(assemble ?? new Assemble(_world));
            jobs.AddHandler<Assemble, AssembleArgs, string>("assemble", JobsJson.Default.AssembleArgs, JobsJson.Default.String);
        });

    private sealed class Assemble(World world) : IJobHandler<AssembleArgs, string>
    {
        public bool IsHealed { get; set; }

        public HypervisorException Failure { get; init; } = new("The name is taken.", ErrorCode.AlreadyExists, RequestOutcome.Rejected);

        public async Task<string> RunAsync(JobContext job, AssembleArgs args, CancellationToken cancellationToken)
        {
            foreach (string thing in Things)
            {
                await job.StepAsync(thing, JobsJson.Default.String, options => Task.FromResult(world.Make(options.RequestId!.Value, $"{args.Name}-{thing}")),
                    request => Task.FromResult(world.LookUp(request)), (made, _) =>
                    {
                        world.Unmake(made);
                        return Task.CompletedTask;
                    });
            }

            return args.Fails && !IsHealed ? throw Failure : "done";
        }
    }
}
