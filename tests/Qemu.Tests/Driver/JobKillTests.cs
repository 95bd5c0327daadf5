using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json.Serialization;
using Hypervisor.Sdk.Jobs;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Real processes that make machines in real QEMUs as jobs over SQLite, and are killed for real: each job is done by those that come after, once.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed partial class JobKillTests
{
    private const string StateVariable = "HVSDK_TEST_STATE";
    private const string RuntimeVariable = "HVSDK_TEST_RUNTIME";
    private const string StoreVariable = "HVSDK_TEST_JOBS";
    private const string VictimVariable = "HVSDK_TEST_VICTIM";
    private const string MadePrefix = "made ";
    private const string Running = "running";
    private const string Stopped = "stopped";
    private const string Deleted = "deleted";
    private const int Makers = 3;

    /// <summary>More than the three makers need for their first jobs, so that kills fall into all of the work.</summary>
    private const int LastEffect = 200;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>What the victims do: this program, started with this test alone. They make jobs, and do those that others left too.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_killed()
    {
        string state = Environment.GetEnvironmentVariable(StateVariable) ?? throw new InvalidOperationException($"{StateVariable} is not set.");
        string victim = Environment.GetEnvironmentVariable(VictimVariable)!;
        var options = new QemuOptions { StateDirectory = state, RuntimeDirectory = Environment.GetEnvironmentVariable(RuntimeVariable)!, Accelerator = QemuAccelerator.Tcg };
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var told = TextWriter.Synchronized(output);
        await using var backend = await QemuBackend.ConnectAsync(options, new TellingSeam(told), Token);
        await using var engine = await Engine.StartAsync(Environment.GetEnvironmentVariable(StoreVariable)!, backend);
        await Task.WhenAll(Enumerable.Range(0, Makers).Select(async maker =>
        {
            for (int number = 0; ; number++)
            {
                // A machine that runs, one that is stopped, and many that come and go.
                string end = (maker, number) switch { (0, 0) => Running, (1, 0) => Stopped, _ => Deleted };
                var job = await engine.Jobs.EnqueueAsync(new MachineJob($"v{victim}m{maker}n{number}", end), cancellationToken: Token);
                told.WriteLine(MadePrefix + job.Id);
                await job.WaitAsync(Token);
            }
        }));
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
        var random = new Random(20261122);
        var told = new List<JobId>();
        for (int kill = 0; kill < kills; kill++)
            told.AddRange(await KillOneAsync(lab, kill, random.Next(1, LastEffect)));

        var ends = new Dictionary<string, string>(StringComparer.Ordinal);
        int interrupted = 0;
        await using (var last = await QemuBackend.ConnectAsync(lab.Options(), null, Token, host))
        await using (var engine = await Engine.StartAsync(lab["jobs.db"], last))
        {
            var jobs = await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
            Assert.Empty(told.Except(jobs.Select(job => job.Id)));
            foreach (var job in jobs)
            {
                var made = await engine.Jobs.WaitAsync<MachineJob>(job.Id, Token);
                ends.Add(made.Name, made.End);
                interrupted += (await engine.Jobs.ListAttemptsAsync(job.Id, Token)).Count > 1 ? 1 : 0;
            }
        }

        await using var next = await QemuBackend.ConnectAsync(lab.Options(), null, Token, host);
        var instances = await next.Get<IHypervisor>().List().ToListAsync(Token);
        Assert.Equal(ends.Where(end => end.Value != Deleted).Select(end => $"{end.Key} {end.Value}").Order(StringComparer.Ordinal),
            instances.Select(instance => $"{instance.Name} {instance.State}").Order(StringComparer.Ordinal));
        await CrashPoints.AssertNothingOrphanedAsync(lab, next);
        Assert.Equal(ends.Count(end => end.Value == Running), CountQemus(lab));
        TestContext.Current.TestOutputHelper?.WriteLine($"{kills} kills: {ends.Count} jobs, {interrupted} of them in more than one attempt; {instances.Count} machines are there.");
        Assert.NotEqual(0, interrupted);
    }

    private static async Task<IReadOnlyList<JobId>> KillOneAsync(QemuLab lab, int kill, int effects)
    {
        using var victim = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(JobKillTests).FullName}.{nameof(Work_until_killed)}"])
        {
            RedirectStandardOutput = true,
            Environment = { [StateVariable] = lab.StateDirectory, [RuntimeVariable] = lab["run"], [StoreVariable] = lab["jobs.db"], [VictimVariable] = $"{kill}" },
        })!;
        var told = new List<JobId>();
        int seen = 0;
        var words = new StringBuilder();
        while (seen < effects && await victim.StandardOutput.ReadLineAsync(Token) is { } line)
        {
            seen += line.StartsWith(TellingSeam.Prefix, StringComparison.Ordinal) ? 1 : 0;
            if (line.StartsWith(MadePrefix, StringComparison.Ordinal))
                told.Add(JobId.Parse(line[MadePrefix.Length..]));
            words.AppendLine(line);
        }

        victim.Kill();
        await victim.WaitForExitAsync(Token);
        Assert.True(effects == seen, $"The victim ended by itself after {seen} of {effects} effects, with {victim.ExitCode}:\n{words}");
        Assert.Equal(128 + 9, victim.ExitCode);
        return told;
    }

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

    /// <summary>Makes a machine and brings it to where it is to end, each in a step that the backend remembers.</summary>
    private sealed class MachineHandler(QemuBackend backend) : IJobHandler<MachineJob, MachineJob>, IJobWork<MachineJob>
    {
        private static readonly StopOptions s_atOnce = new() { GracePeriod = TimeSpan.Zero };

        public IEnumerable<BackendWork> GetWork(MachineJob args) => [new BackendWork(backend, new LaneQuery { Action = "create" })];

        public async Task<MachineJob> RunAsync(JobContext job, MachineJob args, CancellationToken cancellationToken)
        {
            var hypervisor = backend.Get<IHypervisor>();
            var id = InstanceId.Parse(await StepAsync(job, "create",
                async options => (await hypervisor.CreateAsync(QemuLab.EmptySpec(args.Name), options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)).Id.ToString(),
                async () => (await hypervisor.List().FirstOrDefaultAsync(instance => instance.Name == args.Name, CancellationToken.None))?.Id.ToString()));
            await StepAsync(job, "start", options => DoAsync(hypervisor.StartAsync(id, options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)), () => LookAsync(PowerState.Running));
            if (args.End != Running)
                await StepAsync(job, "stop", options => DoAsync(hypervisor.StopAsync(id, s_atOnce, options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)), () => LookAsync(PowerState.Stopped));
            if (args.End == Deleted)
                await StepAsync(job, "delete", options => DoAsync(hypervisor.DeleteAsync(id, null, options, CancellationToken.None).WaitForCompletionAsync(CancellationToken.None)), async () => await hypervisor.FindAsync(id, CancellationToken.None) is null ? id.ToString() : null);
            return args;

            async Task<string> DoAsync(Task work)
            {
                await work;
                return id.ToString();
            }

            async Task<string?> LookAsync(PowerState state) => (await hypervisor.GetAsync(id, CancellationToken.None)).State == state ? id.ToString() : null;
        }

        // What the backend says that it broke off midway is looked at: it is there, or it is sent again.
        private Task<string> StepAsync(JobContext job, string name, Func<RequestOptions, Task<string>> effect, Func<Task<string?>> look) => job.StepAsync(name, JobKillJson.Default.String, effect, async request =>
        {
            var known = await backend.Get<IRequestLog>().LookUpAsync(request, CancellationToken.None);
            return known.State switch
            {
                RequestState.NeverSeen => StepLookup<string>.NotHappened,
                RequestState.Running => StepLookup<string>.Running,
                RequestState.Succeeded => StepLookup<string>.Done(known.Instance!.Value.ToString()),
                RequestState.Failed when known.Error!.Outcome is RequestOutcome.NotSent or RequestOutcome.Rejected => StepLookup<string>.Refused,
                RequestState.Failed => await look() is { } there ? StepLookup<string>.Done(there) : StepLookup<string>.Refused,
                _ => StepLookup<string>.Unknown,
            };
        });
    }

    /// <summary>One process's engine over the store.</summary>
    private sealed class Engine : IAsyncDisposable
    {
        private readonly ServiceProvider _services;

        private Engine(ServiceProvider services) => _services = services;

        public IJobs Jobs => _services.GetRequiredService<IJobs>();

        public static async Task<Engine> StartAsync(string path, QemuBackend backend)
        {
            var services = new ServiceCollection();
            services.AddLogging().AddSingleton(backend);
            services.AddJobs(options => options.Lease = TimeSpan.FromSeconds(5)).UseSqlite(path)
                .AddHandler<MachineHandler, MachineJob, MachineJob>("machine", JobKillJson.Default.MachineJob, JobKillJson.Default.MachineJob, options =>
                {
                    // Here the workers die of something else than their jobs.
                    (options.MaxLostWorkers, options.MaxAttempts, options.RetryLimit) = (1000, 1000, TimeSpan.FromSeconds(2));
                });
            var engine = new Engine(services.BuildServiceProvider());
            await engine._services.GetRequiredService<IHostedService>().StartAsync(Token);
            return engine;
        }

        public async ValueTask DisposeAsync()
        {
            await _services.GetRequiredService<IHostedService>().StopAsync(CancellationToken.None);
            await _services.DisposeAsync();
        }
    }

    private sealed record MachineJob(string Name, string End);

    [JsonSerializable(typeof(MachineJob))]
    [JsonSerializable(typeof(string))]
    private sealed partial class JobKillJson : JsonSerializerContext;
}
