namespace Hypervisor.Sdk.Transport;

/// <summary>The spare segments of one direction of one connection. Not thread-safe: its owner's lock guards it.</summary>
internal sealed class SegmentCache(int segmentBytes)
{
    /// <summary>Spare segments beyond these are left to the collector: a burst does not hold memory for ever.</summary>
    private const int MaxSpare = 8;

    private readonly BufferSegment?[] _spare = new BufferSegment?[MaxSpare];
    private int _count;

    public int SegmentBytes => segmentBytes;

    public BufferSegment Rent(int minimumBytes = 0)
    {
        if (minimumBytes > segmentBytes)
            return new BufferSegment(minimumBytes);
        if (_count == 0)
            return new BufferSegment(segmentBytes);
        BufferSegment segment = _spare[--_count]!;
        _spare[_count] = null;
        return segment;
    }

    public void Return(BufferSegment segment)
    {
        segment.Reset();
        if (_count < MaxSpare && segment.Capacity == segmentBytes)
            _spare[_count++] = segment;
    }
}
