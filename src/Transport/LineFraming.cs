using System.Buffers;
using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Transport;

/// <summary>Frames that end in a line feed, with or without a carriage return before it.</summary>
public static class LineFraming
{
    private const byte LineFeed = (byte)'\n';
    private const byte CarriageReturn = (byte)'\r';

    /// <summary>Takes one line off the front of <paramref name="buffer"/>.</summary>
    /// <param name="buffer">The bytes that have arrived; left alone when they hold no whole line.</param>
    /// <param name="maxLineBytes">The longest line that is taken, its ending not counted.</param>
    /// <param name="line">The line without LF or CR LF; it borrows the buffer.</param>
    /// <returns>False when more bytes are needed.</returns>
    /// <exception cref="FramingException">The line is longer than allowed, whether its end has arrived or not.</exception>
    public static bool TryReadLine(ref ReadOnlySequence<byte> buffer, int maxLineBytes, out ReadOnlySequence<byte> line)
    {
        long scannedBytes = 0;
        return TryReadLine(ref buffer, maxLineBytes, ref scannedBytes, out line);
    }

    /// <summary>The same for a caller that asks again with more bytes and does not want long lines searched again from their start.</summary>
    /// <param name="buffer">The bytes that have arrived; left alone when they hold no whole line.</param>
    /// <param name="maxLineBytes">The longest line that is taken, its ending not counted.</param>
    /// <param name="scannedBytes">How many bytes at the front are known to hold no line feed: 0 at first, kept by the caller between calls.</param>
    /// <param name="line">The line without LF or CR LF; it borrows the buffer.</param>
    /// <returns>False when more bytes are needed.</returns>
    /// <exception cref="FramingException">The line is longer than allowed, whether its end has arrived or not.</exception>
    public static bool TryReadLine(ref ReadOnlySequence<byte> buffer, int maxLineBytes, ref long scannedBytes, out ReadOnlySequence<byte> line)
    {
        ReadOnlySpan<byte> first = buffer.FirstSpan;
        int end = scannedBytes < first.Length ? first[(int)scannedBytes..].IndexOf(LineFeed) : -1;
        if (end < 0)
            return TryReadLongLine(ref buffer, maxLineBytes, ref scannedBytes, out line);

        end += (int)scannedBytes;
        int length = end > 0 && first[end - 1] == CarriageReturn ? end - 1 : end;
        if (length > maxLineBytes)
            ThrowTooLong(length, maxLineBytes);
        line = buffer.Slice(0, length);
        buffer = buffer.Slice(end + 1);
        scannedBytes = 0;
        return true;
    }

    private static bool TryReadLongLine(ref ReadOnlySequence<byte> buffer, int maxLineBytes, ref long scannedBytes, out ReadOnlySequence<byte> line)
    {
        if (buffer.Slice(scannedBytes).PositionOf(LineFeed) is not { } lineFeed)
        {
            scannedBytes = buffer.Length;
            line = default;
            // One byte more may be the carriage return of a line that is just short enough.
            if (scannedBytes > maxLineBytes && (scannedBytes > maxLineBytes + 1L || LastByte(buffer) != CarriageReturn))
                ThrowTooLong(scannedBytes, maxLineBytes);
            return false;
        }

        line = buffer.Slice(0, lineFeed);
        if (line.Length > 0 && LastByte(line) == CarriageReturn)
            line = line.Slice(0, line.Length - 1);
        if (line.Length > maxLineBytes)
            ThrowTooLong(line.Length, maxLineBytes);
        buffer = buffer.Slice(buffer.GetPosition(1, lineFeed));
        scannedBytes = 0;
        return true;
    }

    private static byte LastByte(in ReadOnlySequence<byte> bytes)
    {
        // Empty segments may stand before it.
        ReadOnlySequence<byte> last = bytes.Slice(bytes.Length - 1);
        SequencePosition next = last.Start;
        while (last.TryGet(ref next, out ReadOnlyMemory<byte> piece))
        {
            if (piece.Length > 0)
                return piece.Span[0];
        }

        throw new ArgumentException("There is no last byte in an empty sequence.", nameof(bytes));
    }

    [DoesNotReturn]
    private static void ThrowTooLong(long bytes, int maxLineBytes) =>
        throw new FramingException($"A line of {bytes} bytes or more has arrived; {maxLineBytes} are allowed.");
}
