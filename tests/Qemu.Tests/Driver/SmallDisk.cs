using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>A file system so small that it can be full: in memory, or in a file. Only root can mount one.</summary>
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

    /// <summary>The same as a file system with blocks, journal and directories that need room, in a file.</summary>
    public static SmallDisk MountExt4(string path, string image)
    {
        Directory.CreateDirectory(path);
        using (var file = File.OpenHandle(image, FileMode.CreateNew, FileAccess.Write))
            RandomAccess.SetLength(file, 16 << 20);
        if (!Run("mke2fs", "-q", "-t", "ext4", "-m", "0", image) || !Run("mount", "-o", "loop", image, path))
            RealPeer.Absent("mounting a file takes root and a loop device");
        return new SmallDisk(path);
    }

    /// <summary>Writes until not one block is free.</summary>
    public void Fill()
    {
        using var filler = File.OpenHandle(System.IO.Path.Combine(Path, "filler"), FileMode.OpenOrCreate, FileAccess.Write);
        for (int bytes = 1 << 20; bytes >= 512; bytes /= 2)
        {
            try
            {
                while (true)
                {
                    RandomAccess.Write(filler, new byte[bytes], RandomAccess.GetLength(filler));
                    RandomAccess.FlushToDisk(filler);
                }
            }
            catch (IOException)
            {
                // Not so much is free any more.
            }
        }
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
