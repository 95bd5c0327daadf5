using System.Diagnostics;
using System.Globalization;

namespace Hypervisor.Sdk.Libvirt.Tests.Lab;

/// <summary>A root file system of busybox for containers of LXC's driver, with an init that starts a shell on the console and ends when it is told to.</summary>
internal static class ContainerRoot
{
    /// <summary>What root in an unprivileged container is on the host: the default of <see cref="LibvirtBackendOptions.FirstContainerId"/>.</summary>
    public const int FirstId = 100_000;

    private const UnixFileMode Executable =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;

    private const string Init = """
        #!/bin/sh
        trap 'exit 0' TERM
        exec 3<&0
        echo "booted $1"
        /bin/sh -i <&3 &
        while :; do
            sleep 100000 &
            wait $!
        done

        """;

    /// <summary>Makes one.</summary>
    /// <param name="parent">Where: others than root on the host have to pass through it.</param>
    /// <param name="name">The directory to be.</param>
    /// <param name="owner">To whom it belongs.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<string> MakeAsync(TempDirectory parent, string name, int owner, CancellationToken cancellationToken)
    {
        File.SetUnixFileMode(parent.Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute);
        string busybox = RealPeer.Program("busybox");
        foreach (string directory in new[] { "bin", "sbin", "etc", "proc", "sys", "dev", "root", "tmp", "run", "var" })
            Directory.CreateDirectory(parent[$"{name}/{directory}"]);
        File.Copy(busybox, parent[$"{name}/bin/busybox"]);
        string list = await RunAsync(busybox, ["--list"], cancellationToken);
        foreach (string applet in list.Split('\n', StringSplitOptions.RemoveEmptyEntries).Where(applet => applet != "busybox"))
            File.CreateSymbolicLink(parent[$"{name}/bin/{applet}"], "busybox");
        await File.WriteAllTextAsync(parent[$"{name}/sbin/init"], Init, cancellationToken);
        File.SetUnixFileMode(parent[$"{name}/sbin/init"], Executable);
        await File.WriteAllTextAsync(parent[$"{name}/etc/passwd"], "root:x:0:0:root:/root:/bin/sh\n", cancellationToken);
        await RunAsync("chown", ["-R", string.Create(CultureInfo.InvariantCulture, $"{owner}:{owner}"), parent[name]], cancellationToken);
        return parent[name];
    }

    /// <summary>What a program prints that must succeed.</summary>
    public static async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancellationToken)
    {
        using var process = Process.Start(new ProcessStartInfo(RealPeer.Program(program), arguments) { RedirectStandardOutput = true })!;
        string output = await process.StandardOutput.ReadToEndAsync(cancellationToken);
        await process.WaitForExitAsync(cancellationToken);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {process.ExitCode}");
        return output;
    }
}
