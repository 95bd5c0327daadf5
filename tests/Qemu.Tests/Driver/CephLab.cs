using System.Diagnostics;
using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>A Ceph of one monitor and one daemon that keeps objects in memory, of its own, on an address of the loopback that nobody else has.</summary>
[SupportedOSPlatform("linux")]
internal sealed class CephLab : IDisposable
{
    private const string Admin = "client.admin";

    private readonly TempDirectory _directory = new();
    private readonly List<Process> _daemons = [];

    private CephLab()
    {
    }

    /// <summary>The pool.</summary>
    public const string Pool = "vm disks";

    /// <summary>The configuration, which everybody may read.</summary>
    public string ConfigurationPath => _directory["ceph.conf"];

    /// <summary>Starts it, and makes the pool.</summary>
    public static async Task<CephLab> StartAsync(CancellationToken cancellationToken)
    {
        foreach (string program in (string[])["ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "ceph", "rbd"])
            RealPeer.Program(program);
        var lab = new CephLab();
        try
        {
            await lab.StartMonitorAsync(cancellationToken);
            await lab.StartStoreAsync(cancellationToken);
            await lab.CephAsync(cancellationToken, "osd", "pool", "create", Pool, "8", "8");
            await lab.CephAsync(cancellationToken, "osd", "pool", "application", "enable", Pool, "rbd");
            return lab;
        }
        catch
        {
            lab.Dispose();
            throw;
        }
    }

    /// <summary>Makes a user who may use the pool's images; the key.</summary>
    public async Task<string> AddUserAsync(string name, CancellationToken cancellationToken) =>
        (await CephAsync(cancellationToken, "auth", "get-or-create-key", "client." + name, "mon", "profile rbd", "osd", "profile rbd")).Trim();

    /// <summary>Does something to images as who may do everything; what it said.</summary>
    public Task<string> RbdAsync(CancellationToken cancellationToken, params string[] arguments) => RunAsync("rbd", ["-c", _directory["admin.conf"], "-n", Admin, .. arguments], cancellationToken);

    public void Dispose()
    {
        foreach (var daemon in _daemons)
        {
            daemon.Kill();
            daemon.WaitForExit();
            daemon.Dispose();
        }

        _directory.Dispose();
    }

    private Task<string> CephAsync(CancellationToken cancellationToken, params string[] arguments) => RunAsync("ceph", ["-c", _directory["admin.conf"], "-n", Admin, .. arguments], cancellationToken);

    private async Task StartMonitorAsync(CancellationToken cancellationToken)
    {
        // All of 127.0.0.0/8 is here, so that no port has to be looked for that nobody else takes meanwhile.
        byte[] place = RandomNumberGenerator.GetBytes(3);
        string address = string.Create(CultureInfo.InvariantCulture, $"127.{place[0]}.{place[1]}.{1 + (place[2] % 254)}"), monitors = $"[v2:{address}:3300,v1:{address}:6789]", id = Guid.NewGuid().ToString();
        string common = $"""
            [global]
            fsid = {id}
            mon host = {monitors}
            auth cluster required = cephx
            auth service required = cephx
            auth client required = cephx

            """;
        // What a client reads says nothing of where the daemons keep what is theirs: it is somebody who may not go there.
        await File.WriteAllTextAsync(ConfigurationPath, common, cancellationToken);
        await File.WriteAllTextAsync(_directory["admin.conf"], $"""
            {common}
            keyring = {_directory["keyring"]}
            public network = 127.0.0.0/8
            osd pool default size = 1
            osd pool default min size = 1
            osd crush chooseleaf type = 0
            osd objectstore = memstore
            memstore device bytes = 268435456
            mon allow pool size one = true
            mon data avail crit = 0
            run dir = {_directory.Path}
            admin socket =
            log file =
            crash dir = {_directory["crash"]}
            mon data = {_directory["mon"]}
            osd data = {_directory["osd"]}

            """, cancellationToken);
        // The user whom QEMU runs as reads one of them.
        File.SetUnixFileMode(_directory.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        foreach (string part in (string[])["mon", "osd", "crash"])
            Directory.CreateDirectory(_directory[part]);
        await AddKeyAsync("mon.", cancellationToken, "--cap", "mon", "allow *");
        await AddKeyAsync(Admin, cancellationToken, "--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *");
        await AddKeyAsync("osd.0", cancellationToken, "--cap", "mon", "allow profile osd", "--cap", "osd", "allow *");
        await RunAsync("monmaptool", ["--create", "--addv", "a", monitors, "--fsid", id, _directory["monmap"]], cancellationToken);
        string[] monitor = ["-c", _directory["admin.conf"], "-i", "a", "--setuser", "root", "--setgroup", "root"];
        await RunAsync("ceph-mon", [.. monitor, "--mkfs", "--monmap", _directory["monmap"], "--keyring", _directory["keyring"]], cancellationToken);
        Start("ceph-mon", [.. monitor, "-f"]);
    }

    private async Task StartStoreAsync(CancellationToken cancellationToken)
    {
        string id = Guid.NewGuid().ToString();
        string[] store = ["-c", _directory["admin.conf"], "-i", "0", "--setuser", "root", "--setgroup", "root"];
        Assert.Equal("0", (await CephAsync(cancellationToken, "osd", "new", id)).Trim());
        await RunAsync("ceph-osd", [.. store, "--mkfs", "--osd-uuid", id], cancellationToken);
        Start("ceph-osd", [.. store, "-f"]);
    }

    private async Task AddKeyAsync(string name, CancellationToken cancellationToken, params string[] rights)
    {
        string keys = _directory["keyring"];
        await RunAsync("ceph-authtool", [.. File.Exists(keys) ? Array.Empty<string>() : ["--create-keyring"], keys, "--gen-key", "-n", name, .. rights], cancellationToken);
    }

    private void Start(string program, string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        _daemons.Add(process);
        // What they say is read, or they would not go on.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    private static async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        try
        {
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            string said = await process.StandardOutput.ReadToEndAsync(cancellationToken);
            string complaint = await error;
            await process.WaitForExitAsync(cancellationToken);
            Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {process.ExitCode}: {complaint}");
            return said;
        }
        catch
        {
            process.Kill();
            throw;
        }
    }
}
