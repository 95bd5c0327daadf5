using System.Buffers;

namespace Hypervisor.Sdk.Transport;

/// <summary>One buffer in a chain. The array belongs to its connection for good: it never goes to a shared pool, so a reader that is too late reads old bytes, not foreign ones.</summary>
internal sealed class BufferSegment(int bytes) : ReadOnlySequenceSegment<byte>
{
    private readonly byte[] _array = new byte[bytes];

    /// <summary>How many bytes of the array are filled.</summary>
    public int End { get; private set; }

    public int Capacity => _array.Length;

    public int FreeBytes => _array.Length - End;

    public BufferSegment? NextSegment => (BufferSegment?)Next;

    public Memory<byte> Free => _array.AsMemory(End);

    public Span<byte> FreeSpan => _array.AsSpan(End);

    public void Fill(int count)
    {
        End += count;
        Memory = new ReadOnlyMemory<byte>(_array, 0, End);
    }

    public void Append(BufferSegment next)
    {
        next.RunningIndex = RunningIndex + End;
        Next = next;
    }

    public void Reset()
    {
        Next = null;
        RunningIndex = 0;
        End = 0;
        Memory = default;
    }
}
