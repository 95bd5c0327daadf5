using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Real processes with a worker, killed for real in the middle of their work; the world is a directory, a thing is a file named by its job and the request that made it.</summary>
public sealed class KillTests : IDisposable
{
    private const string StoreVariable = "HVSDK_TEST_JOBS";
    private const string WorldVariable = "HVSDK_TEST_WORLD";
    private const string EffectPrefix = "effect ";

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Store => _directory["jobs.db"];

    private string Outside => _directory["world"];

    public void Dispose() => _directory.Dispose();

    /// <summary>What the victims do: this program, started with this test alone.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_killed()
    {
        string store = Environment.GetEnvironmentVariable(StoreVariable) ?? throw new InvalidOperationException($"{StoreVariable} is not set.");
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var synchronized = TextWriter.Synchronized(output);
        await using var engine = await StartAsync(store, new Maker(Environment.GetEnvironmentVariable(WorldVariable)!, name => synchronized.WriteLine(EffectPrefix + name)));
        await Task.Delay(Timeout.Infinite, Token);
    }

    [Fact(Timeout = 120_000)]
    [Feature("JOB-06")]
    public Task Three_processes_that_are_killed_at_work_lose_no_job_and_make_nothing_twice() => KillAsync(kills: 3);

    [Fact(Timeout = 900_000)]
    [Speed(SpeedAttribute.Full)]
    public Task Fifty_processes_that_are_killed_at_work_lose_no_job_and_make_nothing_twice() => KillAsync(kills: 50);

    private async Task KillAsync(int kills)
    {
        const int JobsPerKill = 12;
        Directory.CreateDirectory(Outside);
        var random = new Random(20261121);
        var ids = new List<JobId>();
        for (int kill = 0; kill < kills; kill++)
        {
            await using (var page = await StartAsync(Store, new Maker(Outside, _ => { }), concurrency: 0))
            {
                var names = Enumerable.Range(0, JobsPerKill).Select(i => new KillArgs($"k{kill}j{i}")).ToList();
                ids.AddRange((await page.Jobs.EnqueueAllAsync(names, cancellationToken: Token)).Select(handle => handle.Id));
            }

            int effects = random.Next(1, JobsPerKill);
            using var victim = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(KillTests).FullName}.{nameof(Work_until_killed)}"])
            {
                RedirectStandardOutput = true,
                Environment = { [StoreVariable] = Store, [WorldVariable] = Outside },
            })!;
            int seen = 0;
            while (seen < effects && await victim.StandardOutput.ReadLineAsync(Token) is { } line)
                seen += line.StartsWith(EffectPrefix, StringComparison.Ordinal) ? 1 : 0;
            victim.Kill();
            await victim.WaitForExitAsync(Token);
            Assert.Equal((effects, 128 + 9), (seen, victim.ExitCode));
        }

        await using var last = await StartAsync(Store, new Maker(Outside, _ => { }));
        foreach (var id in ids)
        {
            var ended = await last.Jobs.WaitAsync(id, Token);
            Assert.True(ended.State == JobState.Completed, $"{ended.State}: {ended.Error}");
        }

        var made = Directory.EnumerateFiles(Outside).Select(path => Path.GetFileName(path).Split('.')[0]).ToList();
        Assert.Equal(made.Distinct().Count(), made.Count);
        Assert.Equal(2 * ids.Count, made.Count);
    }

    private static Task<Engine> StartAsync(string path, Maker maker, int concurrency = 4) => Engine.StartAsync(path, new World(), TimeProvider.System, configure: options =>
    {
        options.Lease = TimeSpan.FromSeconds(5);
        options.Concurrency = concurrency;
    }, configureJobs: jobs =>
    {
        jobs.Services.AddSingleton(maker);
        jobs.AddHandler<Maker, KillArgs, string>("kill", JobsJson.Default.KillArgs, JobsJson.Default.String, options =>
        {
            // Here the workers die of something else than their jobs.
            options.MaxLostWorkers = 1000;
            options.MaxAttempts = 1000;
        });
    });

    private sealed class Maker(string world, Action<string> tell) : IJobHandler<KillArgs, string>
    {
        public async Task<string> RunAsync(JobContext job, KillArgs args, CancellationToken cancellationToken)
        {
            await MakeAsync(job, args.Name + "-disk");
            return await MakeAsync(job, args.Name + "-machine");
        }

        private Task<string> MakeAsync(JobContext job, string name) => job.StepAsync(name, JobsJson.Default.String, options =>
        {
            tell(name);
            Make(PathOf(name, options.RequestId!.Value));
            tell(name);
            return Task.FromResult(name);
        }, request => Task.FromResult(File.Exists(PathOf(name, request)) ? StepLookup<string>.Done(name) : StepLookup<string>.NotHappened));

        // A second time under one id is a thing of its own, and seen.
        private static void Make(string path)
        {
            try
            {
                new FileStream(path, FileMode.CreateNew).Dispose();
            }
            catch (IOException) when (File.Exists(path))
            {
                new FileStream($"{path}.again-{Guid.NewGuid():N}", FileMode.CreateNew).Dispose();
            }
        }

        private string PathOf(string name, RequestId request) => Path.Combine(world, $"{name}.{request}");
    }
}
