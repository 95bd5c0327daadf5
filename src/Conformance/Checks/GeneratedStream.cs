namespace Hypervisor.Sdk.Conformance;

/// <summary>A stream of any length that takes no memory: each byte is made from its place.</summary>
internal sealed class GeneratedStream(long length, long afterBytes = long.MaxValue, Action? then = null) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException("The stream is read to its end.");

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException("The stream is read to its end.");
    }

    /// <summary>Whether bytes are those of the stream at a place.</summary>
    public static bool Matches(ReadOnlySpan<byte> bytes, long position)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            if (bytes[i] != At(position + i))
                return false;
        }

        return true;
    }

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, length - _position);
        for (int i = 0; i < count; i++)
            buffer[i] = At(_position + i);
        _position += count;
        if (_position >= afterBytes)
            then?.Invoke();
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => cancellationToken.IsCancellationRequested ? ValueTask.FromCanceled<int>(cancellationToken) : new(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("The stream is read to its end.");

    public override void SetLength(long value) => throw new NotSupportedException("The stream is read only.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The stream is read only.");

    private static byte At(long position) => (byte)((position * 31 + (position >> 8)) & 0xff);
}
