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
            await RunAsync("chown", $"{Nobody}:{Nobody}", directory);
        }

        await RunAsync([.. user, Path.Combine(bin, "initdb"), "-D", Path.Combine(directory, "data"), "-U", "hvsdk", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-instructions"]);
        string[] command = [.. user, Path.Combine(bin, "postgres"), "-D", Path.Combine(directory, "data"), "-k", directory, "-c", "listen_addresses=", "-c", "logging_collector=off"];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        while (await process.StandardError.ReadLineAsync() is { } line)
        {
            if (line.Contains("ready to accept connections", StringComparison.Ordinal))
                return new PostgreSqlLab(directory, process);
        }

        throw new InvalidOperationException("PostgreSQL did not start.");
    }

    /// <summary>Does at once what the server does by itself within minutes: vacuums and analyses what many changes left, and writes it down.</summary>
    public async Task SettleAsync()
    {
        await using var source = NpgsqlDataSource.Create(ConnectionString);
        foreach (string sql in new[] { "VACUUM ANALYZE", "CHECKPOINT" })
        {
#pragma warning disable CA2100 // Constants of this method.
            await using var command = source.CreateCommand(sql);
#pragma warning restore CA2100
            command.CommandTimeout = 0;
            await command.ExecuteNonQueryAsync();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await RunAsync("kill", "-QUIT", _process.Id.ToString(CultureInfo.InvariantCulture));
        await _process.WaitForExitAsync();
        await _rest;
        _process.Dispose();
        System.IO.Directory.Delete(_directory, recursive: true);
    }

    private static async Task RunAsync(params string[] command)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardOutput = true })!;
        await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{command[^1]} ended with code {process.ExitCode}.");
    }
}
