using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.DiskImages;

/// <summary>
/// A directory, held open, and what is beneath it. No path leads out of it: not by <c>..</c>, not from the root, not through a symbolic link or a link of /proc, and not when somebody exchanges a directory
/// for a link meanwhile. Safe to use from several threads.
/// </summary>
/// <remarks>
/// By openat2(2) with RESOLVE_BENEATH, RESOLVE_NO_SYMLINKS and RESOLVE_NO_MAGICLINKS; on kernels before 5.6, one component at a time with O_NOFOLLOW. Paths are relative, with <c>/</c> between components.
/// Every effect that outlives the process passes the <see cref="IDurableSeam"/>.
/// </remarks>
[SupportedOSPlatform("linux")]
public sealed partial class RootedDirectory : IDisposable
{
    private const UnixFileMode PrivateFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode PrivateDirectory = PrivateFile | UnixFileMode.UserExecute;
    private const int RegularType = 0x8000;
    private const int DirectoryType = 0x4000;
    private const int BlockDeviceType = 0x6000;
    private const int LinkType = 0xA000;
    private const int TypeBits = 0xF000;
    private const int ModeBits = 0xFFF;

    private readonly SafeFileHandle _root;
    private readonly IDurableSeam? _seam;
    private readonly bool _hasOpenAt2;

    private RootedDirectory(SafeFileHandle root, string path, IDurableSeam? seam, bool hasOpenAt2)
    {
        _root = root;
        _seam = seam;
        _hasOpenAt2 = hasOpenAt2;
        Path = path;
    }

    /// <summary>The absolute path by which it was opened. What is there now may be something else; what is held open stays the same.</summary>
    public string Path { get; }

    /// <summary>Opens a directory that exists. Links in the path to it are followed: who configures it decides where it is.</summary>
    /// <param name="path">The path.</param>
    /// <param name="seam">Is told of every durable effect. Default: nobody is.</param>
    /// <exception cref="HypervisorException">There is no such directory, or it may not be opened.</exception>
    public static RootedDirectory Open(string path, IDurableSeam? seam = null) => Open(path, seam, s_kernelHasOpenAt2.Value);

    /// <summary>Opens a directory beneath this one. Disposing either leaves the other open.</summary>
    /// <exception cref="HypervisorException">There is no such directory, or the path leads outside.</exception>
    public RootedDirectory OpenDirectory(string path) =>
        new(Resolve(path, LibC.ReadOnly | LibC.OnlyDirectory, PrivateFile, $"Opening the directory {Say(path)}"), PathOf(path), _seam, _hasOpenAt2);

    /// <summary>Opens a regular file. What is no regular file is refused without waiting for it.</summary>
    /// <param name="path">The path beneath this directory.</param>
    /// <param name="access">For reading, writing or both.</param>
    /// <returns>The file; the caller disposes it.</returns>
    /// <exception cref="HypervisorException">There is no such file (<see cref="ErrorCode.NotFound"/>), it is no regular file, or the path leads outside (<see cref="ErrorCode.Denied"/>).</exception>
    public SafeFileHandle OpenFile(string path, FileAccess access = FileAccess.Read) => OpenFile(path, access, isDeviceAllowed: false);

    /// <summary>Opens a regular file or a block device. What is neither is refused without waiting for it.</summary>
    /// <param name="path">The path beneath this directory.</param>
    /// <param name="access">For reading, writing or both.</param>
    /// <returns>The file or device; the caller disposes it.</returns>
    /// <exception cref="HypervisorException">There is none (<see cref="ErrorCode.NotFound"/>), it is neither, or the path leads outside (<see cref="ErrorCode.Denied"/>).</exception>
    public SafeFileHandle OpenFileOrBlockDevice(string path, FileAccess access = FileAccess.Read) => OpenFile(path, access, isDeviceAllowed: true);

    /// <summary>What the file system says of an entry, which is not followed when it is a link; null when there is none.</summary>
    /// <exception cref="HypervisorException">The path leads outside, or may not be looked at.</exception>
    public FileFacts? Find(string path)
    {
        string action = $"Looking at {Say(path)}";
        using var place = Locate(path, action, missingIsNull: true);
        if (place is null)
            return null;
        using var directory = new Descriptor(place.Directory);
        int errno = Status(directory, place.Name, LibC.AtSymlinkNoFollow, out var status);
        return errno switch
        {
            0 => ToFacts(status),
            FileFailure.ENOENT => null,
            _ => throw FileFailure.From(errno, action),
        };
    }

