using System.Diagnostics;
using System.Globalization;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>A libvirtd with a network of its own, for the tests of one class.</summary>
public sealed class NetworkDaemon : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private Process? _process;

    public string Socket => _directory["s/libvirt-sock"];

    public string PathOf(string name) => _directory[name];

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Starts it when it does not run yet; skips the test where it cannot.</summary>
    public void Start()
    {
        if (_process is not null)
            return;
        LibvirtdProcess.Require(out string program);
        foreach (string tool in new[] { "dnsmasq", "ip", "nsenter", "busybox", "iptables" })
            RealPeer.Program(tool);
        _process = LibvirtdProcess.Start(program, _directory, "listen_tls = 0", hasOwnNetwork: true);
    }

    /// <summary>Runs a program in the daemon's network, and returns what it prints.</summary>
    public async Task<string> RunAsync(params string[] command)
    {
        string[] arguments = ["--target", _process!.Id.ToString(CultureInfo.InvariantCulture), "--net", "--", .. command];
        var start = new ProcessStartInfo(RealPeer.Program("nsenter"), arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"{string.Join(' ', command)}: {await errors}");
        return output;
    }

    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
            await LibvirtdProcess.StopAsync(_process);
        // What a test that failed has left of the daemon's DHCP servers.
        foreach (string file in Directory.Exists(_directory["state/run/libvirt/network"]) ? Directory.GetFiles(_directory["state/run/libvirt/network"], "*.pid") : [])
        {
            if (int.TryParse((await File.ReadAllTextAsync(file)).Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out int process) && Directory.Exists($"/proc/{process}"))
                Process.GetProcessById(process).Kill();
        }

        _directory.Dispose();
    }
}
