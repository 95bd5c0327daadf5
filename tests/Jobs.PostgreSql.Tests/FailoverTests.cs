using System.Diagnostics;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>Two PostgreSQL servers, of which the second follows the first: the first is killed in the middle of the work and the second promoted.</summary>
[Peer("postgresql")]
[Speed(SpeedAttribute.Slow)]
public sealed class FailoverTests : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly List<Process> _servers = [];
    private readonly List<Task> _output = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
        {
            if (!server.HasExited)
                await KillAsync(server);
            server.Dispose();
        }

        await Task.WhenAll(_output);
        _directory.Dispose();
    }

    [Fact(Timeout = 180_000)]
    [Feature("JOB-15")]
    public async Task When_the_standby_takes_over_no_job_that_was_answered_is_lost_and_each_machine_is_made_once()
    {
        const int Jobs = 40;
        await PostgreSqlServer.GiveAsync(_directory.Path);
        await PostgreSqlServer.RunAsync(PostgreSqlServer.AsUser(PostgreSqlServer.Program("initdb")), "-D", _directory["a"], "-U", "hvsdk", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions");
        var first = await StartAsync("a");
        await PostgreSqlServer.RunAsync(PostgreSqlServer.AsUser(PostgreSqlServer.Program("pg_basebackup")), "-h", Sockets("a"), "-U", "hvsdk", "-D", _directory["b"], "--write-recovery-conf", "--checkpoint=fast");
        await StartAsync("b");
        await ScalarAsync("a", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        await ScalarAsync("a", "SELECT pg_reload_conf()");
        while (await ScalarAsync("a", "SELECT sync_state FROM pg_stat_replication") is not "sync")
            await Task.Yield();

        string connection = $"Host={Sockets("a")},{Sockets("b")};Username=hvsdk;Database=postgres;Maximum Pool Size=10;Host Recheck Seconds=1";
        string world = Directory.CreateDirectory(_directory["world"]).FullName;
        await using var engine = await TwoWorkerTests.StartAsync(connection, new TwoWorkerTests.Maker(world, _ => { }, () => Task.CompletedTask));
        var answered = new List<JobHandle>();
        var promoted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var failover = Task.CompletedTask;
        while (answered.Count < Jobs)
        {
            try
            {
                answered.Add(await engine.Jobs.EnqueueAsync(new KillArgs($"j{answered.Count}"), cancellationToken: Token));
            }
            catch (HypervisorException)
            {
                // Whether it was kept is not known: the next one has the same name, and both may be there.
                await promoted.Task.WaitAsync(Token);
                await Task.Yield();
            }

            if (answered.Count == Jobs / 2 && failover.IsCompletedSuccessfully && !promoted.Task.IsCompleted)
                failover = FailOverAsync();
        }

        await failover;
        foreach (var handle in answered)
        {
            var ended = await WaitAsync(engine.Jobs, handle.Id);
            Assert.True(ended.State == JobState.Completed, $"{ended.State}: {ended.Error}");
        }

        var all = await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token);
        foreach (var job in all)
            Assert.Equal(JobState.Completed, (await WaitAsync(engine.Jobs, job.Id)).State);
        // Two files for each job that is there, whoever was told of it: none is missing and none was made twice.
        Assert.Equal(2 * all.Count, Directory.EnumerateFiles(world).Count());
        Assert.Equal(all.Count, Directory.EnumerateFiles(world).Count(path => Path.GetFileName(path).Split('.')[0].EndsWith("-disk", StringComparison.Ordinal)));

        async Task FailOverAsync()
        {
            await KillAsync(first);
            await ScalarAsync("b", "SELECT pg_promote()");
            promoted.SetResult();
        }
    }

    // The server may be between two masters.
    private static async Task<JobInfo> WaitAsync(IJobs jobs, JobId id)
    {
        while (true)
        {
            try
            {
                return await jobs.WaitAsync(id, Token);
            }
            catch (HypervisorException failure) when (failure.Code == ErrorCode.Unavailable)
            {
                await Task.Yield();
            }
        }
    }

    private string Sockets(string name) => _directory[name + "-s"];

    private async Task<Process> StartAsync(string name)
    {
        Directory.CreateDirectory(Sockets(name));
        await PostgreSqlServer.GiveAsync(Sockets(name));
        string[] command = [.. PostgreSqlServer.AsUser(PostgreSqlServer.Program("postgres")), "-D", _directory[name], "-k", Sockets(name), "-c", "listen_addresses=", "-c", "logging_collector=off"];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        _servers.Add(process);
        await PostgreSqlServer.LineAsync(process, "ready to accept");
        _output.Add(process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None));
        return process;
    }

    // With its children at once, as a machine that loses its power.
    private static async Task KillAsync(Process server)
    {
        server.Kill(entireProcessTree: true);
        await server.WaitForExitAsync(CancellationToken.None);
    }

    private async Task<object?> ScalarAsync(string name, string sql)
    {
        await using var source = NpgsqlDataSource.Create($"Host={Sockets(name)};Username=hvsdk;Database=postgres;Pooling=false");
#pragma warning disable CA2100 // Constants of this class.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        return await command.ExecuteScalarAsync(Token);
    }
}
