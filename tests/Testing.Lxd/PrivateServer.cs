using System.Diagnostics;
using Hypervisor.Sdk.Lxd;
using Hypervisor.Sdk.Transport.Http;
using Xunit;

namespace Hypervisor.Sdk.Testing.Lxd;

/// <summary>An LXD or Incus of this test run's own, with a pool <c>default</c>, and the image <c>busybox</c>.</summary>
public sealed class PrivateServer : IAsyncDisposable
{
    private const int MaxLastWords = 16 << 10;

    private readonly TempDirectory _directory;
    private readonly Process _process;
    private readonly Action<LxdClient>? _watch;

    private PrivateServer(TempDirectory directory, Process process, Action<LxdClient>? watch)
    {
        _directory = directory;
        _process = process;
        _watch = watch;
    }

    public string Socket => _directory["unix.socket"];

    /// <summary>Whether the server has ended, by itself or by a test.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The fingerprint of the image.</summary>
    public string Image { get; private set; } = "";

    /// <summary>A path beneath the server's directory.</summary>
    public string PathOf(string name) => _directory[name];

    /// <summary>Starts a server. Skips, or fails in CI, where there is none.</summary>
    /// <param name="kind">Which.</param>
    /// <param name="hasOwnNetwork">Whether it has a network of its own, or the machine's, where its ports can be reached.</param>
    /// <param name="watch">Is given each client that <see cref="ConnectAsync"/> makes.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<PrivateServer> StartAsync(ServerKind kind, bool hasOwnNetwork, Action<LxdClient>? watch, CancellationToken cancellationToken)
    {
        if (Environment.UserName != "root")
            RealPeer.Absent($"{kind} with a private state needs root");
        var start = new ProcessStartInfo(RealPeer.Program("unshare"));
        var directory = new TempDirectory();

        // Unprivileged containers look for their root beneath it.
        File.SetUnixFileMode(directory.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        string[] namespaces = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--mount-proc", "--kill-child", "--propagation", "private"];
        foreach (string argument in hasOwnNetwork ? [.. namespaces, "--net"] : namespaces)
            start.ArgumentList.Add(argument);
        string program = kind == ServerKind.Lxd ? RealPeer.Program("lxd") : await IncusAsync(start, cancellationToken);
        start.Environment[kind == ServerKind.Lxd ? "LXD_DIR" : "INCUS_DIR"] = directory.Path;
        foreach (string argument in new[] { Path.Combine(AppContext.BaseDirectory, "private-server"), hasOwnNetwork ? "own" : "host", directory.Path, program, "--group", "root", "--logfile", directory["log"] })
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        var server = new PrivateServer(directory, process, watch);
        try
        {
            await server.PrepareAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>A client over the socket.</summary>
    public async Task<LxdClient> ConnectAsync(string? project = null)
    {
        var client = await LxdClient.ConnectAsync(new LxdOptions { Server = Socket, Project = project }, TestContext.Current.CancellationToken);
        _watch?.Invoke(client);
        return client;
    }

    /// <summary>Stops the server where it is: whatever it was asked goes on when it is let go.</summary>
    public Task HoldAsync() => SignalAsync("-STOP");

    /// <summary>Lets a server go on that was held.</summary>
    public Task LetGoAsync() => SignalAsync("-CONT");

    public async ValueTask DisposeAsync()
    {
        // The namespace of processes goes with its first one, and takes the server and its containers along.
        if (_process.HasExited)
            await Console.Error.WriteLineAsync($"The server at {Socket} had ended with {_process.ExitCode} before it was told to: {LastWords()}");
        else
            _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        await RemoveAsync();
        _directory.Dispose();
    }

    /// <summary>The end of what it has said, or what it has said first of its crash: what all its threads did fills pages.</summary>
    private string LastWords()
    {
        string said = File.Exists(_directory["out"]) ? File.ReadAllText(_directory["out"]) : "";
        int crash = Math.Max(said.LastIndexOf("panic: ", StringComparison.Ordinal), said.LastIndexOf("fatal error: ", StringComparison.Ordinal));
        int from = crash >= 0 ? crash : Math.Max(0, said.Length - MaxLastWords);
        return said.Substring(from, Math.Min(MaxLastWords, said.Length - from));
    }

    // The server is the one child of the program that made its namespaces.
    private async Task SignalAsync(string signal)
    {
        string child = (await File.ReadAllTextAsync($"/proc/{_process.Id}/task/{_process.Id}/children", CancellationToken.None)).Trim();
        using var kill = Process.Start(new ProcessStartInfo(RealPeer.Program("kill"), [signal, child]))!;
        await kill.WaitForExitAsync(CancellationToken.None);
        Assert.Equal(0, kill.ExitCode);
    }

    private async Task RemoveAsync()
    {
        // A mount of a container that was killed may live a moment longer than it.
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromSeconds(30); await Task.Yield())
        {
            try
            {
                Directory.Delete(_directory.Path, recursive: true);
                return;
            }
            catch (DirectoryNotFoundException)
            {
                return;
            }
            catch (IOException)
            {
                // Busy still.
            }
        }
    }

    private static async Task<string> IncusAsync(ProcessStartInfo start, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(Repository.PathOf("eng", "incus")) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(cancellationToken);
        string directory = (await process.StandardOutput.ReadToEndAsync(cancellationToken)).Trim();
        await process.WaitForExitAsync(cancellationToken);
        if (process.ExitCode != 0)
            RealPeer.Absent($"eng/incus ended with {process.ExitCode}: {await errors}");
        start.Environment["LD_LIBRARY_PATH"] = Path.Combine(directory, "usr/lib/x86_64-linux-gnu");
        return Path.Combine(directory, "usr/libexec/incus/incusd");
    }

    private async Task PrepareAsync(CancellationToken cancellationToken)
    {
        await using var client = await AnsweringAsync(cancellationToken);
        await client.StoragePoolsPostAsync(new LxdStoragePoolsPost { Name = "default", Driver = "dir" }, cancellationToken: cancellationToken);
        await client.ProfilePatchAsync("default", new LxdProfilePut
        {
            Devices = new Dictionary<string, IDictionary<string, string>> { ["root"] = new Dictionary<string, string> { ["type"] = "disk", ["path"] = "/", ["pool"] = "default" } },
        }, cancellationToken: cancellationToken);
        byte[] image = await BusyboxImage.MakeAsync("busybox", cancellationToken);
        var made = await client.ImagesPostAsync(HttpRequestBody.FromBytes(image, "application/octet-stream"), cancellationToken: cancellationToken);
        made = await client.WaitAsync(made.Id!, "the image", cancellationToken);
        Image = made.Metadata!["fingerprint"].GetString()!;
        await client.ImagesAliasesPostAsync(new LxdImageAliasesPost { Name = "busybox", Target = Image }, cancellationToken: cancellationToken);
    }

    private async Task<LxdClient> AnsweringAsync(CancellationToken cancellationToken)
    {
        for (var clock = Stopwatch.StartNew(); ; await Task.Yield())
        {
            Assert.False(_process.HasExited, $"The server ended: {(File.Exists(_directory["out"]) ? File.ReadAllText(_directory["out"]) : "no log")}");
            try
            {
                return await LxdClient.ConnectAsync(new LxdOptions { Server = Socket }, cancellationToken);
            }
            catch (BackendConnectionException) when (clock.Elapsed < TimeSpan.FromMinutes(2))
            {
                // It does not listen yet.
            }
        }
    }
}
