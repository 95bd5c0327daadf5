namespace Hypervisor.Sdk.Libvirt.Storage;

/// <summary>The content of a volume as it comes; holes are zeros. Ends the transfer and its connection when it is disposed.</summary>
internal sealed class VolumeDownload(LibvirtConnection libvirt, LibvirtStream stream, long? totalBytes, IProgress<TransferProgress>? progress, Action ended) : Stream
{
    private long _read;
    private int _isDisposed;

    public override bool CanRead => Volatile.Read(ref _isDisposed) == 0;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => _read;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(!CanRead, this);
        if (buffer.IsEmpty)
            return 0;
        int bytes = await stream.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        if (bytes == 0)
        {
            // What went wrong at the daemon shows here at the latest.
            await stream.FinishAsync(cancellationToken).ConfigureAwait(false);
            return 0;
        }

        _read += bytes;
        progress?.Report(new TransferProgress(_read, totalBytes));
        return bytes;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The content is read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await stream.DisposeAsync().ConfigureAwait(false);
        await libvirt.DisposeAsync().ConfigureAwait(false);
        ended();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            // The end of the connection is not waited for: nobody here may block.
            _ = libvirt.DisposeAsync().AsTask();
            ended();
        }

        base.Dispose(disposing);
    }
}
