using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Qemu.Consoles;

/// <summary>A part of a log file, for reading.</summary>
internal sealed class LogStream(SafeFileHandle file, long begin, long end) : Stream
{
    private long _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => end - begin;

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException("A log is read from its beginning to its end.");
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int read = RandomAccess.Read(file, buffer[..(int)Math.Min(buffer.Length, Length - _read)], begin + _read);
        _read += read;
        return read;
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int read = await RandomAccess.ReadAsync(file, buffer[..(int)Math.Min(buffer.Length, Length - _read)], begin + _read, cancellationToken).ConfigureAwait(false);
        _read += read;
        return read;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("A log is read from its beginning to its end.");

    public override void SetLength(long value) => throw new NotSupportedException("A log is for reading.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("A log is for reading.");

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            file.Dispose();
        base.Dispose(disposing);
    }
}
