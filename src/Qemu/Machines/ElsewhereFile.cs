using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Processes;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Opens files and block devices of somebody else's, and nothing that would keep a thread waiting (a pipe). What lies beneath a directory that the options name is opened beneath it, through no link: whoever may write there could point
/// one at any file of this host, also after the machine was made.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class ElsewhereFile
{
    // fcntl.h; the same numbers wherever QEMU's machines run here.
    private const int ReadWrite = 2;
    private const int NoTerminal = 0x100;
    private const int NonBlocking = 0x800;
    private const int CloseOnExec = 0x80000;

    /// <summary>Opens one.</summary>
    /// <param name="options">Their directories of images and volumes are those in which no link is followed.</param>
    /// <param name="path">An absolute path.</param>
    /// <param name="writable">For writing too.</param>
    /// <exception cref="HypervisorException">It is not there (<see cref="ErrorCode.NotFound"/>), or it may not be opened, or is neither a file nor a block device (<see cref="ErrorCode.Denied"/>); the message names neither, for the caller knows what it is for.</exception>
    public static SafeFileHandle Open(QemuOptions options, string path, bool writable)
    {
        foreach (string directory in (options.AttachDirectories ?? []).Concat(options.ImageDirectories))
        {
            if (Beneath(directory, path) is not { } name || !Directory.Exists(directory))
                continue;
            if (IsOfDevices(path))
                return Open(path, writable, isDevice: true);
            using var root = RootedDirectory.Open(directory);
            return root.OpenFileOrBlockDevice(name, writable ? FileAccess.ReadWrite : FileAccess.Read);
        }

        // In no directory of the options: links are followed.
        return Open(path, writable, isDevice: false);
    }

    private static SafeFileHandle Open(string path, bool writable, bool isDevice)
    {
        int descriptor = Native.Open(path, (writable ? ReadWrite : 0) | NonBlocking | NoTerminal | CloseOnExec, 0);
        if (descriptor < 0)
            throw Native.Failure("Opening it", Marshal.GetLastPInvokeError());
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        var facts = RootedDirectory.FactsOf(file);
        if (facts.IsBlockDevice || (facts.IsRegularFile && !isDevice))
            return file;
        file.Dispose();
        throw new HypervisorException(isDevice ? "It is not a block device." : "It is neither a regular file nor a block device.", ErrorCode.Denied, RequestOutcome.Rejected);
    }

    /// <summary>Where a path is beneath a directory; null when it is not.</summary>
    public static string? Beneath(string directory, string path)
    {
        string prefix = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        prefix = prefix == "/" ? prefix : prefix + "/";
        return path.StartsWith(prefix, StringComparison.Ordinal) && path.Length > prefix.Length ? path[prefix.Length..] : null;
    }

    /// <summary>Whether a path is among the system's devices, where links are its own (<c>/dev/disk/by-id</c>, <c>/dev/mapper</c>) and only root makes them; not in <c>/dev/shm</c>, where everybody may write.</summary>
    private static bool IsOfDevices(string path) => path.StartsWith("/dev/", StringComparison.Ordinal) && !path.StartsWith("/dev/shm/", StringComparison.Ordinal);
}
