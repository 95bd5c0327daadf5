using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.State;

/// <summary>
/// The lock of one machine, in <c>locks/</c>: it exists before the machine and after it, so that making and removing one are under it too. Held by a process for as long as a change lasts; when the process dies, the
/// kernel lets go.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineLock : IDisposable
{
    private readonly RootedDirectory _root;
    private readonly SafeFileHandle _file;
    private readonly string _path;

    private MachineLock(RootedDirectory root, SafeFileHandle file, string path)
    {
        _root = root;
        _file = file;
        _path = path;
    }

    /// <summary>Takes a lock; null when somebody else holds it.</summary>
    public static MachineLock? TryTake(RootedDirectory root, string name)
    {
        string path = $"locks/{name}";
        while (true)
        {
            var file = Open(root, path);
            if (file is null)
                continue;
            if (!FileLock.TryHold(file, exclusive: true))
            {
                file.Dispose();
                return null;
            }

            // Somebody may have removed the file between opening and locking it; then this is a lock that nobody else will see.
            var taken = new MachineLock(root, file, path);
            if (taken.IsCurrent)
                return taken;
            taken.Dispose();
        }
    }

    /// <summary>Whether this is still the lock that others would take: false once its file was removed.</summary>
    public bool IsCurrent => _root.Find(_path)?.Inode == RootedDirectory.FactsOf(_file).Inode;

    /// <summary>Removes the lock file with the machine; the lock is still held until this is disposed.</summary>
    public void Remove() => _root.Delete(_path);

    public void Dispose() => _file.Dispose();

    private static SafeFileHandle? Open(RootedDirectory root, string path)
    {
        try
        {
            return root.Find(path) is null ? root.CreateFile(path) : root.OpenFile(path, FileAccess.ReadWrite);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound || error.Code == ErrorCode.AlreadyExists)
        {
            // Made or removed by somebody else in this moment.
            return null;
        }
    }
}
