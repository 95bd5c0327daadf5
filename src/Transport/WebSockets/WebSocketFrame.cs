using System.Buffers;
using System.Buffers.Binary;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>The header of a frame from a server (RFC 6455, 5.2): pure and strict, an impossible one throws before its payload is waited for.</summary>
internal readonly record struct WebSocketFrame(int Opcode, bool IsFinal, int HeaderBytes, int PayloadBytes)
{
    public const int Continuation = 0;
    public const int Text = 1;
    public const int Binary = 2;
    public const int Close = 8;
    public const int Ping = 9;
    public const int Pong = 10;
    public const int MaxControlBytes = 125;
    public const int ProtocolError = 1002;
    public const int NotUtf8 = 1007;
    public const int TooBig = 1009;

    private const int MaxHeaderBytes = 10;
    private const byte FinalBit = 0x80;
    private const byte ReservedBits = 0x70;
    private const byte MaskBit = 0x80;

    public bool IsControl => Opcode >= Close;

    /// <summary>Reads the header at the front; false when more is needed, and nothing is wrong so far.</summary>
    public static bool TryRead(in ReadOnlySequence<byte> buffer, int maxFrameBytes, out WebSocketFrame frame)
    {
        frame = default;
        Span<byte> bytes = stackalloc byte[MaxHeaderBytes];
        int available = (int)Math.Min(buffer.Length, MaxHeaderBytes);
        buffer.Slice(0, available).CopyTo(bytes);
        if (available == 0)
            return false;
        int opcode = bytes[0] & 0x0F;
        bool isFinal = (bytes[0] & FinalBit) != 0;
        if ((bytes[0] & ReservedBits) != 0)
            throw new WebSocketProtocolException(ProtocolError, "The server sent a frame with a reserved bit: no extension was agreed on.");
        if (opcode is > Binary and < Close or > Pong)
            throw new WebSocketProtocolException(ProtocolError, $"The server sent a frame with the unknown opcode {opcode}.");
        if (opcode >= Close && !isFinal)
            throw new WebSocketProtocolException(ProtocolError, "The server sent a control frame in fragments.");
        if (available < 2)
            return false;
        if ((bytes[1] & MaskBit) != 0)
            throw new WebSocketProtocolException(ProtocolError, "The server sent a masked frame.");
        if (!TryReadLength(bytes[..available], out int headerBytes, out ulong length))
            return false;
        if (opcode >= Close && length > MaxControlBytes)
            throw new WebSocketProtocolException(ProtocolError, $"The server sent a control frame of {length} bytes, more than {MaxControlBytes}.");
        if (length > (ulong)maxFrameBytes)
            throw new WebSocketProtocolException(TooBig, $"The server sent a frame of {length} bytes, more than {maxFrameBytes}.");
        frame = new WebSocketFrame(opcode, isFinal, headerBytes, (int)length);
        return true;
    }

    private static bool TryReadLength(ReadOnlySpan<byte> bytes, out int headerBytes, out ulong length)
    {
        length = (ulong)(bytes[1] & 0x7F);
        headerBytes = length switch { 126 => 4, 127 => 10, _ => 2 };
        if (bytes.Length < headerBytes)
            return false;
        if (headerBytes == 4)
        {
            length = BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]);
            if (length < 126)
                throw new WebSocketProtocolException(ProtocolError, $"The server wrote the length {length} in more bytes than it needs.");
        }
        else if (headerBytes == 10)
        {
            length = BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]);
            if (length > long.MaxValue)
                throw new WebSocketProtocolException(ProtocolError, "The server sent a frame whose length has its highest bit set.");
            if (length <= ushort.MaxValue)
                throw new WebSocketProtocolException(ProtocolError, $"The server wrote the length {length} in more bytes than it needs.");
        }

        return true;
    }
}
