using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>
/// Starts a program that outlives this process: in a session of its own, its output in a file, no descriptor of ours inherited but those that are named. The framework's Process can do none of these.
/// </summary>
[SupportedOSPlatform("linux")]
internal static unsafe class Spawner
{
    /// <summary>Sources are duplicated to numbers from here on first, so that no target of one is the source of another.</summary>
    private const int FirstFreeDescriptor = 200;

    /// <summary>Starts it.</summary>
    /// <param name="program">An absolute path.</param>
    /// <param name="arguments">What it is told, without its own name.</param>
    /// <param name="output">Its standard output and error.</param>
    /// <param name="descriptors">What it inherits, by the number that it will have there; 3 to 199.</param>
    /// <returns>Its process id. It is a child of ours: <see cref="LiveProcess"/> reaps it.</returns>
    /// <exception cref="HypervisorException">It cannot be started.</exception>
    public static int Start(string program, IReadOnlyList<string> arguments, SafeFileHandle output, IReadOnlyDictionary<int, SafeFileHandle> descriptors)
    {
        using var nothing = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite);
        var sources = new List<(SafeFileHandle Copy, int Target)>();
        byte* actions = stackalloc byte[Native.OpaqueBytes];
        byte* attributes = stackalloc byte[Native.OpaqueBytes];
        using var strings = new NativeStrings();
        Check(Native.ActionsInit(actions), program);
        Check(Native.AttributesInit(attributes), program);
        try
        {
            sources.AddRange([(Duplicate(nothing, program), 0), (Duplicate(output, program), 1), (Duplicate(output, program), 2)]);
            sources.AddRange(descriptors.Select(entry => (Duplicate(entry.Value, program), entry.Key)));
            foreach (var (copy, target) in sources)
                Check(Native.ActionsAddDuplicate(actions, (int)copy.DangerousGetHandle(), target), program);

            // The runtime ignores SIGPIPE and blocks others; the child must not inherit that.
            byte* signals = stackalloc byte[Native.OpaqueBytes];
            Check(Native.SignalsFill(signals), program);
            Check(Native.AttributesSetSignalDefaults(attributes, signals), program);
            Check(Native.SignalsEmpty(signals), program);
            Check(Native.AttributesSetSignalMask(attributes, signals), program);
            Check(Native.AttributesSetFlags(attributes, Native.SpawnSetSession | Native.SpawnSetSignalDefaults | Native.SpawnSetSignalMask), program);

            byte** arg = strings.Array([program, .. arguments]);
            byte** environment = strings.Array(["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"]);
            Check(Native.Spawn(out int pid, strings.Text(program), actions, attributes, arg, environment), program);
            return pid;
        }
        finally
        {
            sources.ForEach(source => source.Copy.Dispose());
            _ = Native.ActionsDestroy(actions);
            _ = Native.AttributesDestroy(attributes);
        }
    }

    private static SafeFileHandle Duplicate(SafeFileHandle source, string program)
    {
        bool added = false;
        try
        {
            source.DangerousAddRef(ref added);
            int copy = Native.FileControl((int)source.DangerousGetHandle(), Native.DuplicateCloseOnExec, FirstFreeDescriptor);
            return copy >= 0 ? new SafeFileHandle(copy, ownsHandle: true) : throw Native.Failure($"Starting '{program}'");
        }
        finally
        {
            if (added)
                source.DangerousRelease();
        }
    }

    private static void Check(int errno, string program)
    {
        if (errno != 0)
            throw Native.Failure($"Starting '{program}'", errno);
    }

    /// <summary>Texts and arrays of them as C wants them, freed together.</summary>
    private sealed class NativeStrings : IDisposable
    {
        private readonly List<nint> _memory = [];

        public byte* Text(string text)
        {
            int length = Encoding.UTF8.GetByteCount(text);
            byte* memory = (byte*)Allocate(length + 1);
            memory[Encoding.UTF8.GetBytes(text, new Span<byte>(memory, length))] = 0;
            return memory;
        }

        public byte** Array(IReadOnlyList<string> texts)
        {
            byte** memory = (byte**)Allocate((texts.Count + 1) * sizeof(byte*));
            for (int i = 0; i < texts.Count; i++)
                memory[i] = Text(texts[i]);
            memory[texts.Count] = null;
            return memory;
        }

        public void Dispose() => _memory.ForEach(Marshal.FreeHGlobal);

        private nint Allocate(int bytes)
        {
            nint memory = Marshal.AllocHGlobal(bytes);
            _memory.Add(memory);
            return memory;
        }
    }
}
