using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using Hypervisor.Sdk.Jobs.Tests.Simulated;
using Microsoft.Extensions.DependencyInjection;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>
/// Two processes over one database make machines in a simulated data centre in which everything goes wrong. Again and again one of them is killed at a request of its own, or stopped there until the other has done its jobs: then it wakes up and
/// its request goes out late.
/// </summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
public sealed class WorkerProcessTests(PostgreSqlServer server) : IAsyncDisposable
{
    private const string StoreVariable = "HVSDK_TEST_JOBS_POSTGRESQL";
    private const string SiteVariable = "HVSDK_TEST_SITE";
    private const int JobsPerStop = 3;

    // Each job makes two or more, so that there is always one that is fatal.
    private const int RequestsPerStop = 2 * JobsPerStop;

    private readonly TempDirectory _directory = new();
    private readonly List<Worker> _workers = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        _directory.Dispose();
    }

    /// <summary>What the workers do: this program, started with this test alone.</summary>
    [Fact(Explicit = true)]
    public async Task Work_until_stopped()
    {
        string store = Environment.GetEnvironmentVariable(StoreVariable) ?? throw new InvalidOperationException($"{StoreVariable} is not set.");
        using var site = await FarSite.ConnectAsync(Environment.GetEnvironmentVariable(SiteVariable)!, Token);
        await using var engine = await StartAsync(store, site);
        await Task.Delay(Timeout.Infinite, Token);
    }

    [Theory(Timeout = 600_000)]
    [InlineData("KILL")]
    [InlineData("STOP")]
    [Speed(SpeedAttribute.Slow)]
    [Feature("JOB-15")]
    public Task Of_two_processes_one_is_stopped_at_a_request_four_times_and_no_machine_is_forgotten_or_made_twice(string signal) => StopAsync(signal, 4);

    [Theory(Timeout = 3_600_000)]
    [InlineData("KILL")]
    [InlineData("STOP")]
    [Speed(SpeedAttribute.Full)]
    public Task Of_two_processes_one_is_stopped_at_a_request_fifty_times_and_no_machine_is_forgotten_or_made_twice(string signal) => StopAsync(signal, 50);

    private async Task StopAsync(string signal, int times)
    {
        string connection = await server.CreateDatabaseAsync();
        var random = new Random(20261122);
        await using var near = await NearSite.MakeAsync(11);
        string path = _directory["site"];
        using var listener = FarSite.Listen(path);
        var fatal = new FatalRequest();
        var ids = new List<JobId>();
        var wanted = new List<string>();
        await using var page = await StartAsync(connection, near, concurrency: 0);
        await StartWorkerAsync();
        await StartWorkerAsync();
        for (int time = 0; time < times; time++)
        {
            if (time % 3 == 1)
                near.CrashAtEffect(2);
            if (time % 3 == 2)
                near.LockTemplate();
            var met = fatal.Arm(random.Next(1, RequestsPerStop + 1), isAfter: random.Next(2) == 0);
            var jobs = Enumerable.Range(0, JobsPerStop).Select(i => new MachineArgs($"{(time % 2 == 0 ? "kept" : "gone")}-t{time}j{i}")).ToList();
            wanted.AddRange(jobs.Select(job => job.Name).Where(NearSite.IsKept));
            ids.AddRange((await page.Jobs.EnqueueAllAsync(jobs, cancellationToken: Token)).Select(handle => handle.Id));
            var worker = await met.WaitAsync(Token);
            if (signal == "KILL")
            {
                _workers.Remove(worker);
                await worker.DisposeAsync();
                await StartWorkerAsync();
            }
            else
            {
                // The other does all of it, after the lease.
                await worker.SignalAsync("STOP");
                await EndAllAsync();
                await worker.SignalAsync("CONT");
                worker.GoOn();
            }
        }

        await EndAllAsync();
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        _workers.Clear();
        int lost = 0;
        foreach (var id in ids)
            lost += (await page.Jobs.ListAttemptsAsync(id, Token)).Any(attempt => attempt.End == AttemptEnd.LeaseLost) ? 1 : 0;
        Assert.Equal(ids.Count, await page.Jobs.ListAsync(cancellationToken: Token).CountAsync(Token));
        await near.AssertNothingElseAsync(wanted);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"{times} times {signal}, {ids.Count} jobs, {lost} of which lost a worker; {near.Requests} requests, {near.Faults} faults, {near.Locked} locks, {near.BrokenOff} pieces of work that a crash broke off.");
        Assert.True(lost > 0, "No worker lost a job.");

        async Task EndAllAsync()
        {
            foreach (var id in ids)
            {
                var ended = await page.Jobs.WaitAsync(id, Token);
                Assert.True(ended.State == JobState.Completed, $"{ended.State}: {ended.Error}");
            }
        }

        async Task StartWorkerAsync() => _workers.Add(await Worker.StartAsync(connection, path, listener, near, fatal));
    }

    internal static Task<Engine> StartAsync(string connection, ISite site, int concurrency = 3) => Engine.StartAsync("", new World(), TimeProvider.System, configure: options =>
    {
        options.Lease = TimeSpan.FromSeconds(3);
        options.Concurrency = concurrency;
    }, configureJobs: jobs =>
    {
        jobs.Services.AddSingleton(site);
        jobs.AddHandler<MakeMachine, MachineArgs, string>("machine", JobsJson.Default.MachineArgs, JobsJson.Default.String, options =>
        {
            // Here the workers stop for something else than their jobs.
            (options.MaxLostWorkers, options.MaxAttempts, options.RetryBase, options.RetryLimit) = (1000, 1000, TimeSpan.FromMilliseconds(50), TimeSpan.FromSeconds(1));
        });
    }, useStore: jobs => jobs.UsePostgreSql(connection));

    /// <summary>The so-manieth request from now on, whoever sends it.</summary>
    private sealed class FatalRequest
    {
        private readonly Lock _gate = new();
        private TaskCompletionSource<Worker>? _met;
        private int _left;
        private bool _isAfter;

        public Task<Worker> Arm(int number, bool isAfter)
        {
            lock (_gate)
            {
                (_left, _isAfter) = (number, isAfter);
                _met = new TaskCompletionSource<Worker>(TaskCreationOptions.RunContinuationsAsynchronously);
                return _met.Task;
            }
        }

        /// <summary>Counts a request. Of the fatal one it hands back who is to be told, and whether it is done before.</summary>
        public (TaskCompletionSource<Worker> Met, bool IsAfter)? Count()
        {
            lock (_gate)
            {
                if (_met is not { } met || --_left > 0)
                    return null;
                _met = null;
                return (met, _isAfter);
            }
        }
    }

    /// <summary>A process, and who answers it.</summary>
    private sealed class Worker : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly Socket _socket;
        private readonly Task<string> _told;
        private readonly Task _serving;
        private TaskCompletionSource<bool> _answered = new(TaskCreationOptions.RunContinuationsAsynchronously);

        private Worker(Process process, Task<string> told, Socket socket, NearSite near, FatalRequest fatal)
        {
            (_process, _told, _socket) = (process, told, socket);
            _serving = ServeAsync(near, fatal);
        }

        public static async Task<Worker> StartAsync(string connection, string path, Socket listener, NearSite near, FatalRequest fatal)
        {
            var process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(WorkerProcessTests).FullName}.{nameof(Work_until_stopped)}"])
            {
                RedirectStandardOutput = true, Environment = { [StoreVariable] = connection, [SiteVariable] = path },
            })!;
            // Read, so that it never waits for somebody to read it.
            var told = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
            using var arrived = CancellationTokenSource.CreateLinkedTokenSource(Token);
            var accepting = listener.AcceptAsync(arrived.Token).AsTask();
            if (await Task.WhenAny(accepting, process.WaitForExitAsync(arrived.Token)) != accepting)
            {
                await arrived.CancelAsync();
                Assert.Fail($"The worker ended by itself:\n{await told}");
            }

            return new Worker(process, told, await accepting, near, fatal);
        }

        public async Task SignalAsync(string signal)
        {
            using var kill = Process.Start(RealPeer.Program("kill"), [$"-{signal}", _process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync(Token);
            Assert.Equal(0, kill.ExitCode);
        }

        /// <summary>Its fatal request is answered.</summary>
        public void GoOn() => Interlocked.Exchange(ref _answered, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult(true);

        public async ValueTask DisposeAsync()
        {
            _process.Kill();
            await _process.WaitForExitAsync(CancellationToken.None);
            await _told;
            _answered.TrySetResult(false);
            await _serving;
            _socket.Dispose();
            _process.Dispose();
        }

        private async Task ServeAsync(NearSite near, FatalRequest fatal)
        {
            await using var stream = new NetworkStream(_socket);
            using var reader = new StreamReader(stream);
            try
            {
                while (await reader.ReadLineAsync(CancellationToken.None) is { } line)
                {
                    string? answer = null;
                    if (fatal.Count() is var (met, isAfter))
                    {
                        var answered = Volatile.Read(ref _answered).Task;
                        if (isAfter)
                            answer = await near.AnswerAsync(line);
                        met.SetResult(this);
                        if (!await answered)
                            return;
                    }

                    await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes((answer ?? await near.AnswerAsync(line)) + '\n'), CancellationToken.None);
                }
            }
            catch (IOException)
            {
                // It was killed while it was told something.
            }
        }
    }
}
