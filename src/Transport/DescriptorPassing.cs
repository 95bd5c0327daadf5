using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Transport;

/// <summary>Open files beside the bytes of a unix socket: SCM_RIGHTS of unix(7), which the framework has no word for. The structures are those of 64-bit Linux.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe partial class DescriptorPassing
{
    private const int SolSocket = 1;
    private const int ScmRights = 1;
    private const int MsgNoSignal = 0x4000;
    private const int Eintr = 4;
    private const int Eagain = 11;

    /// <summary>How long the peer may leave its queue full.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    public static void Send(Socket socket, SafeHandle file, byte marker)
    {
        bool isHeld = false;
        try
        {
            file.DangerousAddRef(ref isHeld);
            var rights = new Rights { Length = (nuint)(sizeof(nuint) + (3 * sizeof(int))), Level = SolSocket, Type = ScmRights, Descriptor = (int)file.DangerousGetHandle() };
            var vector = new Vector { Start = &marker, Length = 1 };
            var message = new Message { Vectors = &vector, VectorCount = 1, Control = &rights, ControlLength = (nuint)sizeof(Rights) };
            while (SendMessage((int)socket.SafeHandle.DangerousGetHandle(), &message, MsgNoSignal) < 0)
            {
                int number = Marshal.GetLastPInvokeError();
                if (number != Eintr && (number != Eagain || !socket.Poll(s_patience, SelectMode.SelectWrite)))
                    throw new IOException($"Passing an open file on failed: {Marshal.GetPInvokeErrorMessage(number)}.");
            }
        }
        finally
        {
            if (isHeld)
                file.DangerousRelease();
        }
    }

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static partial nint SendMessage(int socket, Message* message, int flags);

    /// <summary>struct iovec.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Vector
    {
        public void* Start;
        public nuint Length;
    }

    /// <summary>struct cmsghdr with one descriptor behind it, filled up to the next multiple of 8.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Rights
    {
        public nuint Length;
        public int Level;
        public int Type;
        public int Descriptor;
        private readonly int _fill;
    }

    /// <summary>struct msghdr.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Message
    {
        public void* Name;
        public uint NameLength;
        public Vector* Vectors;
        public nuint VectorCount;
        public void* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
