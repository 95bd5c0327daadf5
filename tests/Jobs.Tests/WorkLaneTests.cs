using Hypervisor.Sdk.Simulation;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>The engine asks the backend what it would lock, and waits instead of failing.</summary>
public sealed class WorkLaneTests : IDisposable
{
    private const int Places = 8;

    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 240_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fifty_clones_of_one_template_are_made_beside_each_other_and_none_meets_the_locks_that_the_engine_asked_for(bool asksForLanes)
    {
        await using var dc = Datacenter();
        var golden = await MakeTemplateAsync(dc);
        await using var engine = await StartAsync(dc, concurrency: 51);

        // As many as the node makes at once are under way before the first is waited for: only that moves the time of the data centre on. Without lanes there is one more, which the node refuses.
        engine.Service<CloneMachine>().Together = asksForLanes ? Places : Places + 1;
        var jobs = Enumerable.Range(0, 50).Select(i => new CloneArgs(golden.ToString(), $"clone-{i}", asksForLanes)).ToList();
        if (asksForLanes)
            jobs.Insert(25, new CloneArgs(golden.ToString(), CloneMachine.Describe, true));
        var handles = await engine.Jobs.EnqueueAllAsync(jobs, cancellationToken: Token);
        var ended = await _clock.UntilAsync(Task.WhenAll(handles.Select(handle => handle.WaitAsync(Token))));
        if (!asksForLanes)
        {
            Assert.True(engine.Service<CloneMachine>().Refused > 0);
            Assert.Contains(ended, job => job.State == JobState.Failed);
            return;
        }

        Assert.Equal(0, engine.Service<CloneMachine>().Refused);
        Assert.All(ended, job => Assert.True(job.State == JobState.Completed, job.Error));
        Assert.Equal(51, await dc.Backend.Get<IHypervisor>().List().CountAsync(Token));
        Assert.Equal("described", (await dc.Backend.Get<IHypervisor>().GetAsync(golden, Token)).Description);
        Assert.Equal(Places, MostClonesAtOnce(dc.Trace));
    }

    [Theory(Timeout = 120_000)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_change_of_a_template_waits_until_its_clones_are_there(bool asksForLanes)
    {
        await using var dc = Datacenter();
        var golden = await MakeTemplateAsync(dc);
        await using var engine = await StartAsync(dc, concurrency: 3);
        engine.Service<CloneMachine>().Together = asksForLanes ? 2 : 3;
        var handles = await engine.Jobs.EnqueueAllAsync([.. new[] { "one", "two", CloneMachine.Describe }.Select(name => new CloneArgs(golden.ToString(), name, asksForLanes))], cancellationToken: Token);
        var ended = await _clock.UntilAsync(Task.WhenAll(handles.Select(handle => handle.WaitAsync(Token))));

        // Without lanes it is refused.
        Assert.Equal(asksForLanes, engine.Service<CloneMachine>().Refused == 0);
        Assert.Equal(asksForLanes, ended.All(job => job.State == JobState.Completed));
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

    private static SimulatedDatacenter Datacenter() => new(o =>
    {
        o.Personality = SimulationPersonality.Proxmox;
        o.AddNode("pve1", node => node.MaxCreationsAtOnce = Places).AddPool("tank");
    });

    private static async Task<InstanceId> MakeTemplateAsync(SimulatedDatacenter dc)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("golden"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(512)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(1)) });
        var golden = await dc.Backend.Get<IHypervisor>().CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        await dc.Backend.Get<ITemplates>().ConvertToTemplateAsync(golden.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        return golden.Id;
    }

    /// <summary>By the clock of the data centre.</summary>
    private static int MostClonesAtOnce(SimulationTrace trace)
    {
        int most = 0;
        int running = 0;
        foreach (var line in trace.Lines.Where(line => line.Details.StartsWith("clone ", StringComparison.Ordinal)))
            most = Math.Max(most, running += line.Kind switch { "begin" => 1, "end" => -1, _ => 0 });
        return most;
    }

    private sealed class CloneMachine(SimulatedDatacenter dc) : IJobHandler<CloneArgs, string>, IJobWork<CloneArgs>
    {
        /// <summary>The name of a job that changes the source instead.</summary>
        public const string Describe = "describe";

        private readonly TaskCompletionSource _twoAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _together = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _asked;
        private int _refused;

        /// <summary>So many are asked for before the first is waited for.</summary>
        public int Together { get; set; }

        /// <summary>How often the backend said that it is locked.</summary>
        public int Refused => Volatile.Read(ref _refused);

        public IEnumerable<BackendWork> GetWork(CloneArgs args)
        {
            var source = InstanceId.Parse(args.Source);
            if (args.AsksForLanes)
                yield return new BackendWork(dc.Backend, args.Name == Describe ? new LaneQuery { Action = "change", Instance = source } : new LaneQuery { Action = "clone", Source = source });
        }

        public Task<string> RunAsync(JobContext job, CloneArgs args, CancellationToken cancellationToken) => job.StepAsync("work", JobsJson.Default.String, async options =>
        {
            try
            {
                return (await (await BeginAsync(args, options)).WaitAsync(CancellationToken.None)).Id.ToString();
            }
            catch (HypervisorException exception) when (exception.Code == ErrorCode.Locked)
            {
                Interlocked.Increment(ref _refused);
                throw;
            }
        }, dc.Backend.Get<IRequestLog>(), found => found.Instance!.Value.ToString());

        private async Task<Operation<Instance>> BeginAsync(CloneArgs args, RequestOptions options)
        {
            var source = InstanceId.Parse(args.Source);
            try
            {
                // A change takes no time: it is to meet clones that are under way.
                if (args.Name == Describe)
                    await _twoAsked.Task;
                return args.Name == Describe
                    ? await dc.Backend.Get<IHypervisor>().ApplyAsync(await dc.Backend.Get<IHypervisor>().PlanAsync(source, new InstanceChange { Description = "described" }, CancellationToken.None), null, options, CancellationToken.None)
                    : await dc.Backend.Get<ICloning>().CloneAsync(source, new CloneSpec { Name = InstanceName.Parse(args.Name) }, options, CancellationToken.None);
            }
            finally
            {
                int asked = Interlocked.Increment(ref _asked);
                if (asked >= 2)
                    _twoAsked.TrySetResult();
                if (asked >= Together)
                    _together.TrySetResult();
                await _together.Task;
            }
        }
    }
}
