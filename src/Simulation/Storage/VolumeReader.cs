using Hypervisor.Sdk.Simulation.Backup;

namespace Hypervisor.Sdk.Simulation.Storage;

/// <summary>The content of a volume from its beginning to its end, as it was when this was opened: what was uploaded, what a guest has written since, and zeros.</summary>
internal sealed class VolumeReader(VolumeContent? content, DiskHistory? history, long writes, long length, IProgress<TransferProgress>? progress) : Stream
{
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => length;

    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException("The content is read in order.");
    }

    public override int Read(Span<byte> buffer)
    {
        int count = (int)Math.Min(buffer.Length, length - _position);
        buffer = buffer[..count];
        if (history is not null)
        {
            history.Read(_position, buffer, writes);
        }
        else
        {
            int read = content is null || _position >= content.Length ? 0 : RandomAccess.Read(content.File, buffer[..(int)Math.Min(count, content.Length - _position)], _position);
            // What is beyond the upload was never written.
            if (read > 0)
                count = read;
            else
                buffer.Clear();
        }

        _position += count;
        if (count > 0)
            progress?.Report(new TransferProgress(_position, length));
        return count;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return new(Read(buffer.Span));
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("The content is read in order.");

    public override void SetLength(long value) => throw new NotSupportedException("The content is read only.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The content is read only.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Interlocked.Exchange(ref content, null)?.Dispose();
        base.Dispose(disposing);
    }
}
