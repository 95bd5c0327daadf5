using Hypervisor.Sdk.Jobs.Tests.Simulated;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>A program that makes machines in a simulated data centre, which loses replies, refuses locks and has nodes that crash, is stopped at each of its writes in turn.</summary>
public sealed class SimulatedProgramTests : IDisposable
{
    private static readonly string[] s_names = ["kept-vm0", "kept-vm1"];

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 300_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_whichever_write_it_stops_each_machine_is_made_once_and_none_is_forgotten(bool isAfter)
    {
        int point = 0;
        var (faults, locked, brokenOff) = (0, 0, 0);
        for (bool isReached = true; isReached;)
        {
            point++;
            await using var site = await NearSite.MakeAsync(point);
            site.CrashAtEffect(1 + (point % 4));
            if (point % 3 == 0)
                site.LockTemplate();
            var clock = new ManualTimeProvider();
            string path = _directory[$"{isAfter}{point}.db"];
            CrashingStore? dying = null;
            await using (var first = await StartAsync(site, clock, path, inner => dying = new CrashingStore(inner, new CrashPoint(CrashPoint.Any, point, isAfter))))
            {
                Task all = Task.CompletedTask;
                try
                {
                    var handles = await first.Jobs.EnqueueAllAsync([new MachineArgs(s_names[0]), new MachineArgs(s_names[1])], cancellationToken: Token);
                    all = Task.WhenAll(handles.Select(handle => handle.WaitAsync(Token)));
                }
                catch (HypervisorException) when (dying!.Crashed.IsCompleted)
                {
                }

                await AdvanceAsync(clock, Task.WhenAny(all, dying!.Crashed));
                isReached = dying.Crashed.IsCompleted;
            }

            clock.Advance(TimeSpan.FromMinutes(5));
            await using var second = await StartAsync(site, clock, path);
            var jobs = await second.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
            Assert.True(jobs.Count == (point == 1 && !isAfter ? 0 : 2), $"{jobs.Count} jobs are there after a stop at {point}.");
            foreach (var job in jobs)
            {
                var end = second.Jobs.WaitAsync(job.Id, Token);
                await AdvanceAsync(clock, end);
                Assert.True((await end).State == JobState.Completed, $"{(await end).State} after a stop at {point}: {(await end).Error}");
            }

            await site.AssertNothingElseAsync(jobs.Count == 0 ? [] : s_names);
            (faults, locked, brokenOff) = (faults + site.Faults, locked + site.Locked, brokenOff + site.BrokenOff);
        }

        // A batch; for each of two machines a claim, two steps with intent and result, an end.
        Assert.True(point >= 12, $"Only {point} crash points were found.");
        TestContext.Current.TestOutputHelper!.WriteLine($"{point} points, {faults} faults, {locked} locks, {brokenOff} pieces of work that a crash broke off.");
        Assert.True(faults > 0 && locked > 0 && brokenOff > 0, $"{faults} faults, {locked} locks, {brokenOff} pieces of work that a crash broke off.");
    }

    private static Task<Engine> StartAsync(NearSite site, ManualTimeProvider clock, string path, Func<Jobs.Stores.IJobStore, Jobs.Stores.IJobStore>? wrap = null) =>
        Engine.StartAsync(path, new World(), clock, wrap, configureJobs: jobs =>
        {
            jobs.Services.AddSingleton<ISite>(site);
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
