using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace Hypervisor.Sdk.Transport.WebSockets;

/// <summary>Whether bytes are UTF-8, wherever they are cut.</summary>
internal static class Utf8Text
{
    public static bool IsValid(in ReadOnlySequence<byte> text)
    {
        if (text.IsSingleSegment)
            return Utf8.IsValid(text.FirstSpan);
        Span<byte> cut = stackalloc byte[4];
        int cutBytes = 0;
        foreach (ReadOnlyMemory<byte> memory in text)
        {
            ReadOnlySpan<byte> span = memory.Span;
            while (cutBytes > 0 && !span.IsEmpty)
            {
                cut[cutBytes++] = span[0];
                span = span[1..];
                OperationStatus status = Rune.DecodeFromUtf8(cut[..cutBytes], out _, out _);
                if (status == OperationStatus.InvalidData)
                    return false;
                if (status == OperationStatus.Done)
                    cutBytes = 0;
            }

            if (span.IsEmpty)
                continue;
            int tail = CutTail(span);
            if (!Utf8.IsValid(span[..^tail]))
                return false;
            span[^tail..].CopyTo(cut);
            cutBytes = tail;
        }

        return cutBytes == 0;
    }

    /// <summary>How many bytes at the end begin a character that goes on.</summary>
    private static int CutTail(ReadOnlySpan<byte> span)
    {
        for (int bytes = 1; bytes <= Math.Min(3, span.Length); bytes++)
        {
            if (Rune.DecodeFromUtf8(span[^bytes..], out _, out _) == OperationStatus.NeedMoreData)
                return bytes;
        }

        return 0;
    }
}
