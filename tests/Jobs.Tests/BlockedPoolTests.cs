using System.Diagnostics;
using Hypervisor.Sdk.Jobs.Sqlite;

namespace Hypervisor.Sdk.Jobs.Tests;

/// <summary>Handlers that block every thread of the pool, in a process of their own.</summary>
public sealed class BlockedPoolTests : IDisposable
{
    private const string StoreVariable = "HVSDK_TEST_JOBS";
    private const int Renewals = 4;

    private readonly TempDirectory _directory = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _directory.Dispose();

    /// <summary>The pool gets no more threads than there are processors, and every job blocks one for ever.</summary>
    [Fact(Explicit = true)]
    public async Task Block_every_thread()
    {
        string store = Environment.GetEnvironmentVariable(StoreVariable) ?? throw new InvalidOperationException($"{StoreVariable} is not set.");
        ThreadPool.GetMaxThreads(out _, out int ports);
        ThreadPool.SetMinThreads(1, 1);
        Assert.True(ThreadPool.SetMaxThreads(Environment.ProcessorCount, ports));
        using var never = new ManualResetEventSlim();
        var engine = await Engine.StartAsync(store, new World(), TimeProvider.System, configure: options =>
        {
            options.Concurrency = 4 * Environment.ProcessorCount;
            options.Lease = TimeSpan.FromSeconds(10);
        });
        engine.Handler.Before = (_, _, _) =>
        {
            never.Wait(CancellationToken.None);
            return Task.CompletedTask;
        };
        await engine.Jobs.EnqueueAllAsync([.. Enumerable.Range(0, 4 * Environment.ProcessorCount).Select(i => new BuildArgs($"web{i}"))], cancellationToken: Token);
        await Task.Delay(Timeout.Infinite, Token);
    }

    [Fact(Timeout = 180_000)]
    public async Task Handlers_that_block_all_threads_of_the_pool_keep_their_leases()
    {
        string path = _directory["jobs.db"];
        using var victim = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["-explicit", "only", "-method", $"{typeof(BlockedPoolTests).FullName}.{nameof(Block_every_thread)}"])
        {
            RedirectStandardOutput = true, Environment = { [StoreVariable] = path },
        })!;
        try
        {
            var told = victim.StandardOutput.ReadToEndAsync(Token);
            var seen = new HashSet<long>();
            // Each renewal moves the lease on: by the fourth the first one is over.
            while (seen.Count <= Renewals)
            {
                Assert.False(victim.HasExited, victim.HasExited ? await told : null);
                if (File.Exists(path))
                    seen.UnionWith(Leases(path));
                await Task.Delay(TimeSpan.FromMilliseconds(100), Token);
            }
        }
        finally
        {
            victim.Kill();
            await victim.WaitForExitAsync(CancellationToken.None);
        }

        using var session = new SqliteSession(path, isReader: true);
        Assert.Equal([0L], session.Read("SELECT count(*) FROM attempts WHERE ended_ms IS NOT NULL", row => row.GetInt64(0)));
    }

    // The lease of one job, once it is taken.
    private static List<long> Leases(string path)
    {
        try
        {
            using var session = new SqliteSession(path, isReader: true);
            return session.Read("SELECT lease_ms FROM jobs WHERE state = 1 ORDER BY seq LIMIT 1", row => row.GetInt64(0));
        }
        catch (Microsoft.Data.Sqlite.SqliteException)
        {
            // It is being made.
            return [];
        }
    }
}
