namespace Hypervisor.Sdk.Transport;

/// <summary>
/// The spare segments of one direction of one connection, and how large they are: as large as the connection was told, and larger once more is sent or kept at a time than one holds, so that a large message does not
/// cost a call of the operating system for each small part of it. Not thread-safe: its owner's lock guards it.
/// </summary>
internal sealed class SegmentCache(int segmentBytes)
{
    private const int MostBytes = 128 * 1024;

    /// <summary>Spare segments beyond these are left to the collector: a burst does not hold memory for ever.</summary>
    private const int MaxSpare = 8;

    private readonly BufferSegment?[] _spare = new BufferSegment?[MaxSpare];
    private readonly int _spareBytes = MaxSpare * segmentBytes;
    private readonly int _largestBytes = Math.Max(segmentBytes, Math.Min(MostBytes, MaxSpare * segmentBytes));
    private int _bytes = segmentBytes;
    private int _count;

    public BufferSegment Rent(int minimumBytes = 0)
    {
        if (minimumBytes > _bytes)
            return new BufferSegment(minimumBytes);
        if (_count == 0)
            return new BufferSegment(_bytes);
        BufferSegment segment = _spare[--_count]!;
        _spare[_count] = null;
        return segment;
    }

    public void Return(BufferSegment segment)
    {
        segment.Reset();
        if (segment.Capacity == _bytes && _count < _spareBytes / _bytes)
            _spare[_count++] = segment;
    }

    /// <summary>One segment did not hold what had to be held: the next ones hold twice as much, up to 128 KiB and no more than the spare ones hold together.</summary>
    public void Grow()
    {
        if (_bytes > _largestBytes / 2)
            return;
        _bytes *= 2;
        Array.Clear(_spare, 0, _count);
        _count = 0;
    }
}
