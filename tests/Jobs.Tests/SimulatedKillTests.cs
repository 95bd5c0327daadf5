using System.Diagnostics;
using System.Net.Sockets;
using Hypervisor.Sdk.Jobs.Tests.Simulated;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>
/// A program that makes machines in a simulated data centre is killed for real, again and again, at some request of its own: before it was sent, or after it was done and before the answer. The data centre lives in the test's
/// process; it loses replies of its own, refuses locks, and its nodes crash. The victims reach it by a socket.
/// </summary>
public sealed class SimulatedKillTests : IDisposable
{
    private const string StoreVariable = "HVSDK_TEST_JOBS";
    private const string SiteVariable = "HVSDK_TEST_SITE";
    private const int JobsPerKill = 3;
    private const int RequestsPerKill = 8;

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Store => _directory["jobs.db"];

    public void Dispose() => _directory.Dispose();

    /// <summary>What the victims do: this program, started with this test alone.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_killed()
    {
        string store = Environment.GetEnvironmentVariable(StoreVariable) ?? throw new InvalidOperationException($"{StoreVariable} is not set.");
        using var site = await FarSite.ConnectAsync(Environment.GetEnvironmentVariable(SiteVariable)!, Token);
        await using var engine = await StartAsync(store, site);
        await Task.Delay(Timeout.Infinite, Token);
    }

    [Fact(Timeout = 600_000)]
    [Feature("JOB-06")]
    public Task Fifty_kills_of_a_program_that_makes_simulated_machines_lose_none_and_make_none_twice() => KillAsync(50);

    [Fact(Timeout = 7_200_000)]
    [Speed(SpeedAttribute.Full)]
    public Task A_thousand_kills_of_a_program_that_makes_simulated_machines_lose_none_and_make_none_twice() => KillAsync(1000);

    private async Task KillAsync(int kills)
    {
        var random = new Random(20261122);
        await using var near = await NearSite.MakeAsync(7);
        string path = _directory["site"];
        using var listener = FarSite.Listen(path);
        var ids = new List<JobId>();
        var wanted = new List<string>();
        await using (var page = await StartAsync(Store, near, concurrency: 0))
        {
            for (int kill = 0; kill < kills; kill++)
            {
                // Some machines stay; most are deleted by their job, as the data centre is no larger than others.
                var jobs = Enumerable.Range(0, JobsPerKill).Select(i => new MachineArgs($"{(kill % 10 == 0 ? "kept" : "gone")}-k{kill}j{i}")).ToList();
                wanted.AddRange(jobs.Select(job => job.Name).Where(NearSite.IsKept));
                ids.AddRange((await page.Jobs.EnqueueAllAsync(jobs, cancellationToken: Token)).Select(handle => handle.Id));
                if (kill % 5 == 2)
                    near.CrashAtEffect(1);
                if (kill % 5 == 4)
                    near.LockTemplate();
                await KillOneAsync(listener, path, near, random.Next(1, RequestsPerKill), isAfter: random.Next(2) == 0);
            }
        }

        await using var last = await StartAsync(Store, near);
        int interrupted = 0;
        foreach (var id in ids)
        {
            var ended = await last.Jobs.WaitAsync(id, Token);
            Assert.True(ended.State == JobState.Completed, $"{ended.State}: {ended.Error}");
            interrupted += (await last.Jobs.ListAttemptsAsync(id, Token)).Any(attempt => attempt.End == AttemptEnd.LeaseLost) ? 1 : 0;
        }

        Assert.Equal(ids.Count, await last.Jobs.ListAsync(cancellationToken: Token).CountAsync(Token));
        await near.AssertNothingElseAsync(wanted);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{kills} kills, {ids.Count} jobs, {interrupted} of which lost a worker; {near.Requests} requests, {near.Faults} faults, {near.Locked} locks, {near.BrokenOff} pieces of work that a crash broke off.");
        Assert.True(interrupted > 0, "No kill met a job.");
        Assert.True(near is { Faults: > 0, Locked: > 0, BrokenOff: > 0 }, $"{near.Faults} faults, {near.Locked} locks, {near.BrokenOff} pieces of work that a crash broke off.");
    }

    private async Task KillOneAsync(Socket listener, string path, NearSite near, int requests, bool isAfter)
    {
        using var victim = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(SimulatedKillTests).FullName}.{nameof(Work_until_killed)}"])
        {
            RedirectStandardOutput = true, Environment = { [StoreVariable] = Store, [SiteVariable] = path },
        })!;
        // Read, so that it never waits for somebody to read it.
        var told = victim.StandardOutput.ReadToEndAsync(Token);
        using var arrived = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var ended = victim.WaitForExitAsync(arrived.Token);
        var accepting = listener.AcceptAsync(arrived.Token).AsTask();
        if (await Task.WhenAny(accepting, ended) == ended)
            Assert.Fail($"The victim ended by itself:\n{await told}");
        using var socket = await accepting;
        await using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        await using var writer = new StreamWriter(stream) { AutoFlush = true };
        int seen = 0;
        bool isDone = false;
        while (!isDone && await reader.ReadLineAsync(Token) is { } line)
        {
            isDone = ++seen == requests;
            if (isDone && !isAfter)
                break;
            string answer = await near.AnswerAsync(line);
            if (!isDone)
                await writer.WriteLineAsync(answer);
        }

        victim.Kill();
        await victim.WaitForExitAsync(Token);
        Assert.True(isDone, $"The victim ended by itself after {seen} of {requests} requests:\n{await told}");
        Assert.Equal(128 + 9, victim.ExitCode);
    }

    private static Task<Engine> StartAsync(string path, ISite site, int concurrency = 3) => Engine.StartAsync(path, new World(), TimeProvider.System, configure: options =>
    {
        options.Lease = TimeSpan.FromSeconds(2);
        options.Concurrency = concurrency;
    }, configureJobs: jobs =>
    {
        jobs.Services.AddSingleton(site);
        jobs.AddHandler<MakeMachine, MachineArgs, string>("machine", JobsJson.Default.MachineArgs, JobsJson.Default.String, options =>
        {
            // Here the workers die of something else than their jobs.
            (options.MaxLostWorkers, options.MaxAttempts, options.RetryBase, options.RetryLimit) = (1000, 1000, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));
        });
    });
}