    /// <summary>The names of what is in this directory, in no order.</summary>
    /// <exception cref="HypervisorException">It may not be listed.</exception>
    public IReadOnlyList<string> List()
    {
        try
        {
            using var descriptor = new Descriptor(_root);
            return [.. Directory.EnumerateFileSystemEntries($"/proc/self/fd/{(int)descriptor}").Select(entry => System.IO.Path.GetFileName(entry))];
        }
        catch (UnauthorizedAccessException)
        {
            throw FileFailure.From(FileFailure.EACCES, $"Listing '{Path}'");
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, $"Listing '{Path}'");
        }
    }

    /// <summary>Reads a small file; null when there is none.</summary>
    /// <param name="path">The path beneath this directory.</param>
    /// <param name="maxBytes">The most that it may hold.</param>
    /// <exception cref="HypervisorException">It is larger (<see cref="ErrorCode.Corrupted"/>), or cannot be read.</exception>
    public byte[]? Read(string path, int maxBytes)
    {
        try
        {
            using var file = OpenFile(path);
            return Read(file, maxBytes, $"Reading {Say(path)}");
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>The space of the file system that this directory is on.</summary>
    /// <exception cref="HypervisorException">The system does not say.</exception>
    public DiskSpace GetSpace()
    {
        using var root = new Descriptor(_root);
        if (LibC.StatFileSystem(root, out var status) != 0)
            throw FileFailure.From(Marshal.GetLastPInvokeError(), $"Asking for the space of '{Path}'");
        return new(ToSize(status.Blocks, status.FragmentSize), ToSize(status.BlocksFree, status.FragmentSize), ToSize(status.BlocksAvailable, status.FragmentSize));
    }

    /// <summary>Locks a file, which is made when there is none.</summary>
    /// <param name="path">The path beneath this directory.</param>
    /// <param name="exclusive">Alone, or beside others that do not ask to be alone.</param>
    /// <returns>The lock; null when somebody else holds it in a way that excludes this.</returns>
    /// <exception cref="HypervisorException">The file cannot be made or locked.</exception>
    public FileLock? TryLock(string path, bool exclusive = true)
    {
        var file = Resolve(path, LibC.ReadWrite | LibC.Create | LibC.NonBlocking, PrivateFile, $"Locking {Say(path)}");
        if (FileLock.TryHold(file, exclusive))
            return new FileLock(file);
        file.Dispose();
        return null;
    }

    /// <summary>What the file system says of an open file.</summary>
    /// <exception cref="HypervisorException">It does not.</exception>
    public static FileFacts FactsOf(SafeFileHandle file)
    {
        ArgumentNullException.ThrowIfNull(file);
        return FactsOf(file, "Looking at a file");
    }

    /// <summary>Where a path beneath this directory is, for people and for programs that take no open files. Whoever opens it follows links again.</summary>
    public string PathOf(string path) => System.IO.Path.Join(Path, Checked(path));

    /// <summary>Closes the directory. Files that were opened stay open.</summary>
    public void Dispose() => _root.Dispose();

    internal static RootedDirectory Open(string path, IDurableSeam? seam, bool hasOpenAt2)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string absolute = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(path));
        int errno = Descriptor.Retry(() => LibC.OpenAt(LibC.AtCurrentDirectory, absolute, LibC.ReadOnly | LibC.OnlyDirectory | LibC.CloseOnExec, 0), out int descriptor);
        return errno == 0
            ? new RootedDirectory(new SafeFileHandle(descriptor, ownsHandle: true), absolute, seam, hasOpenAt2)
            : throw FileFailure.From(errno, $"Opening the directory '{absolute}'");
    }

    private SafeFileHandle OpenFile(string path, FileAccess access, bool isDeviceAllowed)
    {
        string action = $"Opening {Say(path)}";
        int flags = access switch { FileAccess.Read => LibC.ReadOnly, FileAccess.Write => LibC.WriteOnly, _ => LibC.ReadWrite };
        var file = Resolve(path, flags | LibC.NonBlocking | LibC.NoTerminal, PrivateFile, action);
        var facts = FactsOf(file, action);
        if (facts.IsRegularFile || (isDeviceAllowed && facts.IsBlockDevice))
            return file;
        file.Dispose();
        throw new HypervisorException($"{action} failed: it is not a regular file{(isDeviceAllowed ? " nor a block device" : "")}.", ErrorCode.Denied, RequestOutcome.Rejected);
    }

    private static FileFacts FactsOf(SafeFileHandle file, string action)
    {
        using var descriptor = new Descriptor(file);
        int errno = Status(descriptor, "", LibC.AtEmptyPath, out var status);
        return errno == 0 ? ToFacts(status) : throw FileFailure.From(errno, action);
    }

    private static int Status(int directory, string path, int flags, out LibC.FileStatus status) =>
        LibC.StatX(directory, path, flags, LibC.StatxBasicStats | LibC.StatxBirthTime, out status) == 0 ? 0 : Marshal.GetLastPInvokeError();

    private static FileFacts ToFacts(in LibC.FileStatus status) => new()
    {
        IsRegularFile = (status.Mode & TypeBits) == RegularType,
        IsDirectory = (status.Mode & TypeBits) == DirectoryType,
        IsLink = (status.Mode & TypeBits) == LinkType,
        IsBlockDevice = (status.Mode & TypeBits) == BlockDeviceType,
        Mode = (UnixFileMode)(status.Mode & ModeBits),
        Length = (long)status.Size,
        AllocatedBytes = (long)status.Blocks * 512,
        Inode = status.Inode,
        LinkCount = (int)status.Links,
        CreatedAt = (status.Mask & LibC.StatxBirthTime) != 0 ? status.Born.ToDateTimeOffset() : null,
        ModifiedAt = status.Modified.ToDateTimeOffset(),
    };

    private static byte[] Read(SafeFileHandle file, int maxBytes, string action)
    {
        try
        {
            long length = RandomAccess.GetLength(file);
            if (length > maxBytes)
                throw new HypervisorException($"{action} failed: it holds {length} bytes; at most {maxBytes} were expected.", ErrorCode.Corrupted, RequestOutcome.Rejected);
            byte[] content = new byte[length];
            int bytes = 0;
            while (bytes < content.Length && RandomAccess.Read(file, content.AsSpan(bytes), bytes) is > 0 and int read)
                bytes += read;
            return content[..bytes];
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, action);
        }
    }

    private static ByteSize ToSize(ulong blocks, ulong blockBytes) => new((long)UInt128.Min((UInt128)blocks * blockBytes, (UInt128)long.MaxValue));
}
