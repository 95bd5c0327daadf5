using System.Globalization;
using Hypervisor.Sdk.Qemu;

namespace Hypervisor.Sdk.Hosts.Tests.Lab;

/// <summary>This host and two others, each with its own sshd, and the QEMU backend of each, which one application has connected.</summary>
public sealed class MovingHosts : IAsyncDisposable
{
    public const string Here = "here", Rack1 = "rack1", Rack2 = "rack2";

    private const string Program = "hvsdk-qemu-host";

    private readonly TempDirectory _directory = new();
    private readonly SecondMachine _third = new();
    private readonly Dictionary<string, SecondMachine> _machines = new(StringComparer.Ordinal);
    private readonly Dictionary<string, IBackend> _backends = new(StringComparer.Ordinal);
    private readonly Dictionary<string, QemuOptions> _options = new(StringComparer.Ordinal);

    /// <summary>All of them.</summary>
    public IReadOnlyDictionary<string, IBackend> All => _backends;

    /// <summary>A file in /tmp, which is the one place that all have.</summary>
    public string Shared => _directory["shared.raw"];

    public IBackend this[string name] => _backends[name];

    /// <summary>Connects them, when they are not.</summary>
    public async Task ConnectAsync(SecondMachine second, CancellationToken cancellationToken)
    {
        if (_backends.Count > 0)
            return;
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        (_machines[Rack1], _machines[Rack2]) = (second, _third);
        foreach (string name in (string[])[Here, Rack1, Rack2])
        {
            _options[name] = Options(name);
            _backends[name] = await QemuBackend.OpenAsync(_options[name], cancellationToken);
        }
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        foreach (var backend in _backends.Values)
            await backend.DisposeAsync();
        _third.Dispose();
        _directory.Dispose();
    }

    private QemuOptions Options(string name)
    {
        var options = new QemuOptions { Name = name, Accelerator = QemuAccelerator.Tcg, LimitResources = false };
        (options.StateDirectory, options.RuntimeDirectory) = (_directory["state"], _directory["run"]);
        if (_machines.TryGetValue(name, out var machine))
        {
            options.Host = SecondMachine.Address.ToString();
            options.HostProgram = Repository.PathOf("artifacts", "bin", "Hypervisor.Sdk.Qemu.Host", "debug");
            // Beneath /srv, which no two of them share.
            (options.StateDirectory, options.RuntimeDirectory) = ("/srv/moving/state", "/srv/moving/run");
            options.Ssh = machine.Options();
            options.Ssh.ConfigFile = machine[machine.Configure("moving", machine.KnownHost("host_key"))];
        }

        options.FindBackend = (wanted, _) => _backends.TryGetValue(wanted.ToString(), out var found)
            ? ValueTask.FromResult(found)
            : throw new HypervisorException($"There is no backend '{wanted}'.", ErrorCode.NotFound, RequestOutcome.NotSent);
        return options;
    }

    /// <summary>Ends the program that holds a backend on its host, found by the directory that it has open there.</summary>
    public void KillProgram(string name)
    {
        string network = _machines[name].Network;
        int killed = 0;
        foreach (int pid in Processes(words => words.Any(word => word.Contains(Program, StringComparison.Ordinal))))
        {
            try
            {
                if (Path.GetFileName(new FileInfo($"/proc/{pid}/ns/net").LinkTarget) != network || !new DirectoryInfo($"/proc/{pid}/fd").EnumerateFileSystemInfos().Any(file => file.LinkTarget == _options[name].StateDirectory))
                    continue;
                using var program = System.Diagnostics.Process.GetProcessById(pid);
                program.Kill();
                killed++;
            }
            catch (Exception error) when (error is IOException or UnauthorizedAccessException or ArgumentException or InvalidOperationException)
            {
                // It has ended meanwhile.
            }
        }

        Assert.True(killed > 0, $"No program holds '{name}'.");
    }

    /// <summary>The processes of this machine and all within it, by their words.</summary>
    public static IEnumerable<int> Processes(Func<string[], bool> wanted)
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int pid))
                continue;
            string[] words = [];
            try
            {
                words = File.ReadAllText(directory + "/cmdline").Split('\0');
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }

            if (wanted(words))
                yield return pid;
        }
    }
}
