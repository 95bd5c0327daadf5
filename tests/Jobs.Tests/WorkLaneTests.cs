using Hypervisor.Sdk.Simulation;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>The engine asks the backend what it would lock, and waits instead of failing.</summary>
public sealed class WorkLaneTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 240_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Of_fifty_clones_of_one_template_by_parallel_jobs_none_meets_the_lock_that_the_engine_asked_for(bool asksForLanes)
    {
        await using var dc = new SimulatedDatacenter(o =>
        {
            o.Personality = SimulationPersonality.Proxmox;
            o.AddPool("tank");
        });
        await using var engine = await StartAsync(dc, concurrency: 50);
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("golden"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(512)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(1)) });
        var golden = await dc.Backend.Get<IHypervisor>().CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        await dc.Backend.Get<ITemplates>().ConvertToTemplateAsync(golden.Id, cancellationToken: Token).WaitForCompletionAsync(Token);

        var handles = await engine.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, 50).Select(i => new CloneArgs(golden.Id.ToString(), $"clone-{i}", asksForLanes))], cancellationToken: Token);
        var ended = await _clock.UntilAsync(Task.WhenAll(handles.Select(handle => handle.WaitAsync(Token))));
        // Without the lanes they are in each other's way: who asks for none waits in the handler for a second one. Who asks is alone with the template, and each is tried once.
        Assert.Equal(asksForLanes, engine.Service<CloneMachine>().MostAtOnce == 1);
        if (!asksForLanes)
        {
            // And the backend refuses them: the lock is there, and what keeps the others from it is the lane.
            Assert.True(engine.Service<CloneMachine>().Refused > 0);
            Assert.Contains(ended, job => job.State == JobState.Failed);
            return;
        }

        Assert.Equal(0, engine.Service<CloneMachine>().Refused);
        Assert.All(ended, job => Assert.True(job.State == JobState.Completed, job.Error));
        Assert.Equal(51, await dc.Backend.Get<IHypervisor>().List().CountAsync(Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task The_lanes_of_the_backend_are_held_beside_those_of_the_job_by_schedules_too()
    {
        await using var dc = new SimulatedDatacenter(o => o.Personality = SimulationPersonality.Proxmox);
        await using var engine = await StartAsync(dc, concurrency: 1);
        var blocker = new JobOptions { Lanes = [Exclusive($"{dc.Backend.Name}/instance:100"), Exclusive("mine")] };
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        engine.Handler.Before = (_, _, _) =>
        {
            begun.TrySetResult();
            return release.Task;
        };
        await engine.Jobs.EnqueueAsync(new BuildArgs("holder"), blocker, Token);
        await begun.Task.WaitAsync(Token);
        var clone = await engine.Jobs.EnqueueAsync(new CloneArgs("100", "web1", true), new JobOptions { Lanes = [Exclusive("other")] }, Token);
        Assert.Equal($"{dc.Backend.Name}/instance:100", (await engine.Jobs.GetPendingReasonAsync(clone.Id, Token))!.Lane.ToString());
        await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "clone", Cron = "* * * * *" }, new CloneArgs("100", "web2", true), Token);
        while (await engine.Jobs.ListAsync(cancellationToken: Token).CountAsync(Token) < 3)
            await _clock.TickAsync(stepSeconds: 2);
        var fired = (await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token))[0];
        Assert.Equal($"{dc.Backend.Name}/instance:100", (await engine.Jobs.GetPendingReasonAsync(fired.Id, Token))!.Lane.ToString());
        release.SetResult();
    }

    private static LaneClaim Exclusive(string key) => new() { Key = LaneKey.Parse(key), Mode = LaneMode.Exclusive };

    private Task<Engine> StartAsync(SimulatedDatacenter dc, int concurrency) => Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.Concurrency = concurrency, configureJobs: jobs =>
    {
        jobs.Services.AddSingleton(dc);
        jobs.AddHandler<CloneMachine, CloneArgs, string>("clone", JobsJson.Default.CloneArgs, JobsJson.Default.String, options => options.MaxAttempts = 1);
    });

    private sealed class CloneMachine(SimulatedDatacenter dc) : IJobHandler<CloneArgs, string>, IJobWork<CloneArgs>
    {
        private readonly Lock _gate = new();
        private readonly TaskCompletionSource _second = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _askedTwice = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _running;
        private int _asked;
        private int _refused;

        public int MostAtOnce { get; private set; }

        /// <summary>How often the backend said that it is locked.</summary>
        public int Refused => Volatile.Read(ref _refused);

        public IEnumerable<BackendWork> GetWork(CloneArgs args) =>
            args.AsksForLanes ? [new BackendWork(dc.Backend, new LaneQuery { Action = "clone", Source = InstanceId.Parse(args.Source) })] : [];

        public async Task<string> RunAsync(JobContext job, CloneArgs args, CancellationToken cancellationToken)
        {
            lock (_gate)
            {
                MostAtOnce = Math.Max(MostAtOnce, ++_running);
                if (_running == 2)
                    _second.TrySetResult();
            }

            try
            {
                if (!args.AsksForLanes)
                    await _second.Task.WaitAsync(cancellationToken);
                return await job.StepAsync("clone", JobsJson.Default.String, async options => (await BeginAsync(args, options).WaitForCompletionAsync(CancellationToken.None)).Id.ToString(),
                    dc.Backend.Get<IRequestLog>(), found => found.Instance!.Value.ToString());
            }
            finally
            {
                lock (_gate)
                    _running--;
            }
        }

        // The time of the data centre stands still until somebody waits for an end: without lanes the first clone is under way when the second is asked for.
        private async Task<Operation<Instance>> BeginAsync(CloneArgs args, RequestOptions options)
        {
            try
            {
                return await dc.Backend.Get<ICloning>().CloneAsync(InstanceId.Parse(args.Source), new CloneSpec { Name = InstanceName.Parse(args.Name) }, options, CancellationToken.None);
            }
            catch (HypervisorException exception) when (exception.Code == ErrorCode.Locked)
            {
                Interlocked.Increment(ref _refused);
                throw;
            }
            finally
            {
                if (Interlocked.Increment(ref _asked) == 2)
                    _askedTwice.TrySetResult();
                if (!args.AsksForLanes)
                    await _askedTwice.Task;
            }
        }
    }
}
