using System.Buffers;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>Bytes that could not stay in the pipe, because framing was between them, in segments that are used again.</summary>
internal sealed class BodyBuffer(int segmentBytes)
{
    private readonly SegmentCache _segments = new(segmentBytes);
    private BufferSegment? _head;
    private BufferSegment? _tail;
    private int _headIndex;

    public long Length { get; private set; }

    public ReadOnlySequence<byte> Bytes => _head is null ? default : new ReadOnlySequence<byte>(_head, _headIndex, _tail!, _tail!.End);

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Length += bytes.Length;
        while (!bytes.IsEmpty)
        {
            Span<byte> free = Room();
            int count = Math.Min(bytes.Length, free.Length);
            bytes[..count].CopyTo(free);
            _tail!.Fill(count);
            bytes = bytes[count..];
        }
    }

    public void Consume(SequencePosition consumed)
    {
        if (_head is null || consumed.GetObject() is not BufferSegment last)
            return;
        Length -= Bytes.Slice(0, consumed).Length;
        while (_head != last)
        {
            BufferSegment segment = _head;
            _head = segment.NextSegment!;
            _segments.Return(segment);
        }

        _headIndex = consumed.GetInteger();
        if (Length == 0)
            Clear();
    }

    public void Clear()
    {
        while (_head is { } segment)
        {
            _head = segment.NextSegment;
            _segments.Return(segment);
        }

        _tail = null;
        _headIndex = 0;
        Length = 0;
    }

    private Span<byte> Room()
    {
        if (_tail is { FreeBytes: > 0 })
            return _tail.FreeSpan;
        BufferSegment next = _segments.Rent();
        if (_tail is null)
            _head = next;
        else
            _tail.Append(next);
        _tail = next;
        return next.FreeSpan;
    }
}
