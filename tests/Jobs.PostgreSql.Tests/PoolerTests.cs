using System.Diagnostics;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>The store behind a real pooler in transaction mode: each transaction may be another session, and notifications do not come through.</summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
[Peer("pgbouncer")]
public sealed class PoolerTests(PostgreSqlServer server) : IAsyncDisposable
{
    private readonly TempDirectory _directory = new();
    private Process? _pooler;
    private Task _output = Task.CompletedTask;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        if (_pooler is not null)
        {
            _pooler.Kill(entireProcessTree: true);
            await _pooler.WaitForExitAsync(CancellationToken.None);
            await _output;
            _pooler.Dispose();
        }

        _directory.Dispose();
    }

    [Fact(Timeout = 120_000)]
    [Feature("JOB-15")]
    public async Task Behind_a_pooler_in_transaction_mode_the_workers_of_two_processes_run_each_job_once()
    {
        string direct = await server.CreateDatabaseAsync();
        var settings = new Npgsql.NpgsqlConnectionStringBuilder(direct);
        await File.WriteAllTextAsync(_directory["users"], "\"hvsdk\" \"\"\n", Token);
        await File.WriteAllTextAsync(_directory["ini"], $"""
            [databases]
            * = host={settings.Host}
            [pgbouncer]
            pool_mode = transaction
            listen_addr =
            unix_socket_dir = {_directory.Path}
            auth_type = trust
            auth_file = {_directory["users"]}
            default_pool_size = 2
            ignore_startup_parameters = extra_float_digits

            """, Token);
        await PostgreSqlServer.GiveAsync(_directory.Path);
        string[] command = [.. PostgreSqlServer.AsUser(RealPeer.Program("pgbouncer")), _directory["ini"]];
        _pooler = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        await PostgreSqlServer.LineAsync(_pooler, "process up");
        _output = _pooler.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);

        string pooled = $"Host={_directory.Path};Port=6432;Username=hvsdk;Database={settings.Database};Maximum Pool Size=10";
        var world = new World();
        await using var page = await StartAsync(pooled, world, concurrency: 0);
        await using var one = await StartAsync(pooled, world);
        await using var two = await StartAsync(pooled, world);
        var handles = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => page.Jobs.EnqueueAsync(new BuildArgs($"web{i}"), new JobOptions { UniqueKey = $"web{i}" }, Token)));
        var ended = await Task.WhenAll(handles.Select(handle => handle.WaitAsync(Token)));
        Assert.All(ended, job => Assert.Equal((JobState.Completed, 1), (job.State, job.Attempts)));
        Assert.Equal(120, world.Made.Count);
        Assert.Equal(120, world.Made.Distinct().Count());
    }

    private static Task<Engine> StartAsync(string connection, World world, int concurrency = 4) =>
        Engine.StartAsync("", world, TimeProvider.System, configure: options => options.Concurrency = concurrency, useStore: jobs => jobs.UsePostgreSql(connection, notifications: false));
}
