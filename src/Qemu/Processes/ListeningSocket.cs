using System.Runtime.Versioning;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>
/// A unix socket that listens before the program that will serve it is started: whoever connects waits in the kernel's queue instead of trying again and again, and a program that dies refuses at once.
/// The framework's Socket would remove the file when it is disposed.
/// </summary>
[SupportedOSPlatform("linux")]
internal static unsafe class ListeningSocket
{
    /// <summary>The longest path, in bytes: 108 of sun_path less the NUL (unix(7)).</summary>
    public const int MaxPathBytes = 107;

    private const int Unix = 1;
    private const int StreamCloseOnExec = 1 | 0x80000;
    private const int Backlog = 8;

    /// <summary>Makes the socket, mode 0600, in place of one that was left.</summary>
    /// <param name="path">Where. Its directory is private, so that nobody connects before the mode is set.</param>
    public static SafeFileHandle Create(string path)
    {
        byte[] name = Encoding.UTF8.GetBytes(path);
        if (name.Length > MaxPathBytes)
            throw new HypervisorException($"The socket path '{path}' has {name.Length} bytes; the system takes {MaxPathBytes}. Choose a shorter RuntimeDirectory.", ErrorCode.InvalidArgument, RequestOutcome.NotSent);
        File.Delete(path);
        int descriptor = Native.Socket(Unix, StreamCloseOnExec, 0);
        if (descriptor < 0)
            throw Native.Failure("Making a socket");
        var socket = new SafeFileHandle(descriptor, ownsHandle: true);
        byte* address = stackalloc byte[110];
        new Span<byte>(address, 110).Clear();
        address[BitConverter.IsLittleEndian ? 0 : 1] = Unix;
        name.CopyTo(new Span<byte>(address + 2, MaxPathBytes));
        // The mode of the socket is the one that its file is made with: there is no moment at which others could connect, and no path to be followed.
        if (Native.ChangeMode(descriptor, 0x180) != 0 || Native.Bind(descriptor, address, (uint)(2 + name.Length + 1)) != 0 || Native.Listen(descriptor, Backlog) != 0)
        {
            socket.Dispose();
            throw Native.Failure($"Listening on '{path}'");
        }

        return socket;
    }
}
