using System.Diagnostics;
using Hypervisor.Sdk.Jobs.Tests.Simulated;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>PostgreSQL servers, of which one follows the other: the first is killed in the middle of the work and the second promoted, and a third follows that one; again and again.</summary>
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

    [Fact(Timeout = 600_000)]
    [Feature("JOB-15")]
    public Task When_the_standby_takes_over_twice_no_job_that_was_answered_is_lost_and_each_machine_is_made_once() => FailOverAsync(2);

    [Fact(Timeout = 1_800_000)]
    [Speed(SpeedAttribute.Full)]
    public Task When_the_standby_takes_over_ten_times_no_job_that_was_answered_is_lost_and_each_machine_is_made_once() => FailOverAsync(10);

    private async Task FailOverAsync(int times)
    {
        const int JobsPerFailover = 12;
        await PostgreSqlServer.GiveAsync(_directory.Path);
        await PostgreSqlServer.RunAsync(PostgreSqlServer.AsUser(PostgreSqlServer.Program("initdb")), "-D", _directory[NameOf(0)], "-U", "hvsdk", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions");
        await StartAsync(NameOf(0));
        await FollowAsync(0);
        await using var site = await NearSite.MakeAsync(5);
        string connection = $"Host={string.Join(',', Enumerable.Range(0, times + 1).Select(i => Sockets(NameOf(i))))};Username=hvsdk;Database=postgres;Maximum Pool Size=10;Host Recheck Seconds=1";
        await using var engine = await WorkerProcessTests.StartAsync(connection, site);
        var answered = new List<JobHandle>();
        for (int failover = 0; failover < times; failover++)
        {
            site.CrashAtEffect(3);
            Task? promoting = null;
            int before = answered.Count;
            while (answered.Count < before + JobsPerFailover)
            {
                try
                {
                    answered.Add(await engine.Jobs.EnqueueAsync(new MachineArgs($"{(failover % 2 == 0 ? "kept" : "gone")}-f{failover}j{answered.Count}"), cancellationToken: Token));
                }
                catch (HypervisorException)
                {
                    // Whether it was kept is not known: the next one has the same name, and both may be there.
                    await (promoting ?? Task.CompletedTask);
                    await Task.Yield();
                }

                if (answered.Count == before + (JobsPerFailover / 2))
                    promoting ??= PromoteAsync(failover);
            }

            await promoting!;
            if (failover + 1 < times)
                await FollowAsync(failover + 1);
        }

        foreach (var handle in answered)
        {
            var ended = await WaitAsync(engine.Jobs, handle.Id);
            Assert.True(ended.State == JobState.Completed, $"{ended.State}: {ended.Error}");
        }

        // Whoever was told of it: each job that is there made its machine, and there is no other.
        var made = new List<string>();
        foreach (var job in await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token))
        {
            Assert.Equal(JobState.Completed, (await WaitAsync(engine.Jobs, job.Id)).State);
            made.Add(await engine.Jobs.WaitAsync<string>(job.Id, Token));
        }

        Assert.Empty(answered.Select(handle => handle.Id).Except((await engine.Jobs.ListAsync(cancellationToken: Token).ToListAsync(Token)).Select(job => job.Id)));
        await site.AssertNothingElseAsync(made.Where(NearSite.IsKept));
    }

    private static string NameOf(int number) => $"s{number}";

    // The next server follows this one, which answers nothing from then on that the next has not.
    private async Task FollowAsync(int number)
    {
        var (first, next) = (NameOf(number), NameOf(number + 1));
        await PostgreSqlServer.RunAsync(PostgreSqlServer.AsUser(PostgreSqlServer.Program("pg_basebackup")), "-h", Sockets(first), "-U", "hvsdk", "-D", _directory[next], "--write-recovery-conf", "--checkpoint=fast");
        await StartAsync(next);
        await ScalarAsync(first, "ALTER SYSTEM SET synchronous_standby_names = '*'");
        await ScalarAsync(first, "SELECT pg_reload_conf()");
        while (await ScalarAsync(first, "SELECT sync_state FROM pg_stat_replication") is not "sync")
            await Task.Yield();
    }

    private async Task PromoteAsync(int number)
    {
        await KillAsync(_servers[number]);
        await ScalarAsync(NameOf(number + 1), "SELECT pg_promote()");
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

    private async Task StartAsync(string name)
    {
        Directory.CreateDirectory(Sockets(name));
        await PostgreSqlServer.GiveAsync(Sockets(name));
        string[] command = [.. PostgreSqlServer.AsUser(PostgreSqlServer.Program("postgres")), "-D", _directory[name], "-k", Sockets(name), "-c", "listen_addresses=", "-c", "logging_collector=off"];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        _servers.Add(process);
        await PostgreSqlServer.LineAsync(process, "ready to accept");
        _output.Add(process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None));
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
