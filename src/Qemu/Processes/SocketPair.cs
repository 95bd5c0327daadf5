using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>Two unix sockets that are connected to each other and have no name: socketpair(2).</summary>
[SupportedOSPlatform("linux")]
internal static unsafe class SocketPair
{
    private const int Unix = 1;
    private const int StreamCloseOnExec = 1 | 0x80000;

    /// <summary>Makes a pair.</summary>
    public static (SafeFileHandle First, SafeFileHandle Second) Create()
    {
        int* ends = stackalloc int[2];
        return Native.SocketPair(Unix, StreamCloseOnExec, 0, ends) == 0
            ? (new SafeFileHandle(ends[0], ownsHandle: true), new SafeFileHandle(ends[1], ownsHandle: true))
            : throw Native.Failure("Making a pair of sockets");
    }
}
