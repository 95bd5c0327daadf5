using System.Diagnostics;

[assembly: AssemblyFixture(typeof(Hypervisor.Sdk.Libvirt.Tests.Lab.NewerLibvirtd))]

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>A second libvirt, newer than the installed one: that of Debian 12's backports, unpacked once by <c>eng/newer-libvirt</c>, never installed, and cached for all runs. Its emulators and programs are those of the machine.</summary>
public sealed class NewerLibvirtd : Libvirtd
{
    /// <summary>The version in Debian 12's backports.</summary>
    public static readonly Version Version = new(11, 3, 0);

    /// <summary>Unpacks it first where the cache has none (16 seconds and 40 MB of packages and lists). Where it cannot be had the test skips, or fails in CI.</summary>
    private protected override async Task<string?> UnpackedAsync()
    {
        using var process = Process.Start(new ProcessStartInfo(Repository.PathOf("eng", "newer-libvirt")) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string directory = (await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken)).Trim();
        string said = (await errors).Trim();
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        if (process.ExitCode != 0)
            RealPeer.Absent($"eng/newer-libvirt ended with {process.ExitCode}: {said}");
        return directory;
    }
}
