using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.DiskImages;

public sealed partial class RootedDirectory
{
    /// <summary>How the names of unfinished <see cref="AtomicWrite"/>s begin. Whoever knows that nobody writes may remove them; see <see cref="RemoveUnfinishedWrites"/>.</summary>
    public const string UnfinishedPrefix = ".unfinished-";

    /// <summary>Makes an empty file.</summary>
    /// <param name="path">The path beneath this directory.</param>
    /// <param name="mode">Who may use it, less the umask. Default: the owner may read and write.</param>
    /// <returns>The file, for reading and writing; the caller disposes it. The name is not flushed yet: <see cref="FlushDirectory"/>.</returns>
    /// <exception cref="HypervisorException">There is an entry of that name (<see cref="ErrorCode.AlreadyExists"/>), the disk is full, or the directory may not be written to.</exception>
    public SafeFileHandle CreateFile(string path, UnixFileMode mode = PrivateFile)
    {
        SafeFileHandle? file = null;
        Effect($"create {path}", () => file = Resolve(path, LibC.ReadWrite | LibC.Create | LibC.Exclusive, mode, $"Making {Say(path)}"));
        return file!;
    }

    /// <summary>Makes a directory and flushes its name. One that is there already is left as it is.</summary>
    /// <param name="path">The path beneath this directory; what it is in exists.</param>
    /// <param name="mode">Who may use it, less the umask. Default: the owner alone.</param>
    /// <exception cref="HypervisorException">There is something else of that name, the disk is full, or the directory may not be written to.</exception>
    public void CreateDirectory(string path, UnixFileMode mode = PrivateDirectory)
    {
        string action = $"Making the directory {Say(path)}";
        if (Find(path) is { } found)
        {
            if (!found.IsDirectory)
                throw FileFailure.From(FileFailure.EEXIST, action);
            return;
        }

        Effect($"make directory {path}", () =>
        {
            using var place = Locate(path, action)!;
            using (var directory = new Descriptor(place.Directory))
            {
                int errno = LibC.MakeDirectoryAt(directory, place.Name, (uint)mode) == 0 ? 0 : Marshal.GetLastPInvokeError();
                if (errno == FileFailure.EEXIST && Find(path) is { IsDirectory: true })
                    return;
                if (errno != 0)
                    throw FileFailure.From(errno, action);
            }

            place.Flush(action);
        });
    }

