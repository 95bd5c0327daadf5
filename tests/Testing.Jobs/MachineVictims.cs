using System.Diagnostics;
using System.Text;
using Hypervisor.Sdk.Jobs;
using Xunit;

namespace Hypervisor.Sdk.Testing.Jobs;

/// <summary>Real processes that make machines as jobs over SQLite, and are killed for real.</summary>
public static class MachineVictims
{
    /// <summary>What a line begins with by which a victim says that it does something to the outside.</summary>
    public const string EffectPrefix = "effect ";

    private const string StoreVariable = "HVSDK_TEST_JOBS";
    private const string VictimVariable = "HVSDK_TEST_VICTIM";
    private const string MadePrefix = "made ";
    private const int Makers = 3;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What a victim does: it makes jobs, and does those that others left too. Never ends by itself.</summary>
    /// <param name="site">Where.</param>
    /// <param name="told">Where it says what it does, a line each.</param>
    public static async Task WorkAsync(MachineSite site, TextWriter told)
    {
        string victim = Environment.GetEnvironmentVariable(VictimVariable)!;
        await using var engine = await MachineEngine.StartAsync(Environment.GetEnvironmentVariable(StoreVariable)!, site, null, Token);
        await Task.WhenAll(Enumerable.Range(0, Makers).Select(async maker =>
        {
            for (int number = 0; ; number++)
            {
                // A machine that runs, one that is stopped, and many that come and go.
                string end = (maker, number) switch { (0, 0) => MachineJob.Running, (1, 0) => MachineJob.Stopped, _ => MachineJob.Deleted };
                var job = await engine.Jobs.EnqueueAsync(new MachineJob($"v{victim}m{maker}n{number}", end), cancellationToken: Token);
                told.WriteLine(MadePrefix + job.Id);
                await job.WaitAsync(Token);
            }
        }));
    }

    /// <summary>Starts one victim after the other, each of which is killed after some effects.</summary>
    /// <param name="test">What a victim is: this program, started with this test alone.</param>
    /// <param name="store">The path of the store.</param>
    /// <param name="kills">How many.</param>
    /// <param name="lastEffect">More than the makers need for their first jobs, so that kills fall into all of the work.</param>
    /// <param name="environment">What they are told beside.</param>
    /// <returns>The jobs that they said they had made.</returns>
    public static async Task<IReadOnlyList<JobId>> KillAsync(string test, string store, int kills, int lastEffect, IReadOnlyDictionary<string, string> environment)
    {
        var random = new Random(20261122);
        var made = new List<JobId>();
        for (int kill = 0; kill < kills; kill++)
        {
            var start = new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", test]) { RedirectStandardOutput = true, Environment = { [StoreVariable] = store, [VictimVariable] = $"{kill}" } };
            foreach (var (name, value) in environment)
                start.Environment[name] = value;
            made.AddRange(await KillOneAsync(start, random.Next(1, lastEffect)));
        }

        return made;
    }

    /// <summary>Does what the victims left, and looks that no job was lost.</summary>
    public static async Task<MachineOutcome> EndAllAsync(string store, MachineSite site, IReadOnlyList<JobId> made)
    {
        var ends = new Dictionary<string, string>(StringComparer.Ordinal);
        int interrupted = 0;
        await using var engine = await MachineEngine.StartAsync(store, site, null, Token);
        var jobs = await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
        Assert.Empty(made.Except(jobs.Select(job => job.Id)));
        foreach (var job in jobs)
        {
            var result = await engine.Jobs.WaitAsync<MachineJob>(job.Id, Token);
            ends.Add(result.Name, result.End);
            interrupted += (await engine.Jobs.ListAttemptsAsync(job.Id, Token)).Count > 1 ? 1 : 0;
        }

        return new MachineOutcome(ends, interrupted);
    }

    private static async Task<IReadOnlyList<JobId>> KillOneAsync(ProcessStartInfo start, int effects)
    {
        using var victim = Process.Start(start)!;
        var made = new List<JobId>();
        int seen = 0;
        var words = new StringBuilder();
        while (seen < effects && await victim.StandardOutput.ReadLineAsync(Token) is { } line)
        {
            seen += line.StartsWith(EffectPrefix, StringComparison.Ordinal) ? 1 : 0;
            if (line.StartsWith(MadePrefix, StringComparison.Ordinal))
                made.Add(JobId.Parse(line[MadePrefix.Length..]));
            words.AppendLine(line);
        }

        victim.Kill();
        await victim.WaitForExitAsync(Token);
        Assert.True(effects == seen, $"The victim ended by itself after {seen} of {effects} effects, with {victim.ExitCode}:\n{words}");
        Assert.Equal(128 + 9, victim.ExitCode);
        return made;
    }
}
