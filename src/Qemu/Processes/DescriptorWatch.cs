using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>Waits for many process descriptors with one thread, which sleeps until one of the processes ends.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe class DescriptorWatch
{
    private const int Readable = 1;
    private const int OneShot = 1 << 30;
    private const int Add = 1;
    private const int CloseOnExec = 0x80000;

    // struct epoll_event is packed on x86-64 only.
    private static readonly int s_tokenOffset = RuntimeInformation.ProcessArchitecture == System.Runtime.InteropServices.Architecture.X64 ? 4 : 8;
    private static readonly ConcurrentDictionary<long, TaskCompletionSource> s_waiting = [];
    private static readonly Lazy<int> s_epoll = new(Begin);
    private static long s_lastToken;

    /// <summary>Completes when there is something to read, which for a process descriptor is its end.</summary>
    public static Task WhenReadableAsync(int descriptor)
    {
        long token = Interlocked.Increment(ref s_lastToken);
        var completion = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        s_waiting[token] = completion;
        byte* entry = stackalloc byte[16];
        BinaryPrimitives.WriteInt32LittleEndian(new Span<byte>(entry, 4), Readable | OneShot);
        BinaryPrimitives.WriteInt64LittleEndian(new Span<byte>(entry + s_tokenOffset, 8), token);
        if (Native.EpollControl(s_epoll.Value, Add, descriptor, entry) != 0)
        {
            s_waiting.TryRemove(token, out _);
            throw Native.Failure("Waiting for a process");
        }

        return completion.Task;
    }

    private static int Begin()
    {
        int epoll = Native.EpollCreate(CloseOnExec);
        if (epoll < 0)
            throw Native.Failure("Waiting for processes");
        new Thread(() => Run(epoll)) { IsBackground = true, Name = "QEMU process watch" }.Start();
        return epoll;
    }

    private static void Run(int epoll)
    {
        const int Count = 32;
        int entryBytes = s_tokenOffset + 8;
        byte* entries = stackalloc byte[Count * 16];
        while (true)
        {
            int ready = Native.EpollWait(epoll, entries, Count, -1);
            for (int i = 0; i < ready; i++)
            {
                if (s_waiting.TryRemove(BinaryPrimitives.ReadInt64LittleEndian(new ReadOnlySpan<byte>(entries + (i * entryBytes) + s_tokenOffset, 8)), out var completion))
                    completion.TrySetResult();
            }
        }
    }
}
