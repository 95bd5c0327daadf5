using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Hypervisor.Sdk.Simulation;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>
/// A program that makes machines in a simulated data centre is killed for real, again and again, at some request of its own: before it was sent, or after it was done and before the answer. The data centre lives in the test's
/// process and loses replies of its own; the victims reach it by a socket.
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
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(Environment.GetEnvironmentVariable(SiteVariable)!), Token);
        await using var stream = new NetworkStream(socket);
        await using var engine = await StartAsync(store, new FarSite(stream));
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
        await using var dc = new SimulatedDatacenter(o => o.Seed = 7);
        dc.Faults.LoseReplies().On("create", "start").WithChance(0.2);
        dc.Faults.LoseRequests().On("create").WithChance(0.05);
        var near = new NearSite(dc);
        string path = _directory["site"];
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var ids = new List<JobId>();
        var wanted = new List<string>();
        await using (var page = await StartAsync(Store, near, concurrency: 0))
        {
            for (int kill = 0; kill < kills; kill++)
            {
                // Some machines stay; most are deleted by their job, as the data centre is no larger than others.
                var jobs = Enumerable.Range(0, JobsPerKill).Select(i => new MachineArgs($"{(kill % 10 == 0 ? "kept" : "gone")}-k{kill}j{i}")).ToList();
                wanted.AddRange(jobs.Select(job => job.Name).Where(MakeFarMachine.IsKept));
                ids.AddRange((await page.Jobs.EnqueueAllAsync(jobs, cancellationToken: Token)).Select(handle => handle.Id));
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
        var machines = await dc.Backend.Get<IHypervisor>().List().ToListAsync(Token);
        Assert.Equal(wanted.Order(StringComparer.Ordinal), machines.Select(machine => machine.Name.ToString()).Order(StringComparer.Ordinal));
        Assert.All(machines, machine => Assert.Equal(PowerState.Running, machine.State));
        TestContext.Current.TestOutputHelper!.WriteLine($"{kills} kills, {ids.Count} jobs, {interrupted} of which lost a worker; {near.Requests} requests.");
        Assert.True(interrupted > 0, "No kill met a job.");
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
            string[] words = line.Split(' ');
            isDone = ++seen == requests;
            if (isDone && !isAfter)
                break;
            string answer = await near.SendAsync(words[1], words[2], words[3], long.Parse(words[4], CultureInfo.InvariantCulture));
            if (!isDone)
                await writer.WriteLineAsync($"{words[0]} {answer}");
        }

        victim.Kill();
        await victim.WaitForExitAsync(Token);
        Assert.True(isDone, $"The victim ended by itself after {seen} of {requests} requests:\n{await told}");
        Assert.Equal(128 + 9, victim.ExitCode);
    }

    private static Task<Engine> StartAsync(string path, ISite site, int concurrency = 3) => Engine.StartAsync(path, new World(), TimeProvider.System, configure: options =>
    {
        options.Lease = TimeSpan.FromSeconds(5);
        options.Concurrency = concurrency;
    }, configureJobs: jobs =>
    {
        jobs.Services.AddSingleton(site);
        jobs.AddHandler<MakeFarMachine, MachineArgs, string>("machine", JobsJson.Default.MachineArgs, JobsJson.Default.String, options =>
        {
            // Here the workers die of something else than their jobs.
            (options.MaxLostWorkers, options.MaxAttempts, options.RetryBase, options.RetryLimit) = (1000, 1000, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));
        });
    });

    /// <summary>The data centre, near or far: a request, and a line that answers it.</summary>
    private interface ISite
    {
        Task<string> SendAsync(string verb, string request, string what, long token);
    }

    private sealed class NearSite(SimulatedDatacenter dc) : ISite
    {
        private int _requests;

        public int Requests => Volatile.Read(ref _requests);

        public async Task<string> SendAsync(string verb, string request, string what, long token)
        {
            Interlocked.Increment(ref _requests);
            var hypervisor = dc.Backend.Get<IHypervisor>();
            var id = RequestId.Parse(request, null);
            var options = new RequestOptions { RequestId = id, FencingToken = token };
            try
            {
                switch (verb)
                {
                    case "create":
                        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(what), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64)) };
                        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(64)) });
                        return $"ok {(await hypervisor.CreateAsync(spec, options, Token).WaitForCompletionAsync(Token)).Id}";
                    case "start":
                        return $"ok {(await hypervisor.StartAsync(InstanceId.Parse(what), options, Token).WaitForCompletionAsync(Token)).Id}";
                    case "stop":
                        return $"ok {(await hypervisor.StopAsync(InstanceId.Parse(what), new StopOptions { GracePeriod = TimeSpan.Zero }, options, Token).WaitForCompletionAsync(Token)).Id}";
                    case "delete":
                        await hypervisor.DeleteAsync(InstanceId.Parse(what), null, options, Token).WaitForCompletionAsync(Token);
                        return $"ok {what}";
                    default:
                        var found = await dc.Backend.Get<IRequestLog>().LookUpAsync(id, Token);
                        return $"ok {found.State} {found.Instance?.ToString() ?? "-"} {found.Error?.Outcome.ToString() ?? "-"}";
                }
            }
            catch (HypervisorException exception)
            {
                return $"error {exception.Code} {exception.Outcome} {exception.Message.ReplaceLineEndings(" ")}";
            }
        }
    }

    private sealed class FarSite : ISite
    {
        private readonly ConcurrentDictionary<int, TaskCompletionSource<string>> _calls = [];
        private readonly StreamWriter _writer;
        private readonly Lock _gate = new();
        private int _last;

        public FarSite(Stream stream)
        {
            _writer = new StreamWriter(stream) { AutoFlush = true };
            _ = ReadAsync(new StreamReader(stream));
        }

        public Task<string> SendAsync(string verb, string request, string what, long token)
        {
            int number = Interlocked.Increment(ref _last);
            var answer = _calls[number] = new(TaskCreationOptions.RunContinuationsAsynchronously);
            lock (_gate)
                _writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{number} {verb} {request} {what} {token}"));
            return answer.Task;
        }

        private async Task ReadAsync(StreamReader reader)
        {
            while (await reader.ReadLineAsync(Token) is { } line)
            {
                int space = line.IndexOf(' ', StringComparison.Ordinal);
                if (_calls.TryRemove(int.Parse(line.AsSpan(0, space), CultureInfo.InvariantCulture), out var call))
                    call.SetResult(line[(space + 1)..]);
            }
        }
    }

    private sealed class MakeFarMachine(ISite site) : IJobHandler<MachineArgs, string>, IRequestLog
    {
        public static bool IsKept(string name) => name.StartsWith("kept", StringComparison.Ordinal);

        public async Task<string> RunAsync(JobContext job, MachineArgs args, CancellationToken cancellationToken)
        {
            string id = await StepAsync(job, "create", args.Name);
            await StepAsync(job, "start", id);
            if (IsKept(args.Name))
                return id;
            await StepAsync(job, "stop", id);
            return await StepAsync(job, "delete", id);
        }

        public async Task<RequestLookup> LookUpAsync(RequestId id, CancellationToken cancellationToken = default)
        {
            string[] words = (await SendAsync("look", id.ToString(), "-", 0)).Split(' ');
            return new RequestLookup
            {
                State = Enum.Parse<RequestState>(words[0]), Instance = words[1] == "-" ? null : InstanceId.Parse(words[1]),
                Error = words[2] == "-" ? null : new HypervisorException("It failed.", ErrorCode.Unavailable, Enum.Parse<RequestOutcome>(words[2])),
            };
        }

        private Task<string> StepAsync(JobContext job, string verb, string what) => job.StepAsync(verb, JobsJson.Default.String,
            options => SendAsync(verb, options.RequestId!.Value.ToString(), what, options.FencingToken!.Value), this, found => found.Instance?.ToString() ?? what);

        private async Task<string> SendAsync(string verb, string request, string what, long token)
        {
            string answer = await site.SendAsync(verb, request, what, token);
            string[] words = answer.Split(' ', 4);
            return words[0] == "ok" ? answer[3..] : throw new HypervisorException(words[3], ErrorCode.Unavailable, Enum.Parse<RequestOutcome>(words[2]));
        }
    }
}
