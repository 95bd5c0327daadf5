using System.Buffers;
using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Transport;

/// <summary>Frames that begin with their length as an unsigned number of four bytes.</summary>
public static class LengthFraming
{
    /// <summary>Takes one frame off the front of <paramref name="buffer"/>.</summary>
    /// <param name="buffer">The bytes that have arrived; left alone when they hold no whole frame.</param>
    /// <param name="format">How the length is written and what is allowed.</param>
    /// <param name="payload">The frame without its length; it borrows the buffer.</param>
    /// <returns>False when more bytes are needed.</returns>
    /// <exception cref="FramingException">The length is impossible or not allowed; known as soon as its four bytes are there.</exception>
    public static bool TryReadFrame(ref ReadOnlySequence<byte> buffer, LengthFormat format, out ReadOnlySequence<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(format);
        payload = default;
        scoped ReadOnlySpan<byte> prefix = buffer.FirstSpan;
        Span<byte> copy = stackalloc byte[LengthFormat.PrefixBytes];
        if (prefix.Length < LengthFormat.PrefixBytes)
        {
            if (buffer.Length < LengthFormat.PrefixBytes)
                return false;
            buffer.Slice(0, LengthFormat.PrefixBytes).CopyTo(copy);
            prefix = copy;
        }

        // Unsigned and long: a length with the highest bit set is large, not negative, and no sum below can wrap.
        long length = format.LittleEndian ? BinaryPrimitives.ReadUInt32LittleEndian(prefix) : BinaryPrimitives.ReadUInt32BigEndian(prefix);
        long payloadBytes = format.CountsItself ? length - LengthFormat.PrefixBytes : length;
        if (payloadBytes < format.MinPayloadBytes || payloadBytes > format.MaxPayloadBytes)
            ThrowLength(length, format);
        if (buffer.Length < LengthFormat.PrefixBytes + payloadBytes)
            return false;

        payload = buffer.Slice(LengthFormat.PrefixBytes, payloadBytes);
        buffer = buffer.Slice(LengthFormat.PrefixBytes + payloadBytes);
        return true;
    }

    /// <summary>Writes the length that stands before a payload.</summary>
    /// <param name="prefix">Four bytes or more.</param>
    /// <param name="format">How the length is written.</param>
    /// <param name="payloadBytes">The bytes that follow.</param>
    /// <exception cref="ArgumentOutOfRangeException">The format does not allow a payload of that size.</exception>
    public static void WriteLength(Span<byte> prefix, LengthFormat format, int payloadBytes)
    {
        ArgumentNullException.ThrowIfNull(format);
        if (payloadBytes < format.MinPayloadBytes || payloadBytes > format.MaxPayloadBytes)
            throw new ArgumentOutOfRangeException(nameof(payloadBytes), payloadBytes, $"A payload of {format.MinPayloadBytes} to {format.MaxPayloadBytes} bytes is allowed.");
        uint length = (uint)payloadBytes + (format.CountsItself ? (uint)LengthFormat.PrefixBytes : 0);
        if (format.LittleEndian)
            BinaryPrimitives.WriteUInt32LittleEndian(prefix, length);
        else
            BinaryPrimitives.WriteUInt32BigEndian(prefix, length);
    }

    [DoesNotReturn]
    private static void ThrowLength(long length, LengthFormat format)
    {
        int own = format.CountsItself ? LengthFormat.PrefixBytes : 0;
        throw new FramingException($"A frame says that it is {length} bytes long; {(long)format.MinPayloadBytes + own} to {(long)format.MaxPayloadBytes + own} are allowed.");
    }
}
