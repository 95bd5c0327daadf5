using System.Diagnostics;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>The other opinion on what a daemon says.</summary>
internal static class Virsh
{
    /// <summary>Runs one command at a driver of the lab's daemon and returns what it prints.</summary>
    public static async Task<string> RunAsync(Libvirtd libvirtd, string driver, params string[] arguments)
    {
        await libvirtd.StartAsync();
        return await RunAsync(libvirtd.Socket, driver, arguments);
    }

    /// <summary>Runs one command at a driver of the daemon that listens there.</summary>
    public static async Task<string> RunAsync(string socket, string driver, params string[] arguments)
    {
        var start = new ProcessStartInfo(RealPeer.Program("virsh"), ["--connect", $"{driver}?socket={socket}", .. arguments]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, $"virsh {string.Join(' ', arguments)}: {await errors}");
        return output;
    }
}
