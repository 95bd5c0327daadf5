using System.Diagnostics;
using System.Globalization;
using System.Text;
using Hypervisor.Sdk.Jobs.PostgreSql;
using Hypervisor.Sdk.Jobs.Stores;
using Hypervisor.Sdk.Jobs.Tests.Simulated;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>Two workers over one database, one of which stops: at each of its writes in turn, killed for real, and paused beyond its lease.</summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
public sealed class TwoWorkerTests(PostgreSqlServer server) : IDisposable
{
    private const string StoreVariable = "HVSDK_TEST_JOBS_POSTGRESQL";
    private const string WorldVariable = "HVSDK_TEST_WORLD";
    private const string EffectLine = "victim: in an effect";
    private const string Again = ".again-";
    private const string LostLine = "victim: lease lost";

    private static readonly string[] s_names = ["kept-vm0", "kept-vm1"];

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    [Theory(Timeout = 300_000)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_whichever_write_one_of_two_workers_stops_the_other_makes_each_machine_once_and_forgets_none(bool isAfter)
    {
        string connection = await server.CreateDatabaseAsync();
        int point = 0;
        int brokenOff = 0;
        for (bool isReached = true; isReached;)
        {
            point++;
            await using var site = await NearSite.MakeAsync(point);
            site.CrashAtEffect(1 + (point % 4));
            if (point % 3 == 0)
                site.LockTemplate();
            var clock = new ManualTimeProvider();
            var busy = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

            // The other is there all the time, renews its lease and looks after those of others; its only place is taken until the first has stopped.
            await using var other = await StartAsync(site, clock, jobs => jobs.UsePostgreSql(connection, notifications: false), concurrency: 1);
            other.Handler.Before = (_, _, _) =>
            {
                busy.TrySetResult();
                return release.Task;
            };
            await other.Jobs.EnqueueAsync(new BuildArgs("busy"), cancellationToken: Token);
            await clock.UntilAsync(DoneAsync(busy.Task));

            CrashingStore? dying = null;
            await using (var first = await StartAsync(site, clock,
                jobs => jobs.UseStore(_ => dying = new CrashingStore(new PostgreSqlJobStore(connection, false, clock), new CrashPoint(CrashPoint.Any, point, isAfter))), concurrency: 4))
            {
                var all = Task.CompletedTask;
                try
                {
                    var handles = await first.Jobs.EnqueueAllAsync([new MachineArgs(s_names[0]), new MachineArgs(s_names[1])], cancellationToken: Token);
                    all = Task.WhenAll(handles.Select(handle => handle.WaitAsync(Token)));
                }
                catch (HypervisorException) when (dying!.Crashed.IsCompleted)
                {
                }

                await clock.UntilAsync(DoneAsync(Task.WhenAny(all, dying!.Crashed)), parkedTimers: 4, stepSeconds: 0.25);
                isReached = dying.Crashed.IsCompleted;
            }

            release.SetResult();
            var jobs = await other.Jobs.ListAsync(new JobQuery { Type = "machine" }, Token).ToListAsync(Token);
            foreach (var job in jobs)
            {
                var ended = await clock.UntilAsync(other.Jobs.WaitAsync(job.Id, Token), stepSeconds: 0.25);
                Assert.True(ended.State == JobState.Completed, $"{ended.State} after a stop at {point}: {ended.Error}");
                Assert.True(await other.Jobs.DiscardAsync(job.Id, Token));
            }

            Assert.True(jobs.Count == (point == 1 && !isAfter ? 0 : 2), $"{jobs.Count} jobs are there after a stop at {point}.");
            await site.AssertNothingElseAsync(jobs.Count == 0 ? [] : s_names);
            brokenOff += site.BrokenOff;
        }

        // A batch; for both machines a claim, two steps each with intent and result, two ends.
        Assert.True(point >= 12, $"Only {point} crash points were found.");
        Assert.True(brokenOff > 0, "No crash of a node met work.");
    }

    /// <summary>What the victims do: this program, started with this test alone. In its fifth effect it waits for a word.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_stopped()
    {
        string connection = Environment.GetEnvironmentVariable(StoreVariable) ?? throw new InvalidOperationException($"{StoreVariable} is not set.");
        await using var output = new StreamWriter(Console.OpenStandardOutput()) { AutoFlush = true };
        var synchronized = TextWriter.Synchronized(output);
        using var input = new StreamReader(Console.OpenStandardInput());
        int effects = 0;
        await using var engine = await StartAsync(connection, new Maker(Environment.GetEnvironmentVariable(WorldVariable)!, synchronized.WriteLine, async () =>
        {
            if (Interlocked.Increment(ref effects) != 5)
                return;
            await synchronized.WriteLineAsync(EffectLine);
            await input.ReadLineAsync(Token);
        }));
        await Task.Delay(Timeout.Infinite, Token);
    }

    [Theory(Timeout = 600_000)]
    [InlineData("KILL")]
    [InlineData("STOP")]
    [Speed(SpeedAttribute.Slow)]
    public async Task Of_two_processes_one_is_stopped_in_the_middle_of_a_step_and_the_other_finishes_everything_once(string signal)
    {
        const int Jobs = 12;
        string connection = await server.CreateDatabaseAsync();
        string world = Directory.CreateDirectory(_directory["world"]).FullName;
        await using var page = await StartAsync(connection, new Maker(world, _ => { }, () => Task.CompletedTask), concurrency: 0);
        var handles = await page.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, Jobs).Select(i => new KillArgs($"j{i}"))], cancellationToken: Token);

        using var victim = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(TwoWorkerTests).FullName}.{nameof(Work_until_stopped)}"])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, Environment = { [StoreVariable] = connection, [WorldVariable] = world },
        })!;
        try
        {
            await LineAsync(victim, EffectLine);
            await SignalAsync(victim, signal);
            await using (var other = await StartAsync(connection, new Maker(world, _ => { }, () => Task.CompletedTask)))
            {
                foreach (var handle in handles)
                {
                    var ended = await handle.WaitAsync(Token);
                    Assert.True(ended.State == JobState.Completed, $"{ended.State}: {ended.Error}");
                }
            }

            if (signal == "STOP")
            {
                // It wakes up in the middle of its step, long after its lease: it may not say that the step has ended, and is told so.
                await SignalAsync(victim, "CONT");
                await victim.StandardInput.WriteLineAsync();
                await LineAsync(victim, LostLine);
            }
        }
        finally
        {
            victim.Kill();
        }

        await victim.WaitForExitAsync(Token);
        // A dead process sends nothing. One that wakes up sends what it was about to send: under the same id, which the backend knows, and by an older token, which it refuses.
        string[] again = [.. Directory.EnumerateFiles(world).Where(path => path.Contains(Again, StringComparison.Ordinal))];
        Assert.True(signal == "STOP" || again.Length == 0, string.Join('\n', again));
        foreach (string late in again)
            Assert.True(TokenIn(late) < TokenIn(late[..late.IndexOf(Again, StringComparison.Ordinal)]), late);
        var made = Directory.EnumerateFiles(world).Except(again).Select(path => Path.GetFileName(path).Split('.')[0]).Order(StringComparer.Ordinal).ToList();
        Assert.Equal(handles.SelectMany((_, i) => new[] { $"j{i}-disk", $"j{i}-machine" }).Order(StringComparer.Ordinal), made);
        var ends = new List<AttemptEnd?>();
        foreach (var handle in handles)
            ends.AddRange((await page.Jobs.ListAttemptsAsync(handle.Id, Token)).Select(attempt => attempt.End));
        Assert.Contains(AttemptEnd.LeaseLost, ends);
        Assert.Equal(Jobs, ends.Count(end => end == AttemptEnd.Completed));
    }

    // Whoever was killed before he wrote it had none to say.
    private static long TokenIn(string path) => long.TryParse(File.ReadAllText(path), NumberStyles.None, CultureInfo.InvariantCulture, out long token) ? token : 0;

    private static async Task<bool> DoneAsync(Task task)
    {
        await task;
        return true;
    }

    private static async Task LineAsync(Process process, string wanted)
    {
        while (await process.StandardOutput.ReadLineAsync(Token) is { } line)
        {
            // What the test program itself prints may be before it in the line.
            if (line.EndsWith(wanted, StringComparison.Ordinal))
                return;
        }

        Assert.Fail($"The process ended and never said '{wanted}'.");
    }

    private static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start(RealPeer.Program("kill"), [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Token);
        Assert.Equal(0, kill.ExitCode);
    }

    private static Task<Engine> StartAsync(NearSite site, ManualTimeProvider clock, Action<JobsBuilder> useStore, int concurrency) =>
        Engine.StartAsync("", new World(), clock, configure: options => options.Concurrency = concurrency, configureJobs: jobs =>
        {
            jobs.Services.AddSingleton<ISite>(site);
            jobs.AddHandler<MakeMachine, MachineArgs, string>("machine", JobsJson.Default.MachineArgs, JobsJson.Default.String, options => options.MaxAttempts = 100);
        }, useStore: useStore);

    internal static Task<Engine> StartAsync(string connection, Maker maker, int concurrency = 4) => Engine.StartAsync("", new World(), TimeProvider.System, configure: options =>
    {
        options.Lease = TimeSpan.FromSeconds(5);
        options.Concurrency = concurrency;
    }, configureJobs: jobs =>
    {
        jobs.Services.AddSingleton(maker);
        jobs.AddHandler<Maker, KillArgs, string>("kill", JobsJson.Default.KillArgs, JobsJson.Default.String, options =>
        {
            // Here the workers stop for something else than their jobs.
            options.MaxLostWorkers = 1000;
            options.MaxAttempts = 1000;
        });
    }, useStore: jobs => jobs.UsePostgreSql(connection));

    internal sealed class Maker(string world, Action<string> tell, Func<Task> effect) : IJobHandler<KillArgs, string>
    {
        public async Task<string> RunAsync(JobContext job, KillArgs args, CancellationToken cancellationToken)
        {
            try
            {
                await MakeAsync(job, args.Name + "-disk");
                return await MakeAsync(job, args.Name + "-machine");
            }
            catch (JobLeaseLostException)
            {
                tell(LostLine);
                throw;
            }
        }

        private Task<string> MakeAsync(JobContext job, string name) => job.StepAsync(name, JobsJson.Default.String, async options =>
        {
            await effect();
            await MakeAsync(PathOf(name, options.RequestId!.Value), options.FencingToken!.Value.ToString(CultureInfo.InvariantCulture));
            return name;
        }, request => Task.FromResult(File.Exists(PathOf(name, request)) ? StepLookup<string>.Done(name) : StepLookup<string>.NotHappened));

        // The token is in it; what is sent a second time under one id is a thing of its own, and seen.
        private static async Task MakeAsync(string path, string token)
        {
            await using var made = Open(path) ?? Open($"{path}{Again}{Guid.NewGuid():N}")!;
            await made.WriteAsync(Encoding.ASCII.GetBytes(token), CancellationToken.None);
        }

        private static FileStream? Open(string path)
        {
            try
            {
                return new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.Read, 1);
            }
            catch (IOException) when (File.Exists(path))
            {
                return null;
            }
        }

        private string PathOf(string name, RequestId request) => Path.Combine(world, $"{name}.{request}");
    }
}
