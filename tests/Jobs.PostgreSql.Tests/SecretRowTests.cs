using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Jobs.PostgreSql;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>Secrets in arguments, results and schedules that are encrypted: in no row of the database, and in no file of its server.</summary>
[Collection(PostgreSqlCollection.Name)]
[Peer("postgresql")]
public sealed class SecretRowTests(PostgreSqlServer server)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    [Feature("AUT-31")]
    public async Task What_is_encrypted_is_in_no_row_and_in_no_file_of_the_server()
    {
        // Another one for each: files are those of the whole server.
        string hidden = $"canary-{Guid.NewGuid():N}";
        string plain = $"canary-{Guid.NewGuid():N}";
        string connection = await RunAsync(hidden, new Keys());
        Assert.Empty(await RowsAsync(connection, hidden));
        string control = await RunAsync(plain, null);
        // What is looked for can be found: arguments, results of steps and of the job, and what a schedule is made of.
        var rows = await RowsAsync(control, plain);
        Assert.All((string[])["jobs", "states", "steps", "schedules"], table => Assert.Contains(table, rows));

        string[] files = [.. Directory.EnumerateFiles(server.DataDirectory, "*", SearchOption.AllDirectories).Where(file => !file.EndsWith(".pid", StringComparison.Ordinal))];
        var (withHidden, withPlain) = (new List<string>(), new List<string>());
        foreach (string file in files)
        {
            if (await ReadAsync(file) is not { } bytes)
                continue;
            if (bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(hidden)) >= 0)
                withHidden.Add(file);
            if (bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(plain)) >= 0)
                withPlain.Add(file);
        }

        Assert.Empty(withHidden);
        Assert.Contains(withPlain, file => file.Contains("/base/", StringComparison.Ordinal));
        Assert.Contains(withPlain, file => file.Contains("/pg_wal/", StringComparison.Ordinal));
    }

    private async Task<string> RunAsync(string secret, IJobKeys? keys)
    {
        string connection = await server.CreateDatabaseAsync();
        await using var engine = await Engine.StartAsync("", new World(), TimeProvider.System, configureJobs: jobs =>
        {
            if (keys is not null)
                jobs.EncryptPayloads(keys);
        }, useStore: jobs => jobs.UsePostgreSql(connection));
        await engine.Jobs.ScheduleAsync(new JobSchedule { Name = "nightly", Cron = "@yearly" }, new BuildArgs(secret), Token);
        var job = await engine.Jobs.EnqueueAsync(new BuildArgs(secret), cancellationToken: Token);
        Assert.Equal(JobState.Completed, (await job.WaitAsync(Token)).State);
        Assert.Equal(secret, (await engine.Jobs.WaitAsync<BuildResult>(job.Id, Token)).Machine);
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
        await using var checkpoint = source.CreateCommand("CHECKPOINT");
        await checkpoint.ExecuteNonQueryAsync(Token);
        return connection;
    }

    // The tables that have a row with it, in whatever column.
    private static async Task<List<string>> RowsAsync(string connection, string secret)
    {
        await using var source = NpgsqlDataSource.Create(connection + ";Pooling=false");
        var found = new List<string>();
        foreach (string table in await ReadAsync(source, "SELECT relname::text FROM pg_class WHERE relnamespace = 'hvsdk_jobs'::regnamespace AND relkind IN ('r', 'p')"))
        {
            if (await ReadAsync(source, $"SELECT 'found' FROM hvsdk_jobs.{table} AS line WHERE line::text LIKE '%{secret}%' LIMIT 1") is ["found"])
                found.Add(table);
        }

        return found;
    }

    private static async Task<List<string>> ReadAsync(NpgsqlDataSource source, string sql)
    {
#pragma warning disable CA2100 // Made in this class.
        await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
        await using var rows = await command.ExecuteReaderAsync(Token);
        var read = new List<string>();
        while (await rows.ReadAsync(Token))
            read.Add(rows.GetString(0));
        return read;
    }

    // Null where the server has removed it meanwhile.
    private static async Task<byte[]?> ReadAsync(string file)
    {
        try
        {
            return await File.ReadAllBytesAsync(file, Token);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
    }

    private sealed class Keys : IJobKeys
    {
        private readonly Secret _key = new(RandomNumberGenerator.GetBytes(32));

        public string CurrentId => "k1";

        public bool TryGet(string id, [NotNullWhen(true)] out Secret? key)
        {
            key = id == CurrentId ? _key : null;
            return key is not null;
        }
    }
}
