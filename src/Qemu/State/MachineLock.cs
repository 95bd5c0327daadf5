using System.Globalization;
using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Processes;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.State;

/// <summary>
/// The lock of one machine, in <c>locks/</c>: it exists before the machine and after it, so that making and removing one are under it too. Held by a process for as long as a change lasts; when the process dies, the
/// kernel lets go.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineLock : IDisposable
{
    /// <summary>One length for all words, so that one is never read with the end of another.</summary>
    private const int WordBytes = 32;

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

    /// <summary>Lets those know who listen to the directory of locks that the machine was changed. Takes no space, so that it can be done on a full disk too.</summary>
    public void Touch()
    {
        try
        {
            File.SetLastWriteTimeUtc(_file, DateTime.UtcNow);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // A file system that takes no new time of a file has not taken a change of a machine either.
        }
    }

    /// <summary>Writes a word into the lock for those to read who do not have it; null clears it.</summary>
    public void Write(string? word)
    {
        try
        {
            if (word is null)
                RandomAccess.SetLength(_file, 0);
            else
                RandomAccess.Write(_file, Encoding.UTF8.GetBytes(word.PadRight(WordBytes)).AsSpan(0, WordBytes), 0);
        }
        catch (IOException)
        {
            // The disk is full: there is no word then, and who needs it asks QEMU.
        }
    }

    /// <summary>Looks at a lock without asking for it.</summary>
    /// <returns>Whether somebody holds it, and the word that they have written into it.</returns>
    public static (bool IsHeld, string? Word) Look(RootedDirectory root, string name)
    {
        try
        {
            using var file = root.OpenFile($"locks/{name}");
            if (FileLock.TryHold(file, exclusive: false))
            {
                FileLock.Release(file);
                return (false, null);
            }

            byte[] word = new byte[WordBytes];
            return (true, RandomAccess.Read(file, word, 0) == WordBytes ? Encoding.UTF8.GetString(word).TrimEnd() : null);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound)
        {
            return (false, null);
        }
    }

    /// <summary>Removes the lock file with the machine; the lock is still held until this is disposed.</summary>
    public void Remove() => _root.Delete(_path);

    public void Dispose()
    {
        if (_file.IsClosed)
            return;
        FileLock.Release(_file);
        _file.Dispose();
    }

    /// <summary>Whether a lock is held by a process that lives. One that died lets go in a moment: a program that it was starting still has its descriptors.</summary>
    /// <remarks>By <c>/proc/locks</c> (proc_locks(5)): the fifth field is the process that took the lock, the sixth ends with the number of the file.</remarks>
    public static bool IsHeldByTheLiving(RootedDirectory root, string name)
    {
        if (root.Find($"locks/{name}") is not { } facts)
            return false;
        string inode = string.Create(CultureInfo.InvariantCulture, $":{facts.Inode}");
        foreach (string line in File.ReadLines("/proc/locks"))
        {
            string[] fields = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (fields.Length > 5 && fields[1] == "FLOCK" && fields[5].EndsWith(inode, StringComparison.Ordinal) && int.TryParse(fields[4], NumberStyles.None, CultureInfo.InvariantCulture, out int pid) && ProcessIdentity.Of(pid) is not null)
                return true;
        }

        return false;
    }

    private static SafeFileHandle? Open(RootedDirectory root, string path)
    {
        bool isThere = false;
        try
        {
            isThere = root.Find(path) is not null;
            return isThere ? root.OpenFile(path, FileAccess.ReadWrite) : root.CreateFile(path);
        }
        catch (HypervisorException error) when (error.Code == (isThere ? ErrorCode.NotFound : ErrorCode.AlreadyExists))
        {
            // Made or removed by somebody else in this moment.
            return null;
        }
    }
}
