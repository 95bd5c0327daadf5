using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Hypervisor.Sdk.Benchmarks.Jobs;

/// <summary>A PostgreSQL server of the benchmark's own, durable as it comes: fsync and synchronous commits are on. On a unix socket in a private directory.</summary>
internal sealed class PostgreSqlLab : IAsyncDisposable
{
    private const string Nobody = "65534";

    private readonly string _directory;
    private readonly Process _process;
    private readonly Task _rest;

    private PostgreSqlLab(string directory, Process process)
    {
        _directory = directory;
        _process = process;
        _rest = process.StandardError.BaseStream.CopyToAsync(Stream.Null);
    }

    public string Directory => _directory;

    public string ConnectionString => $"Host={_directory};Username=hvsdk;Database=postgres;Maximum Pool Size=40";

    public static async Task<PostgreSqlLab?> StartAsync()
    {
        const string Versions = "/usr/lib/postgresql";
        string? bin = System.IO.Directory.Exists(Versions) ? System.IO.Directory.EnumerateDirectories(Versions).OrderDescending(StringComparer.Ordinal).Select(path => Path.Combine(path, "bin")).FirstOrDefault() : null;
        if (bin is null)
            return null;
        string directory = System.IO.Directory.CreateTempSubdirectory("hv-pg-").FullName;
        string[] user = [];
        if (Environment.IsPrivilegedProcess)
        {
            user = ["setpriv", "--reuid", Nobody, "--regid", Nobody, "--clear-groups", "--"];
            await ProcessAsync("chown", $"{Nobody}:{Nobody}", directory);
        }

        await ProcessAsync([.. user, Path.Combine(bin, "initdb"), "-D", Path.Combine(directory, "data"), "-U", "hvsdk", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"]);
        string[] command = [.. user, Path.Combine(bin, "postgres"), "-D", Path.Combine(directory, "data"), "-k", directory, "-c", "listen_addresses=", "-c", "logging_collector=off"];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            if (line.Contains("ready to accept connections", StringComparison.Ordinal))
                return new PostgreSqlLab(directory, process);
        }

        throw new InvalidOperationException("PostgreSQL did not start.");
    }

    /// <summary>A database of its own in this server; what connects to it.</summary>
    public async Task<string> CreateAsync(string database)
    {
        await StatementsAsync(ConnectionString, $"CREATE DATABASE {database}");
        return new NpgsqlConnectionStringBuilder(ConnectionString) { Database = database }.ConnectionString;
    }

    /// <summary>Does at once what the server does by itself within minutes: vacuums and analyses what many changes left, and writes it down.</summary>
    public async Task SettleAsync(params string[] databases)
    {
        foreach (string database in databases)
            await StatementsAsync(new NpgsqlConnectionStringBuilder(ConnectionString) { Database = database }.ConnectionString, "VACUUM ANALYZE", "CHECKPOINT");
    }

    public async ValueTask DisposeAsync()
    {
        await ProcessAsync("kill", "-QUIT", _process.Id.ToString(CultureInfo.InvariantCulture));
        await _process.WaitForExitAsync();
        await _rest;
        _process.Dispose();
        System.IO.Directory.Delete(_directory, recursive: true);
    }

    private static async Task StatementsAsync(string place, params string[] statements)
    {
        await using var source = NpgsqlDataSource.Create(place);
        foreach (string sql in statements)
        {
#pragma warning disable CA2100 // Constants of the callers.
            await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
            command.CommandTimeout = 0;
            await command.ExecuteNonQueryAsync();
        }
    }

    private static async Task ProcessAsync(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })!;
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{command[^1]} ended with code {process.ExitCode}.");
    }
}
