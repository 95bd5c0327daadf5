using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.DiskImages;

public sealed partial class RootedDirectory
{
    private const ulong Beneath = LibC.ResolveBeneath | LibC.ResolveNoSymlinks | LibC.ResolveNoMagicLinks;

    private static readonly Lazy<bool> s_kernelHasOpenAt2 = new(() =>
    {
        int descriptor = LibC.OpenAt2(LibC.AtCurrentDirectory, ".", LibC.PathOnly | LibC.CloseOnExec, 0, 0);
        if (descriptor < 0)
            return false;
        new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
        return true;
    });

    /// <summary>Refuses what openat2 would refuse too, before the system is asked: the two ways of resolving then agree, and nothing empty or cut short by a NUL gets through.</summary>
    private static string Checked(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0 || path.Contains('\0'))
            throw new ArgumentException("A path beneath a directory is neither empty nor does it contain NUL.", nameof(path));
        foreach (var component in path.AsSpan().Split('/'))
        {
            if (path.AsSpan(component) is "" or "." or "..")
                throw new HypervisorException($"The path {Quote(path)} is not a plain one beneath a directory: a component is empty, '.' or '..'.", ErrorCode.Denied, RequestOutcome.Rejected);
        }

        return path;
    }

    /// <summary>A path as it is shown: on one line, and not endless.</summary>
    private static string Quote(string path)
    {
        string shown = string.Concat(path.Take(128).Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Format ? '?' : c));
        return path.Length > 128 ? $"'{shown}...'" : $"'{shown}'";
    }

    private string Say(string path) => $"{Quote(path)} in '{Path}'";

    private SafeFileHandle Resolve(string path, int flags, UnixFileMode mode, string action, bool missingIsInvalid = false)
    {
        Checked(path);
        flags |= LibC.CloseOnExec | LibC.NoFollow;
        int errno;
        int descriptor;
        if (_hasOpenAt2)
        {
            using var root = new Descriptor(_root);
            // EAGAIN: something was renamed while the kernel walked, and it cannot be sure that the path stayed beneath.
            do
                errno = Descriptor.Retry(() => LibC.OpenAt2(root, path, flags, mode, Beneath), out descriptor);
            while (errno == FileFailure.EAGAIN);
        }
        else
        {
            errno = Walk(path, flags, mode, out descriptor);
        }

        if (errno == 0)
            return new SafeFileHandle(descriptor, ownsHandle: true);
        return missingIsInvalid && errno == FileFailure.ENOENT ? new SafeFileHandle() : throw FileFailure.From(errno, action);
    }

    /// <summary>For kernels without openat2: every directory on the way is opened from the one before, and none may be a link.</summary>
    private int Walk(string path, int flags, UnixFileMode mode, out int descriptor)
    {
        string[] components = path.Split('/');
        var directory = _root;
        try
        {
            for (int i = 0; i < components.Length - 1; i++)
            {
                int errno = OpenFrom(directory, components[i], LibC.PathOnly | LibC.OnlyDirectory | LibC.NoFollow | LibC.CloseOnExec, 0, out int next);
                if (!ReferenceEquals(directory, _root))
                    directory.Dispose();
                directory = _root;
                descriptor = -1;
                if (errno != 0)
                    return errno;
                directory = new SafeFileHandle(next, ownsHandle: true);
            }

            return OpenFrom(directory, components[^1], flags, mode, out descriptor);
        }
        finally
        {
            if (!ReferenceEquals(directory, _root))
                directory.Dispose();
        }
    }

    private static int OpenFrom(SafeFileHandle directory, string name, int flags, UnixFileMode mode, out int descriptor)
    {
        using var from = new Descriptor(directory);
        return Descriptor.Retry(() => LibC.OpenAt(from, name, flags, (uint)mode), out descriptor);
    }

    /// <summary>The directory that an entry is in, and the entry's name there: what the calls need that rename and remove.</summary>
    private Place? Locate(string path, string action, bool missingIsNull = false)
    {
        Checked(path);
        int slash = path.LastIndexOf('/');
        if (slash < 0)
            return new Place(_root, path, IsOwner: false);
        var directory = Resolve(path[..slash], LibC.ReadOnly | LibC.OnlyDirectory, 0, action, missingIsNull);
        return directory.IsInvalid ? null : new Place(directory, path[(slash + 1)..], IsOwner: true);
    }

    private sealed record Place(SafeFileHandle Directory, string Name, bool IsOwner) : IDisposable
    {
        public void Flush(string action)
        {
            using var descriptor = new Descriptor(Directory);
            if (LibC.Sync(descriptor) != 0)
                throw FileFailure.From(Marshal.GetLastPInvokeError(), action);
        }

        public void Dispose()
        {
            if (IsOwner)
                Directory.Dispose();
        }
    }
}
