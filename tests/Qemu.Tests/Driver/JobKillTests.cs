using System.Runtime.Versioning;
using Hypervisor.Sdk.Testing.Jobs;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Real processes that make machines in real QEMUs as jobs over SQLite, and are killed for real: each job is done by those that come after, once.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class JobKillTests
{
    private const string StateVariable = "HVSDK_TEST_STATE";
    private const string RuntimeVariable = "HVSDK_TEST_RUNTIME";

    /// <summary>More than the three makers need for their first jobs, so that kills fall into all of the work.</summary>
    private const int LastEffect = 200;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the victims do: this program, started with this test alone.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_killed()
    {
        string state = Environment.GetEnvironmentVariable(StateVariable) ?? throw new InvalidOperationException($"{StateVariable} is not set.");
        var options = new QemuOptions { StateDirectory = state, RuntimeDirectory = Environment.GetEnvironmentVariable(RuntimeVariable)!, Accelerator = QemuAccelerator.Tcg };
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var told = TextWriter.Synchronized(output);
        await using var backend = await QemuBackend.ConnectAsync(options, new TellingSeam(told), Token);
        await MachineVictims.WorkAsync(SiteOf(backend), told);
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("JOB-06")]
    public Task Four_processes_that_are_killed_at_work_lose_no_job_and_make_no_machine_twice() => KillAsync(kills: 4);

    [Fact(Timeout = 900_000)]
    [Speed(SpeedAttribute.Full)]
    public Task Twenty_processes_that_are_killed_at_work_lose_no_job_and_make_no_machine_twice() => KillAsync(kills: 20);

    private static async Task KillAsync(int kills)
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var host = first.Services.Host;
        // A neighbour would look at what the victims leave, and this is about who comes after them.
        await lab.AbandonAsync(first);
        var made = await MachineVictims.KillAsync($"{typeof(JobKillTests).FullName}.{nameof(Work_until_killed)}", lab["jobs.db"], kills, LastEffect, new Dictionary<string, string> { [StateVariable] = lab.StateDirectory, [RuntimeVariable] = lab["run"] });
        MachineOutcome outcome;
        await using (var last = await QemuBackend.ConnectAsync(lab.Options(), null, Token, host))
            outcome = await MachineVictims.EndAllAsync(lab["jobs.db"], SiteOf(last), made);

        await using var next = await QemuBackend.ConnectAsync(lab.Options(), null, Token, host);
        await outcome.AssertThereAsync(next.Get<IHypervisor>());
        await CrashPoints.AssertNothingOrphanedAsync(lab, next);
        Assert.Equal(outcome.Ends.Count(end => end.Value == MachineJob.Running), CountQemus(lab));
    }

    private static MachineSite SiteOf(QemuBackend backend) => new(backend, backend.Get<IHypervisor>(), (name, request) => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec(name), request, CancellationToken.None));

    // Whoever's they are, and whether their machine is there or not: each has files of the lab's directory open.
    private static int CountQemus(QemuLab lab) => Directory.EnumerateDirectories("/proc").Count(process =>
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0')[0].Contains("qemu-system", StringComparison.Ordinal)
                && Directory.EnumerateFileSystemEntries(Path.Combine(process, "fd")).Any(file => new FileInfo(file).LinkTarget?.StartsWith(lab.StateDirectory, StringComparison.Ordinal) == true);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    });
}
