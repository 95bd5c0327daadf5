using Hypervisor.Sdk.Transport;

namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>The numbers on which both ends agree.</summary>
internal static class WireProtocol
{
    /// <summary>Which words and values there are. The frames, and the call with which a connection begins (<see cref="Hello"/>), are the same in every version, so that two of them can tell each other.</summary>
    public const int Version = 1;

    /// <summary>The first call of a connection: the caller's version, and what the backend is to be opened with.</summary>
    public const string Hello = "hello";

    /// <summary>What a frame has before what belongs to its kind.</summary>
    public const int HeaderBytes = 9;

    /// <summary>The largest frame.</summary>
    public const int MaxFrameBytes = 32 << 20;

    /// <summary>How much data of one call may be on its way or wait to be read, in each direction.</summary>
    public const int WindowBytes = 512 << 10;

    /// <summary>How much data goes into a frame, so that no call waits long for another.</summary>
    public const int ChunkBytes = 32 << 10;

    /// <summary>How many calls of each side may be under way, open ones included.</summary>
    public const int MaxCalls = 4096;

    /// <summary>How much of a disk is read by one call.</summary>
    public const int BlockBytes = 512 << 10;

    public static LengthFormat Format { get; } = new() { MinPayloadBytes = HeaderBytes, MaxPayloadBytes = MaxFrameBytes };
}
