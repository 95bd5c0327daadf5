using Hypervisor.Sdk.Simulation;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Snapshots by the clock, of a machine of the simulated data centre.</summary>
public sealed class SnapshotScheduleTests : IDisposable
{
    private const string Lab = "lab";

    private readonly TempDirectory _directory = new();
    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Fact(Timeout = 120_000)]
    [Feature("SNP-10")]
    public async Task A_machine_has_a_snapshot_of_each_day_and_the_oldest_go()
    {
        await using var engine = await StartAsync();
        var backend = await engine.Service<IBackendRegistry>().GetAsync(BackendName.Parse(Lab), Token);
        var snapshots = backend.Get<ISnapshots>();
        var machine = await MakeAsync(backend);
        // What somebody took by hand, and what looks nearly like one of these, is nobody's to delete.
        string[] others = ["before-the-upgrade", "daily-by-hand", "daily-20250101-00000"];
        foreach (string other in others)
            await snapshots.CreateAsync(machine.Id, new SnapshotSpec { Name = SnapshotName.Parse(other) }, cancellationToken: Token).WaitForCompletionAsync(Token);
        await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "snapshots of db1", Cron = "@daily" }, new ScheduledSnapshot { Backend = BackendName.Parse(Lab), Instance = machine.Id, Keep = 2, Prefix = "daily" }, Token);
        List<string> taken = [];
        for (int day = 1; day <= 4; day++)
        {
            int wanted = day;
            await _clock.AtAsync(Assert.Single(await engine.Jobs.ListSchedulesAsync(Token)).NextAt!.Value,
                async () => await engine.Jobs.ListAsync(cancellationToken: Token).CountAsync(job => job.HasEnded, Token) == wanted);
            var job = await engine.Jobs.ListAsync(cancellationToken: Token).FirstAsync(Token);
            Assert.True(job.State == JobState.Completed, job.Error);
            taken.Add(await engine.Jobs.WaitAsync<string>(job.Id, Token));
            Assert.StartsWith($"daily-{_clock.GetUtcNow():yyyyMMdd}-", taken[^1], StringComparison.Ordinal);
            Assert.Equal(others.Concat(taken.TakeLast(2)).Order(StringComparer.Ordinal), (await snapshots.ListAsync(machine.Id, Token).ToListAsync(Token)).Select(snapshot => snapshot.Name).Order(StringComparer.Ordinal));
            Assert.Equal(day > 2 ? $"{taken[^1]} taken, {taken[^3]} deleted" : $"{taken[^1]} taken", job.Progress);
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_snapshot_whose_end_was_not_written_down_is_not_taken_again()
    {
        CrashingStore? store = null;
        JobId id;
        await using var dc = new SimulatedDatacenter(options => (options.Seed, options.Name) = (1, Lab));
        var machine = await MakeAsync(dc.Backend);
        // The process ends between the snapshot and the note that it was taken.
        await using (var dying = await StartAsync(dc, jobs => jobs.UseStore(_ => store = new CrashingStore(Hypervisor.Sdk.Jobs.Sqlite.SqliteJobStore.Open(_directory["jobs.db"]), new CrashPoint("EndStep", 2, false)))))
        {
            id = (await dying.Jobs.EnqueueAsync(new ScheduledSnapshot { Backend = BackendName.Parse(Lab), Instance = machine.Id }, cancellationToken: Token)).Id;
            await store!.Crashed.WaitAsync(Token);
        }

        await using var engine = await StartAsync(dc, jobs => jobs.UseSqlite(_directory["jobs.db"]));
        _clock.Advance(TimeSpan.FromMinutes(1));
        await _clock.AtAsync(_clock.GetUtcNow(), async () => (await engine.Jobs.GetAsync(id, Token))!.HasEnded);
        Assert.Equal(2, (await engine.Jobs.ListAttemptsAsync(id, Token)).Count);
        string name = await engine.Jobs.WaitAsync<string>(id, Token);
        Assert.Equal(name, Assert.Single(await dc.Backend.Get<ISnapshots>().ListAsync(machine.Id, Token).ToListAsync(Token)).Name);
    }

    [Theory]
    [InlineData(0, "daily", "Keep is 0")]
    [InlineData(1001, "daily", "Keep is 1001")]
    [InlineData(1, "", "Prefix is ''")]
    [InlineData(1, "Daily", "Prefix is 'Daily'")]
    [InlineData(1, "1st", "Prefix is '1st'")]
    [InlineData(1, "a/b", "Prefix is 'a/b'")]
    public void What_makes_no_sense_is_refused_by_its_name_and_value(int keep, string prefix, string said)
    {
        var refusal = Assert.ThrowsAny<ArgumentException>(() => new ScheduledSnapshot { Backend = BackendName.Parse(Lab), Instance = InstanceId.Parse("100"), Keep = keep, Prefix = prefix });
        Assert.StartsWith(said, refusal.Message, StringComparison.Ordinal);
    }

    private static async Task<Instance> MakeAsync(IBackend backend)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("db1"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(512)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromGiB(1)) });
        return await backend.Get<IHypervisor>().CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token);
    }

    private Task<Engine> StartAsync() => Engine.StartAsync(_directory["jobs.db"], new World(), _clock, configure: options => options.PollInterval = TimeSpan.FromMinutes(1), configureJobs: jobs =>
    {
        jobs.Services.AddSimulation(options => (options.Seed, options.Name) = (1, Lab));
        jobs.AddScheduledSnapshots();
    });

    private Task<Engine> StartAsync(SimulatedDatacenter dc, Action<JobsBuilder> useStore) => Engine.StartAsync("", new World(), _clock, configureJobs: jobs =>
    {
        // The data centre outlives the process.
        jobs.Services.AddHypervisorSdk().AddBackend(BackendName.Parse(Lab), "simulated", (_, _) => Task.FromResult(dc.Connect()));
        jobs.AddScheduledSnapshots();
    }, useStore: useStore);
}
