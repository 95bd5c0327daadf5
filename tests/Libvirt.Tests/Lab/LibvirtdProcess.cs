using System.Diagnostics;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>A libvirtd with a state of its own, as a process. What else the lab has is not needed to start one.</summary>
internal static class LibvirtdProcess
{
    public const int MaxClientRequests = 32;

    /// <summary>Skips, or fails in CI, where there is no libvirtd or where it cannot be kept apart.</summary>
    internal static void Require(out string program)
    {
        program = RealPeer.Program("libvirtd");
        if (Environment.UserName != "root")
            RealPeer.Absent("libvirtd with a private state needs root");
    }

    /// <summary>Starts a daemon in a directory and waits until it answers. One that is unpacked somewhere brings its libraries and drivers along.</summary>
    internal static Process Start(string program, TempDirectory directory, string listening, bool hasOwnNetwork = false, string? saslDirectory = null, string? hostName = null, string? bind = null, string? unpacked = null)
    {
        Directory.CreateDirectory(directory["s"]);
        Directory.CreateDirectory(directory["state/etc/libvirt"]);
        // Two daemons that look for free ports for screens at the same time find the same: each has its own to look among.
        int display = Random.Shared.Next(10_000, 30_000);
        File.WriteAllText(directory["state/etc/libvirt/qemu.conf"], $"""
            remote_display_port_min = {display}
            remote_display_port_max = {display + 99}
            user = "root"
            group = "root"
            security_driver = "none"
            namespaces = []
            cgroup_controllers = []
            stdio_handler = "file"
            remember_owner = 0
            """);
        File.WriteAllText(directory["state/etc/libvirt/lxc.conf"], """
            security_driver = "none"
            """);
        File.WriteAllText(directory["libvirtd.conf"], $"""
            unix_sock_dir = "{directory["s"]}"
            auth_unix_rw = "{(saslDirectory is null ? "none" : "sasl")}"
            auth_unix_ro = "none"
            listen_addr = "127.0.0.1"
            {listening}
            host_uuid = "{Guid.NewGuid()}"
            max_client_requests = {MaxClientRequests}
            log_outputs = "3:file:{directory["log"]}"
            """);
        string lab = Path.Combine(AppContext.BaseDirectory, "Lab");
        string[] network = hasOwnNetwork ? ["--net", Path.Combine(lab, "private-network")] : [];
        var start = new ProcessStartInfo(
            RealPeer.Program("unshare"),
            ["--mount", "--uts", .. network, Path.Combine(lab, "private-libvirtd"), directory["state"], program, "--config", directory["libvirtd.conf"], "--pid-file", directory["pid"], "--listen"]);
        if (saslDirectory is not null)
            start.Environment["SASL_CONF_PATH"] = saslDirectory;
        start.Environment["LAB_HOST_NAME"] = hostName ?? "";
        start.Environment["LAB_BIND"] = bind ?? "";
        start.Environment["LAB_LIBVIRT"] = unpacked ?? "";
        var process = Process.Start(start)!;
        var clock = Stopwatch.StartNew();
        while (!IsReady(directory["s/libvirt-sock"]))
        {
            Assert.False(process.HasExited, $"libvirtd ended with {(process.HasExited ? process.ExitCode : 0)}: {(File.Exists(directory["log"]) ? File.ReadAllText(directory["log"]) : "no log")}");
            Assert.True(clock.Elapsed < TimeSpan.FromMinutes(1), "libvirtd did not listen within a minute.");
            Thread.Yield();
        }

        return process;
    }

    internal static async Task StopAsync(Process process)
    {
        process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }

    private static bool IsReady(string path)
    {
        if (!File.Exists(path))
            return false;
        using var socket = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Unspecified);
        try
        {
            socket.Connect(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}
