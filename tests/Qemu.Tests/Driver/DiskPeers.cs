using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>What the disks of a test come from: loop devices, NBD servers, an iSCSI target.</summary>
[SupportedOSPlatform("linux")]
internal sealed class DiskPeers : IDisposable
{
    private readonly List<string> _loops = [];
    private readonly List<int> _servers = [];
    private readonly List<Process> _targets = [];
    private readonly string _directory = Directory.CreateTempSubdirectory("hv-nbd").FullName;

    /// <summary>A block device with what is in a file.</summary>
    public string Loop(string file)
    {
        var start = new ProcessStartInfo(RealPeer.Program("losetup"), ["-f", "--show", file]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        string device = process.StandardOutput.ReadToEnd().Trim();
        process.WaitForExit();
        if (process.ExitCode != 0)
            RealPeer.Absent("a loop device takes root");
        _loops.Add(device);
        File.SetUnixFileMode(device, (UnixFileMode)438);
        return device;
    }

    /// <summary>An NBD server that the user whom QEMU runs as can reach.</summary>
    public Uri Serve(string file, string name)
    {
        File.SetUnixFileMode(_directory, (UnixFileMode)493);
        string socket = Path.Combine(_directory, $"nbd{_servers.Count}.sock"), pid = Path.Combine(_directory, $"pid{_servers.Count}");
        using var process = Process.Start(new ProcessStartInfo(RealPeer.Program("qemu-nbd"), ["--fork", "--persistent", "--pid-file", pid, "--socket", socket, "--export-name", name, "--format", "raw", file]))!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        _servers.Add(int.Parse(File.ReadAllText(pid), CultureInfo.InvariantCulture));
        File.SetUnixFileMode(socket, (UnixFileMode)511);
        return new Uri($"nbd+unix:///{Uri.EscapeDataString(name)}?socket={socket}");
    }

    /// <summary>An iSCSI target with one unit, number 1, that asks who comes (CHAP); its port on the loopback.</summary>
    public int ServeIscsi(string file, string target, string user, string secret)
    {
        string socket = Path.Combine(_directory, "tgt"), program = RealPeer.Program("tgtd");
        int port = FreePort();
        var start = new ProcessStartInfo(program, ["-f", "--iscsi", $"portal=127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}"]) { Environment = { ["TGT_IPC_SOCKET"] = socket }, RedirectStandardError = true, RedirectStandardOutput = true };
        var process = Process.Start(start)!;
        _targets.Add(process);
        // What it says is read, or it would not go on.
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        // It says nothing when it is ready, and takes commands when it is.
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!Tell(socket, "--op", "new", "--mode", "target", "--tid", "1", "-T", target))
            Assert.False(process.HasExited || patience.IsCancellationRequested, "tgtd does not take commands.");
        Assert.True(Tell(socket, "--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", file));
        Assert.True(Tell(socket, "--op", "bind", "--mode", "target", "--tid", "1", "-I", "ALL"));
        Assert.True(Tell(socket, "--mode", "account", "--op", "new", "--user", user, "--password", secret));
        Assert.True(Tell(socket, "--mode", "account", "--op", "bind", "--tid", "1", "--user", user));
        return port;
    }

    private static bool Tell(string socket, params string[] arguments)
    {
        var start = new ProcessStartInfo(RealPeer.Program("tgtadm"), ["--lld", "iscsi", .. arguments]) { Environment = { ["TGT_IPC_SOCKET"] = socket }, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    public void Dispose()
    {
        foreach (int server in _servers)
        {
            using var process = Process.GetProcessById(server);
            process.Kill();
        }

        foreach (var target in _targets)
        {
            target.Kill();
            target.WaitForExit();
            target.Dispose();
        }

        foreach (string loop in _loops)
        {
            using var process = Process.Start(new ProcessStartInfo("losetup", ["-d", loop]))!;
            process.WaitForExit();
        }

        Directory.Delete(_directory, recursive: true);
    }
}