    /// <summary>Sets who may use this directory, whatever the umask.</summary>
    /// <exception cref="HypervisorException">It belongs to somebody else.</exception>
    public void SetMode(UnixFileMode mode) => Effect("set mode", () =>
    {
        try
        {
            File.SetUnixFileMode(_root, mode);
        }
        catch (UnauthorizedAccessException)
        {
            throw FileFailure.From(FileFailure.EPERM, $"Setting the mode of '{Path}'");
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, $"Setting the mode of '{Path}'");
        }
    });

    /// <summary>Renames an entry and flushes both directories.</summary>
    /// <param name="from">The path that there is.</param>
    /// <param name="to">The path that there will be.</param>
    /// <param name="replace">Whether what has that name already gives way. Default false.</param>
    /// <exception cref="HypervisorException">There is no such entry (<see cref="ErrorCode.NotFound"/>), or the name is taken (<see cref="ErrorCode.AlreadyExists"/>).</exception>
    public void Rename(string from, string to, bool replace = false)
    {
        string action = $"Renaming {Say(from)} to {Quote(to)}";
        Effect($"rename {from} to {to}", () =>
        {
            using var source = Locate(from, action)!;
            using var target = Locate(to, action)!;
            using (var sourceDirectory = new Descriptor(source.Directory))
            using (var targetDirectory = new Descriptor(target.Directory))
            {
                if (LibC.RenameAt2(sourceDirectory, source.Name, targetDirectory, target.Name, replace ? 0 : LibC.RenameNoReplace) != 0)
                    throw FileFailure.From(Marshal.GetLastPInvokeError(), action);
            }

            target.Flush(action);
            source.Flush(action);
        });
    }

    /// <summary>Gives a file of another directory a name in this one too, and flushes that. A link is not followed: it gets the name itself.</summary>
    /// <param name="source">The other directory, on the same file system.</param>
    /// <param name="from">The file, beneath it.</param>
    /// <param name="to">The path that there will be, beneath this directory.</param>
    /// <exception cref="HypervisorException">There is no such file (<see cref="ErrorCode.NotFound"/>), the name is taken (<see cref="ErrorCode.AlreadyExists"/>), or it is on another file system (<see cref="ErrorCode.Denied"/>).</exception>
    public void Link(RootedDirectory source, string from, string to)
    {
        ArgumentNullException.ThrowIfNull(source);
        string action = $"Naming {source.Say(from)} {Say(to)}";
        Effect($"name {from} {to}", () =>
        {
            using var old = source.Locate(from, action)!;
            using var place = Locate(to, action)!;
            using (var oldDirectory = new Descriptor(old.Directory))
            using (var directory = new Descriptor(place.Directory))
            {
                if (LibC.LinkAt(oldDirectory, old.Name, directory, place.Name, 0) != 0)
                    throw FileFailure.From(Marshal.GetLastPInvokeError(), action);
            }

            place.Flush(action);
        });
    }

    /// <summary>Removes a file or link and flushes the directory.</summary>
    /// <returns>False when there was none.</returns>
    /// <exception cref="HypervisorException">It is a directory, or the directory may not be written to.</exception>
    public bool Delete(string path) => Remove(path, 0, $"Removing {Say(path)}");

    /// <summary>Removes an empty directory and flushes the one that it was in.</summary>
    /// <returns>False when there was none.</returns>
    /// <exception cref="HypervisorException">It is not empty (<see cref="ErrorCode.AlreadyExists"/>), or not a directory.</exception>
    public bool DeleteDirectory(string path) => Remove(path, LibC.AtRemoveDirectory, $"Removing the directory {Say(path)}");

    /// <summary>
    /// Writes a small file so that after a crash at any moment there is either what was there before or the whole of <paramref name="content"/>: to a temporary name, flushed, renamed, the directory flushed.
    /// </summary>
    /// <param name="path">The path beneath this directory.</param>
    /// <param name="content">What it will hold.</param>
    /// <param name="mode">Who may use it, less the umask. Default: the owner may read and write.</param>
    /// <exception cref="HypervisorException">The disk is full (<see cref="ErrorCode.Exhausted"/>), or the directory may not be written to; what was there before is there still.</exception>
    public void AtomicWrite(string path, ReadOnlySpan<byte> content, UnixFileMode mode = PrivateFile)
    {
        int slash = Checked(path).LastIndexOf('/') + 1;
        string unfinished = $"{path[..slash]}{UnfinishedPrefix}{Guid.NewGuid():N}";
        try
        {
            using (var file = CreateFile(unfinished, mode))
            {
                Write(file, content, 0, unfinished);
                FlushFile(file, unfinished);
            }

            Rename(unfinished, path, replace: true);
        }
        catch (HypervisorException)
        {
            Delete(unfinished);
            throw;
        }
    }

    /// <summary>Removes what crashes have left of <see cref="AtomicWrite"/>s directly in a directory. Only for one to whom nobody writes at this time.</summary>
    /// <param name="path">The directory, beneath this one; null for this one itself.</param>
    /// <returns>How many there were.</returns>
    public int RemoveUnfinishedWrites(string? path = null)
    {
        using var directory = path is null ? null : OpenDirectory(path);
        var names = (directory ?? this).List().Where(name => name.StartsWith(UnfinishedPrefix, StringComparison.Ordinal)).ToList();
        names.ForEach(name => (directory ?? this).Delete(name));
        return names.Count;
    }

    /// <summary>Writes to an open file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="offset">Where they go, in bytes.</param>
    /// <param name="name">What the file is called in messages.</param>
    /// <exception cref="HypervisorException">The disk is full (<see cref="ErrorCode.Exhausted"/>), or worse.</exception>
    public void Write(SafeFileHandle file, ReadOnlySpan<byte> content, long offset, string name)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentException.ThrowIfNullOrEmpty(name);
        string effect = $"write {name}";
        _seam?.Before(effect);
        try
        {
            RandomAccess.Write(file, content, offset);
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, $"Writing {Say(name)}");
        }

        _seam?.After(effect);
    }

    /// <summary>Writes to an open file without keeping the caller's thread.</summary>
    /// <param name="file">The file.</param>
    /// <param name="content">The bytes.</param>
    /// <param name="offset">Where they go, in bytes.</param>
    /// <param name="name">What the file is called in messages.</param>
    /// <param name="cancellationToken">Gives up before or after the write.</param>
    /// <exception cref="HypervisorException">The disk is full (<see cref="ErrorCode.Exhausted"/>), or worse.</exception>
    public async ValueTask WriteAsync(SafeFileHandle file, ReadOnlyMemory<byte> content, long offset, string name, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentException.ThrowIfNullOrEmpty(name);
        string effect = $"write {name}";
        _seam?.Before(effect);
        try
        {
            await RandomAccess.WriteAsync(file, content, offset, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, $"Writing {Say(name)}");
        }

        _seam?.After(effect);
    }

    /// <summary>Sets the length of an open file. What is added are holes, which read as zeros.</summary>
    /// <param name="file">The file.</param>
    /// <param name="lengthBytes">The length.</param>
    /// <param name="name">What the file is called in messages.</param>
    /// <exception cref="HypervisorException">The file system has no files of that size.</exception>
    public void SetLength(SafeFileHandle file, long lengthBytes, string name) => Change(file, $"set length of {name}", descriptor => LibC.Truncate(descriptor, lengthBytes));

    /// <summary>Takes the space for an open file, so that writing to it cannot fill the disk later.</summary>
    /// <param name="file">The file.</param>
    /// <param name="lengthBytes">From the beginning of the file; it is at least so long afterwards.</param>
    /// <param name="name">What the file is called in messages.</param>
    /// <exception cref="HypervisorException">There is not so much space (<see cref="ErrorCode.Exhausted"/>), or the file system cannot.</exception>
    public void Allocate(SafeFileHandle file, long lengthBytes, string name) => Change(file, $"allocate {name}", descriptor => LibC.Allocate(descriptor, 0, 0, lengthBytes));

    /// <summary>Flushes the content of an open file to the disk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="name">What the file is called in messages.</param>
    /// <exception cref="HypervisorException">The disk failed: what was written may be lost.</exception>
    public void FlushFile(SafeFileHandle file, string name) => Change(file, $"flush {name}", LibC.Sync);

    /// <summary>Flushes the names in a directory to the disk.</summary>
    /// <param name="path">The directory, beneath this one; null for this one itself.</param>
    /// <exception cref="HypervisorException">There is no such directory, or the disk failed.</exception>
    public void FlushDirectory(string? path = null)
    {
        using var directory = path is null ? null : OpenDirectory(path);
        Change((directory ?? this)._root, $"flush directory {path ?? "."}", LibC.Sync);
    }

    /// <summary>Has an effect that this class does not know, a program that writes a file for example, and tells the seam.</summary>
    /// <param name="effect">Which one, in words.</param>
    /// <param name="action">The effect.</param>
    public async Task EffectAsync(string effect, Func<Task> action)
    {
        ArgumentNullException.ThrowIfNull(action);
        _seam?.Before(effect);
        await action().ConfigureAwait(false);
        _seam?.After(effect);
    }

    private void Effect(string effect, Action action)
    {
        _seam?.Before(effect);
        action();
        _seam?.After(effect);
    }

    private void Change(SafeFileHandle file, string effect, Func<int, int> call)
    {
        ArgumentNullException.ThrowIfNull(file);
        _seam?.Before(effect);
        using (var descriptor = new Descriptor(file))
        {
            int number = descriptor;
            int errno = Descriptor.Retry(() => call(number), out _);
            if (errno != 0)
                throw FileFailure.From(errno, $"{char.ToUpperInvariant(effect[0])}{effect[1..]}");
        }

        _seam?.After(effect);
    }

    private bool Remove(string path, int flags, string action)
    {
        // Looked at first, so that removing what is not there is no durable effect; somebody else may still be quicker.
        if (Find(path) is null)
            return false;
        bool removed = true;
        Effect($"remove {path}", () =>
        {
            using var place = Locate(path, action)!;
            using (var directory = new Descriptor(place.Directory))
            {
                int errno = LibC.UnlinkAt(directory, place.Name, flags) == 0 ? 0 : Marshal.GetLastPInvokeError();
                removed = errno != FileFailure.ENOENT;
                if (errno != 0 && removed)
                    throw FileFailure.From(errno, action);
            }

            place.Flush(action);
        });
        return removed;
    }
}
