using Hypervisor.Sdk.Simulation;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>A program that makes machines in the simulated data centre, whose replies are lost, is stopped at each of its writes in turn.</summary>
public sealed class SimulatedProgramTests : IDisposable
{
    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 300_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_whichever_write_it_stops_each_machine_is_made_once_and_none_is_forgotten(bool isAfter)
    {
        int point = 0;
        int lost = 0;
        for (bool isReached = true; isReached;)
        {
            point++;
            await using var dc = new SimulatedDatacenter(o => o.Seed = (ulong)point);
            dc.Faults.LoseReplies().On("create", "start").WithChance(0.4);
            dc.Faults.LoseRequests().On("create").WithChance(0.1);
            var clock = new ManualTimeProvider();
            string path = _directory[$"{isAfter}{point}.db"];
            CrashingStore? dying = null;
            await using (var first = await StartAsync(dc, clock, path, inner => dying = new CrashingStore(inner, new CrashPoint(CrashPoint.Any, point, isAfter))))
            {
                Task all = Task.CompletedTask;
                try
                {
                    var handles = await first.Jobs.EnqueueAllAsync([new MachineArgs("vm0"), new MachineArgs("vm1")], new JobOptions { Lanes = [Lane()] }, Token);
                    all = Task.WhenAll(handles.Select(handle => handle.WaitAsync(Token)));
                }
                catch (HypervisorException) when (dying!.Crashed.IsCompleted)
                {
                }

                await AdvanceAsync(clock, Task.WhenAny(all, dying!.Crashed));
                isReached = dying.Crashed.IsCompleted;
            }

            clock.Advance(TimeSpan.FromMinutes(5));
            await using var second = await StartAsync(dc, clock, path);
            var jobs = await second.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
            Assert.True(jobs.Count == (point == 1 && !isAfter ? 0 : 2), $"{jobs.Count} jobs are there after a stop at {point}.");
            foreach (var job in jobs)
            {
                var end = second.Jobs.WaitAsync(job.Id, Token);
                await AdvanceAsync(clock, end);
                Assert.True((await end).State == JobState.Completed, $"{(await end).State} after a stop at {point}: {(await end).Error}");
            }

            var instances = await dc.Backend.Get<IHypervisor>().List().ToListAsync(Token);
            Assert.Equal(jobs.Count == 0 ? [] : ["vm0", "vm1"], instances.Select(instance => instance.Name.ToString()).Order(StringComparer.Ordinal));
            Assert.All(instances, instance => Assert.Equal(PowerState.Running, instance.State));
            lost += dc.Trace.Lines.Count(line => line.Kind == "fault");
        }

        // A batch; for each of two machines a claim, two steps with intent and result, an end.
        Assert.True(point >= 12, $"Only {point} crash points were found.");
        Assert.True(lost > 0, "No reply was lost.");
    }

    private static LaneClaim Lane() => new() { Key = LaneKey.Parse("node:node1"), Mode = LaneMode.Shared, Capacity = 4 };

    private static Task<Engine> StartAsync(SimulatedDatacenter dc, ManualTimeProvider clock, string path, Func<Jobs.Stores.IJobStore, Jobs.Stores.IJobStore>? wrap = null) =>
        Engine.StartAsync(path, new World(), clock, wrap, configureJobs: jobs =>
        {
            jobs.Services.AddSingleton(dc);
            jobs.AddHandler<MakeMachine, MachineArgs, string>("machine", JobsJson.Default.MachineArgs, JobsJson.Default.String, options => options.MaxAttempts = 100);
        });

    // Moves the clock while the engine has parked itself on its timers.
    private static async Task AdvanceAsync(ManualTimeProvider clock, Task happened)
    {
        while (!happened.IsCompleted)
        {
            if (clock.ActiveTimers >= 2)
                clock.Advance(TimeSpan.FromMilliseconds(250));
            await Task.Yield();
            Token.ThrowIfCancellationRequested();
        }

        await happened;
    }
}
