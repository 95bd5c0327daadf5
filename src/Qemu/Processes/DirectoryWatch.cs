using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>Hears what happens in directories (inotify(7)): one descriptor and one thread for the whole process, because a user may have only so many (fs.inotify.max_user_instances).</summary>
[SupportedOSPlatform("linux")]
internal static unsafe class DirectoryWatch
{
    private const int CloseOnExec = 0x80000;
    private const uint Modified = 0x2;
    private const uint AttributesChanged = 0x4;
    private const uint ClosedAfterWriting = 0x8;
    private const uint Deleted = 0x200;
    private const uint Overflowed = 0x4000;
    private const uint OnlyDirectory = 0x01000000;

    /// <summary>Of struct inotify_event: watch, mask, cookie and length of the name, four bytes each.</summary>
    private const int HeaderBytes = 16;

    private const int BufferBytes = 16 << 10;

    private static readonly Lock s_lock = new();
    private static readonly Dictionary<int, List<Action<DirectoryChange>>> s_listeners = [];
    private static readonly Lazy<int> s_inotify = new(Begin);

    /// <summary>Begins to listen.</summary>
    /// <param name="path">The directory.</param>
    /// <param name="heard">Is told, on a thread that others share: it must not wait.</param>
    /// <returns>Ends it.</returns>
    /// <exception cref="HypervisorException">The directory cannot be listened to, or this user has too many watches already.</exception>
    public static IDisposable Begin(string path, Action<DirectoryChange> heard)
    {
        lock (s_lock)
        {
            int watch = Native.AddWatch(s_inotify.Value, path, Modified | AttributesChanged | ClosedAfterWriting | Deleted | OnlyDirectory);
            if (watch < 0)
                throw Native.Failure($"Listening to '{path}' (fs.inotify.max_user_watches may be too small)");
            // A directory has one watch, however often it is asked for.
            if (!s_listeners.TryGetValue(watch, out var listeners))
                s_listeners[watch] = listeners = [];
            listeners.Add(heard);
            return new Listening(watch, heard);
        }
    }

    private static int Begin()
    {
        int inotify = Native.BeginWatching(CloseOnExec);
        if (inotify < 0)
            throw Native.Failure("Listening to directories (fs.inotify.max_user_instances may be too small)");
        new Thread(() => Run(inotify)) { IsBackground = true, Name = "QEMU state directory watch" }.Start();
        return inotify;
    }

    private static void Run(int inotify)
    {
        byte[] buffer = new byte[BufferBytes];
        while (true)
        {
            int read;
            fixed (byte* bytes = buffer)
                read = (int)Native.Read(inotify, bytes, (nuint)buffer.Length);
            if (read < 0 && Marshal.GetLastPInvokeError() == Native.EINTR)
                continue;
            if (read <= 0)
            {
                TellAll();
                return;
            }

            Tell(buffer.AsSpan(0, read));
        }
    }

    private static void Tell(ReadOnlySpan<byte> entries)
    {
        while (!entries.IsEmpty)
        {
            int watch = BinaryPrimitives.ReadInt32LittleEndian(entries);
            uint mask = BinaryPrimitives.ReadUInt32LittleEndian(entries[4..]);
            int length = BinaryPrimitives.ReadInt32LittleEndian(entries[12..]);
            var name = entries.Slice(HeaderBytes, length);
            entries = entries[(HeaderBytes + length)..];
            if ((mask & Overflowed) != 0)
            {
                TellAll();
                continue;
            }

            if (name.IsEmpty)
                continue;
            var change = new DirectoryChange(Encoding.UTF8.GetString(name.TrimEnd((byte)0)), (mask & ClosedAfterWriting) != 0);
            lock (s_lock)
                s_listeners.GetValueOrDefault(watch)?.ForEach(listener => listener(change));
        }
    }

    /// <summary>Notes were lost, whose nobody knows.</summary>
    internal static void TellAll()
    {
        lock (s_lock)
        {
            foreach (var listener in s_listeners.Values.SelectMany(listeners => listeners))
                listener(default);
        }
    }

    private sealed class Listening(int watch, Action<DirectoryChange> heard) : IDisposable
    {
        private int _isDisposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
                return;
            lock (s_lock)
            {
                if (!s_listeners.TryGetValue(watch, out var listeners) || !listeners.Remove(heard) || listeners.Count > 0)
                    return;
                s_listeners.Remove(watch);
                _ = Native.RemoveWatch(s_inotify.Value, watch);
            }
        }
    }
}
