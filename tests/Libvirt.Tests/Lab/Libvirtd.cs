using System.Diagnostics;
using System.Globalization;

[assembly: AssemblyFixture(typeof(Hypervisor.Sdk.Libvirt.Tests.Lab.Libvirtd))]

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>
/// A libvirtd of this test run's own: configuration, sockets and state are in a private directory, ports are the system's choice. Started when the first test needs it. Connections are made
/// through a relay, which writes down which procedures were answered in which test.
/// </summary>
public class Libvirtd : IAsyncLifetime
{
    public const int MaxClientRequests = LibvirtdProcess.MaxClientRequests;

    /// <summary>Of all daemons of a run.</summary>
    private static readonly ProcedureTable s_table = new();

    private readonly SemaphoreSlim _gate = new(1);
    private TempDirectory? _directory;
    private Process? _process;
    private readonly List<Relay> _relays = [];
    private string? _containerRoot;
    private int _nodes;

    public int ProcessId => _process!.Id;

    public string AdminSocket => _directory!["s/libvirt-admin-sock"];

    public string Socket => _directory!["s/libvirt-sock"];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A directory for what a test gives to the daemon.</summary>
    public string PathOf(string name) => _directory![name];

    /// <summary>Connects to a hypervisor of the daemon: <c>storage:///system</c>, and the test's own for <c>test:///node</c>.</summary>
    public async Task<LibvirtConnection> ConnectAsync(string name = "test:///node", LibvirtOptions? options = null)
    {
        await StartAsync();
        if (name == "test:///node")
            name = NewNode();
        options ??= new LibvirtOptions { MaxClientRequests = MaxClientRequests };
        return await LibvirtConnection.ConnectAsync(Uri(NewRelay(), name), options, TestContext.Current.CancellationToken);
    }

    /// <summary>The address of what the daemon opens by that name, through a relay.</summary>
    internal static LibvirtUri Uri(Relay relay, string name) => new($"test+unix:///x?socket={relay.Path}&name={System.Uri.EscapeDataString(name)}");

    /// <summary>A relay to the daemon, which has been started.</summary>
    internal Relay NewRelay(string? upstream = null)
    {
        lock (_relays)
        {
            var relay = new Relay(_directory![$"r{_relays.Count}"], upstream ?? Socket, s_table, TestContext.Current.Test?.TestDisplayName ?? "");
            _relays.Add(relay);
            return relay;
        }
    }

    /// <summary>A hypervisor of the test driver that nobody else uses, with one running domain.</summary>
    public string NewNode()
    {
        string path = _directory![$"node{Interlocked.Increment(ref _nodes)}.xml"];
        File.WriteAllText(path, $"<node><domain type='test'><name>web1</name><uuid>{Guid.NewGuid()}</uuid><memory unit='MiB'>64</memory><vcpu>2</vcpu><os><type>hvm</type></os><devices><disk type='file' device='disk'><source file='/guest/disk1'/><target dev='vda'/></disk><interface type='network'><mac address='52:54:00:12:34:56'/><source network='default'/><target dev='testnet0'/></interface></devices></domain></node>");
        return $"test://{path}";
    }

    /// <summary>The process that runs a machine; null when none does.</summary>
    public static int? ProcessOf(InstanceId id)
    {
        foreach (string directory in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(directory), NumberStyles.None, CultureInfo.InvariantCulture, out int process))
                continue;
            try
            {
                string[] arguments = File.ReadAllText(Path.Combine(directory, "cmdline")).Split('\0');
                if (arguments.SkipWhile(argument => argument != "-uuid").Skip(1).FirstOrDefault() == id.ToString())
                    return process;
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return null;
    }

