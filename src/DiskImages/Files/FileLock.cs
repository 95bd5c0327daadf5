using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>A lock on a file (flock(2)), kept until it is disposed or this process ends, however it ends. It excludes other processes and other holders in this one alike.</summary>
[SupportedOSPlatform("linux")]
public sealed class FileLock : IDisposable
{
    private readonly SafeFileHandle _file;

    internal FileLock(SafeFileHandle file) => _file = file;

    /// <summary>Gives the lock back. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_file.IsClosed)
            return;
        Release(_file);
        _file.Dispose();
    }

    /// <summary>Gives the lock of an open file back. Closing the file is not enough: a program that another thread is starting has a copy of the descriptor until its first instruction, and the lock would last as long.</summary>
    /// <param name="file">The file; not closed.</param>
    public static void Release(SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(file);
        using var descriptor = new Descriptor(file);
        _ = Descriptor.Retry(() => LibC.Lock(descriptor, LibC.Unlock), out _);
    }

    /// <summary>Locks an open file for as long as its handle is open.</summary>
    /// <param name="file">The file.</param>
    /// <param name="exclusive">Alone, or beside others that do not ask to be alone.</param>
    /// <returns>False when somebody else holds it in a way that excludes this.</returns>
    /// <exception cref="HypervisorException">The file system cannot lock.</exception>
    public static bool TryHold(SafeFileHandle file, bool exclusive)
    {
        ArgumentNullException.ThrowIfNull(file);
        using var descriptor = new Descriptor(file);
        int errno = Descriptor.Retry(() => LibC.Lock(descriptor, (exclusive ? LibC.LockExclusive : LibC.LockShared) | LibC.LockNonBlocking), out _);
        return errno switch
        {
            0 => true,
            FileFailure.EAGAIN => false,
            _ => throw FileFailure.From(errno, "Locking a file"),
        };
    }
}
