using Hypervisor.Sdk.Simulation;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Snapshots by the clock, of a machine of the simulated data centre.</summary>
public sealed class SnapshotScheduleTests : IDisposable
{
    private const int Kept = 2;

    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    [Feature("SNP-10")]
    public async Task A_machine_has_a_snapshot_of_each_day_and_the_oldest_go()
    {
        await using var dc = new SimulatedDatacenter(o => o.Seed = 1);
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("db1"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(512)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(1)) });
        var machine = await dc.Backend.Get<IHypervisor>().CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
        await using var engine = await Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.PollInterval = TimeSpan.FromMinutes(1), configureJobs: jobs =>
        {
            jobs.Services.AddSingleton(dc).AddSingleton<TimeProvider>(_clock);
            jobs.AddHandler<TakeSnapshot, SnapshotArgs, string>("snapshot", JobsJson.Default.SnapshotArgs, JobsJson.Default.String);
        });
        await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "snapshots of db1", Cron = "@daily" }, new SnapshotArgs(machine.Id.ToString(), Kept), Token);
        var first = DateOnly.FromDateTime(_clock.GetUtcNow().UtcDateTime).AddDays(1);
        List<JobInfo> jobs;
        while ((jobs = await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token)).Count(job => job.HasEnded) < 3)
        {
            // The worker's loop, and the question for what others did.
            if (jobs.All(job => job.HasEnded) && _clock.ActiveTimers >= 2)
                _clock.Advance(TimeSpan.FromHours(1));
            await Task.Yield();
        }

        Assert.All(jobs, job => Assert.True(job.State == JobState.Completed, job.Error));
        Assert.Equal([Name(first.AddDays(1)), Name(first.AddDays(2))],
            (await dc.Backend.Get<ISnapshots>().ListAsync(machine.Id, Token).ToListAsync(Token)).Select(snapshot => snapshot.Name).Order(StringComparer.Ordinal));
    }

    private static string Name(DateOnly day) => $"daily-{day:yyyyMMdd}";

    /// <summary>Takes the snapshot of the day, and deletes those that are too many.</summary>
    private sealed class TakeSnapshot(SimulatedDatacenter dc, TimeProvider time) : IJobHandler<SnapshotArgs, string>
    {
        public async Task<string> RunAsync(JobContext job, SnapshotArgs args, CancellationToken cancellationToken)
        {
            var (snapshots, log, id) = (dc.Backend.Get<ISnapshots>(), dc.Backend.Get<IRequestLog>(), InstanceId.Parse(args.Machine));
            var name = SnapshotName.Parse(Name(DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime)));
            await job.StepAsync("take", JobsJson.Default.String, async options =>
            {
                await snapshots.CreateAsync(id, new SnapshotSpec { Name = name }, options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None);
                return "taken";
            }, log, _ => "taken");
            foreach (var old in (await snapshots.ListAsync(id, CancellationToken.None).ToListAsync(CancellationToken.None)).OrderByDescending(snapshot => snapshot.Name, StringComparer.Ordinal).Skip(args.Kept))
            {
                await job.StepAsync($"delete {old.Name}", JobsJson.Default.String, async options =>
                {
                    await snapshots.DeleteAsync(id, SnapshotName.Parse(old.Name), request: options, cancellationToken: CancellationToken.None).WaitForCompletionAsync(CancellationToken.None);
                    return "deleted";
                }, log, _ => "deleted");
            }

            return name.ToString();
        }
    }
}