    /// <summary>Makes the pool that disks of machines are made in, where there is none yet.</summary>
    public async Task<LibvirtConnection> ConnectQemuAsync()
    {
        var libvirt = await ConnectAsync("qemu:///system");
        await _gate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if ((await libvirt.ConnectListAllStoragePoolsAsync(1, 0, TestContext.Current.CancellationToken)).Pools.All(pool => pool.Name != "default"))
            {
                Directory.CreateDirectory(PathOf("default-pool"));
                await libvirt.StoragePoolCreateXmlAsync($"<pool type='dir'><name>default</name><target><path>{PathOf("default-pool")}</path></target></pool>", 0, TestContext.Current.CancellationToken);
            }
        }
        finally
        {
            _gate.Release();
        }

        return libvirt;
    }

    /// <summary>The port on which it listens for TCP.</summary>
    public async Task<int> TcpPortAsync()
    {
        await StartAsync();
        return PortOf(ProcessId);
    }

    /// <summary>Starts it when it does not run yet.</summary>
    public async Task StartAsync()
    {
        LibvirtdProcess.Require(out string program);
        string? unpacked = await UnpackedAsync();
        await _gate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            if (_process is { HasExited: false })
                return;
            if (_process is not null)
            {
                // libvirt 9.0 falls now and then over a client that leaves while it subscribes to an event (remoteClientFreePrivateCallbacks). Who was connected fails; whoever comes after that finds it again, with all that it kept.
                await Console.Error.WriteLineAsync($"libvirtd ended by itself with {_process.ExitCode} and is started again.");
                _process.Dispose();
            }

            _directory ??= new TempDirectory();
            _process = LibvirtdProcess.Start(unpacked is null ? program : Path.Combine(unpacked, "usr/sbin/libvirtd"), _directory, """
                listen_tls = 0
                listen_tcp = 1
                tcp_port = "0"
                auth_tcp = "none"
                """, unpacked: unpacked);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Where a libvirt is unpacked that is started instead of the installed one; null for that.</summary>
    private protected virtual Task<string?> UnpackedAsync() => Task.FromResult<string?>(null);

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        foreach (var relay in _relays)
            await relay.DisposeAsync();
        if (_process is not null)
            await LibvirtdProcess.StopAsync(_process);
        s_table.Save();
        EndContainers();
        _directory?.Dispose();
        _gate.Dispose();
    }

    /// <summary>Makes the root of containers where there is none yet: a directory with busybox that belongs to the ids of unprivileged ones.</summary>
    /// <returns>Its path.</returns>
    public async Task<string> ContainerRootAsync()
    {
        await StartAsync();
        RealPeer.Program("busybox");
        if (!File.Exists("/usr/lib/libvirt/libvirt_lxc"))
            RealPeer.Absent("libvirt's driver of containers is not installed");
        await _gate.WaitAsync(TestContext.Current.CancellationToken);
        try
        {
            return _containerRoot ??= await ContainerRoot.MakeAsync(_directory!, "root", ContainerRoot.FirstId, TestContext.Current.CancellationToken);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>What a test that failed has left running goes on without the daemon.</summary>
    private void EndContainers()
    {
        string running = _directory?["state/run/libvirt/lxc"] ?? "";
        foreach (string file in Directory.Exists(running) ? Directory.GetFiles(running, "*.pid") : [])
        {
            if (!int.TryParse(File.ReadAllText(file).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int process) || !File.Exists($"/proc/{process}/exe"))
                continue;
            using var left = Process.GetProcessById(process);
            if (left.ProcessName == "libvirt_lxc")
                left.Kill();
        }
    }

    /// <summary>The one port on which a process listens, as soon as it does.</summary>
    internal static int PortOf(int processId)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < TimeSpan.FromMinutes(1); Thread.Yield())
        {
            var inodes = Directory.GetFiles($"/proc/{processId}/fd").Select(path => new FileInfo(path).LinkTarget ?? "").Where(target => target.StartsWith("socket:[", StringComparison.Ordinal))
                .Select(target => target[8..^1]).ToHashSet();
            var line = File.ReadLines($"/proc/{processId}/net/tcp").Select(text => text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .FirstOrDefault(columns => columns[3] == "0A" && inodes.Contains(columns[9]));
            if (line is not null)
                return int.Parse(line[1].Split(':')[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        }

        throw new TimeoutException($"Process {processId} listens on no port.");
    }
}
