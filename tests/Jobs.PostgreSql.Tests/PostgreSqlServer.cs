using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace Hypervisor.Sdk.Jobs.Tests.Stores;

/// <summary>A PostgreSQL server of the tests' own, on a unix socket in a private directory, started when it is first asked for. As root it runs as nobody: PostgreSQL refuses root.</summary>
public sealed class PostgreSqlServer : IAsyncDisposable
{
    private const string Nobody = "65534";

    private readonly TempDirectory _directory = new();
    private readonly SemaphoreSlim _starting = new(1);
    private Process? _process;
    private Task _rest = Task.CompletedTask;
    private int _databases;

    /// <summary>Where its files are.</summary>
    internal string DataDirectory => _directory["data"];

    /// <summary>Waits until so many sessions of a database wait for what others have locked.</summary>
    public static async Task BlockedAsync(NpgsqlDataSource source, int sessions, CancellationToken cancellationToken)
    {
        long blocked;
        do
        {
            await using var count = source.CreateCommand("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'");
            blocked = (long)(await count.ExecuteScalarAsync(cancellationToken))!;
        }
        while (blocked < sessions);
    }

    /// <summary>A new database; how to connect to it. Skips the test where there is no PostgreSQL.</summary>
    public async Task<string> CreateDatabaseAsync()
    {
        await _starting.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_process is null)
                await StartAsync();
        }
        finally
        {
            _starting.Release();
        }

        string name = string.Create(CultureInfo.InvariantCulture, $"jobs{Interlocked.Increment(ref _databases)}");
        await using var source = NpgsqlDataSource.Create(ConnectionString("postgres") + ";Pooling=false");
        await using var command = source.CreateCommand("CREATE DATABASE " + name);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
        return ConnectionString(name);
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            // The quick way to shut down: nobody needs this data again.
            await RunAsync("kill", "-QUIT", _process.Id.ToString(CultureInfo.InvariantCulture));
            await _process.WaitForExitAsync(CancellationToken.None);
            await _rest;
            _process.Dispose();
        }

        _directory.Dispose();
        _starting.Dispose();
    }

    private string ConnectionString(string database) => $"Host={_directory.Path};Username=hvsdk;Database={database};Maximum Pool Size=20";

    private async Task StartAsync()
    {
        string initdb = Program("initdb");
        await GiveAsync(_directory.Path);
        await RunAsync(AsUser(initdb), "-D", _directory["data"], "-U", "hvsdk", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions");
        string[] command = [.. AsUser(Program("postgres")), "-D", _directory["data"], "-k", _directory.Path, "-c", "listen_addresses=", "-c", "max_connections=100", "-c", "logging_collector=off"];
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { RedirectStandardError = true })!;
        await LineAsync(process, "ready to accept connections");
        // What it says later is read, or it would stop writing it.
        _rest = process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        _process = process;
    }

    /// <summary>Gives a directory to who the server runs as.</summary>
    internal static async Task GiveAsync(string directory)
    {
        if (Environment.IsPrivilegedProcess)
            await RunAsync("chown", $"{Nobody}:{Nobody}", directory);
    }

    /// <summary>Waits until a server says something.</summary>
    internal static async Task LineAsync(Process server, string wanted)
    {
        var said = new List<string>();
        while (await server.StandardError.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
        {
            said.Add(line);
            if (line.Contains(wanted, StringComparison.Ordinal))
                return;
        }

        throw new InvalidOperationException($"It ended and never said '{wanted}': " + string.Join('\n', said));
    }

    // Debian keeps the server's programs beside PATH, by version.
    internal static string Program(string name)
    {
        const string Versions = "/usr/lib/postgresql";
        string? found = Directory.Exists(Versions)
            ? Directory.EnumerateDirectories(Versions).OrderByDescending(path => path, StringComparer.Ordinal).Select(path => Path.Combine(path, "bin", name)).FirstOrDefault(File.Exists)
            : null;
        return found ?? RealPeer.Program(name);
    }

    internal static string[] AsUser(string program) =>
        Environment.IsPrivilegedProcess ? [RealPeer.Program("setpriv"), "--reuid", Nobody, "--regid", Nobody, "--clear-groups", "--", program] : [program];

    private static Task RunAsync(string program, params string[] arguments) => RunAsync([program], arguments);

    internal static async Task RunAsync(string[] command, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(command[0], [.. command[1..], .. arguments]) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        string error = await process.StandardError.ReadToEndAsync();
        await output;
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, $"{command[^1]}: {error}");
    }
}
