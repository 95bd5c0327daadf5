using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Qemu.Machines;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Processes;

/// <summary>Opens the host's end of a network: a tap of its own on a bridge, which goes with the process that has it open, or a tap that somebody made.</summary>
[SupportedOSPlatform("linux")]
internal static unsafe class TapDevice
{
    private const int NameBytes = 16;
    private const int RequestBytes = 40;
    private const int ReadWriteCloseOnExec = 2 | 0x80000;
    private const short Tap = 0x0002;
    private const short NoPacketInformation = 0x1000;
    private const short VirtioHeader = 0x4000;
    private const short Up = 1;
    private const nuint SetInterface = 0x400454ca;
    private const nuint GetFlags = 0x8913;
    private const nuint SetFlags = 0x8914;
    private const nuint AddToBridge = 0x89a2;
    private const int Inet = 2;
    private const int DatagramCloseOnExec = 2 | 0x80000;

    /// <summary>Why taps cannot be opened here; null when they can.</summary>
    public static string? Problem
    {
        get
        {
            int descriptor = Native.Open("/dev/net/tun", ReadWriteCloseOnExec, 0);
            if (descriptor < 0)
                return "/dev/net/tun cannot be opened; it needs the tun module and the right to use it.";
            new SafeFileHandle(descriptor, ownsHandle: true).Dispose();
            return RunUser.IsRoot ? null : "Only root may put a tap on a bridge.";
        }
    }

    /// <summary>Why a network cannot be joined here; null when it can.</summary>
    /// <param name="network"><c>bridge:NAME</c> or <c>tap:NAME</c>.</param>
    public static string? WhyNot(string network)
    {
        if (!NetworkNames.TryParse(network, out string? kind, out string? name))
            return $"'{network}' is not a network of this host.";
        return Native.InterfaceIndex(name) == 0 ? $"This host has no {kind} '{name}'." : Problem;
    }

    /// <summary>The name of the tap that a machine's device gets on a bridge.</summary>
    public static string NameOf(string id, int index) => "hv" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{id}/{index}")).AsSpan(0, 6));

    /// <summary>Opens a tap.</summary>
    /// <param name="network"><c>bridge:NAME</c> or <c>tap:NAME</c>.</param>
    /// <param name="id">The machine.</param>
    /// <param name="index">Tells the machine's devices apart.</param>
    public static SafeFileHandle Open(string network, string id, int index)
    {
        if (!NetworkNames.TryParse(network, out string? kind, out string? name))
            throw new HypervisorException($"'{network}' is not a network of this host.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
        if (Native.InterfaceIndex(name) == 0)
            throw new HypervisorException($"This host has no {kind} '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected);
        string tap = kind == "tap" ? name : NameOf(id, index);
        int descriptor = Native.Open("/dev/net/tun", ReadWriteCloseOnExec, 0);
        if (descriptor < 0)
            throw Native.Failure("Opening /dev/net/tun");
        var file = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            byte* request = stackalloc byte[RequestBytes];
            Fill(request, tap);
            *(short*)(request + NameBytes) = Tap | NoPacketInformation | VirtioHeader;
            if (Native.Control(descriptor, SetInterface, request) != 0)
                throw Native.Failure($"Opening the tap '{tap}'");
            if (kind == "bridge")
                Join(tap, name);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    private static void Join(string tap, string bridge)
    {
        int descriptor = Native.Socket(Inet, DatagramCloseOnExec, 0);
        if (descriptor < 0)
            throw Native.Failure("Making a socket");
        using var socket = new SafeFileHandle(descriptor, ownsHandle: true);
        byte* request = stackalloc byte[RequestBytes];
        Fill(request, bridge);
        *(int*)(request + NameBytes) = (int)Native.InterfaceIndex(tap);
        if (Native.Control(descriptor, AddToBridge, request) != 0)
            throw Native.Failure($"Putting the tap '{tap}' on the bridge '{bridge}'");
        Fill(request, tap);
        if (Native.Control(descriptor, GetFlags, request) != 0)
            throw Native.Failure($"Looking at the tap '{tap}'");
        *(short*)(request + NameBytes) |= Up;
        if (Native.Control(descriptor, SetFlags, request) != 0)
            throw Native.Failure($"Switching the tap '{tap}' on");
    }

    private static void Fill(byte* request, string name)
    {
        new Span<byte>(request, RequestBytes).Clear();
        Encoding.ASCII.GetBytes(name, new Span<byte>(request, NameBytes - 1));
    }
}
