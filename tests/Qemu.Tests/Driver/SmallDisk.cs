using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>A file system in memory, so small that it can be full. Only root can mount one.</summary>
[SupportedOSPlatform("linux")]
internal sealed class SmallDisk : IDisposable
{
    private SmallDisk(string path) => Path = path;

    public string Path { get; }

    public static SmallDisk Mount(string path, string options)
    {
        Directory.CreateDirectory(path);
        if (!Run("mount", "-t", "tmpfs", "-o", options + ",mode=0700", "tmpfs", path))
            RealPeer.Absent("mounting a tmpfs takes root");
        return new SmallDisk(path);
    }

    public void Remount(string options) => Assert.True(Run("mount", "-o", "remount," + options, Path));

    public void Dispose() => Run("umount", "-l", Path);

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
