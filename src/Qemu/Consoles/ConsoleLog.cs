using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.State;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>
/// The log of the first serial port, which QEMU appends to and which is kept short from the front: the space of what is too old is given back while QEMU writes on (fallocate(2), FALLOC_FL_PUNCH_HOLE). The length still counts all that was printed;
/// reading begins behind the hole.
/// </summary>
[SupportedOSPlatform("linux")]
internal static class ConsoleLog
{
    private const int KeepSize = 1;
    private const int PunchHole = 2;
    private const int SeekData = 3;
    private const int NoData = 6;

    /// <summary>What a hole begins and ends at: no page is left half empty.</summary>
    private const long PageBytes = 4096;

    /// <summary>Gives back the space of what is older than the limit, when there is a good deal of it.</summary>
    /// <returns>False when the file system has no holes: then the log grows on.</returns>
    public static bool Trim(StateDirectory state, string id, ByteSize limit)
    {
        string path = StateDirectory.ConsoleLog(id);
        // Not at every line: a quarter more than the limit is where it is cut back.
        if (state.Root.Find(path) is not { } facts || facts.AllocatedBytes <= limit.Bytes + (limit.Bytes / 4))
            return true;
        using var file = state.Root.OpenFile(path, FileAccess.ReadWrite);
        long end = (RandomAccess.GetLength(file) - limit.Bytes) / PageBytes * PageBytes;
        return end <= 0 || Call(file, descriptor => Native.Allocate(descriptor, PunchHole | KeepSize, 0, end)) == 0;
    }

    /// <summary>Where what is kept begins.</summary>
    public static long Begin(SafeFileHandle file, long length)
    {
        long begin = Call(file, descriptor => Native.Seek(descriptor, 0, SeekData));
        if (begin >= 0)
            return Math.Min(begin, length);
        // All of it is a hole, or the file system does not say: then there is none.
        return Marshal.GetLastPInvokeError() == NoData ? length : 0;
    }

    private static long Call(SafeFileHandle file, Func<int, long> call)
    {
        bool added = false;
        try
        {
            file.DangerousAddRef(ref added);
            return call((int)file.DangerousGetHandle());
        }
        finally
        {
            if (added)
                file.DangerousRelease();
        }
    }
}
