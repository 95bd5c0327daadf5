using System.Buffers;

namespace Hypervisor.Sdk.Transport.Tests;

/// <summary>Byte sequences that are cut into segments where a test wants them cut.</summary>
internal static class Segments
{
    /// <summary>The bytes in pieces that end at the cuts, which ascend; an empty piece stays one.</summary>
    public static ReadOnlySequence<byte> Cut(ReadOnlySpan<byte> bytes, params ReadOnlySpan<int> cuts)
    {
        var first = new Piece(bytes[..(cuts.Length > 0 ? cuts[0] : bytes.Length)].ToArray(), 0);
        Piece last = first;
        for (int i = 0; i < cuts.Length; i++)
        {
            int end = i + 1 < cuts.Length ? cuts[i + 1] : bytes.Length;
            last = last.Append(bytes[cuts[i]..end].ToArray());
        }

        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }

    private sealed class Piece : ReadOnlySequenceSegment<byte>
    {
        public Piece(byte[] bytes, long runningIndex)
        {
            Memory = bytes;
            RunningIndex = runningIndex;
        }

        public Piece Append(byte[] bytes)
        {
            var next = new Piece(bytes, RunningIndex + Memory.Length);
            Next = next;
            return next;
        }
    }
}
