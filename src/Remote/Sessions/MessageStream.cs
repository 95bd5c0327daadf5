namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>Reads the bytes that an open call carries as a stream, in order and asynchronously.</summary>
/// <param name="receive">The next bytes; null at the end.</param>
/// <param name="close">What is to be done when it is disposed.</param>
internal sealed class MessageStream(Func<CancellationToken, ValueTask<byte[]?>> receive, Func<ValueTask>? close) : Stream
{
    private ReadOnlyMemory<byte> _rest;
    private bool _isEnded;
    private bool _isDisposed;

    public override bool CanRead => !_isDisposed;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException("The stream comes from another process and is read in order.");

    public override long Position
    {
        get => throw new NotSupportedException("The stream comes from another process and is read in order.");
        set => throw new NotSupportedException("The stream comes from another process and is read in order.");
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (buffer.IsEmpty)
            return 0;
        while (_rest.IsEmpty && !_isEnded)
        {
            byte[]? next = await receive(cancellationToken).ConfigureAwait(false);
            _isEnded = next is null;
            _rest = next;
        }

        int bytes = Math.Min(buffer.Length, _rest.Length);
        _rest[..bytes].CopyTo(buffer);
        _rest = _rest[bytes..];
        return bytes;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("The stream comes from another process: read it asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("The stream comes from another process and is read in order.");

    public override void SetLength(long value) => throw new NotSupportedException("The stream is read only.");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The stream is read only.");

    public override void Flush()
    {
    }

    public override async ValueTask DisposeAsync()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        if (close is not null)
            await close().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isDisposed)
        {
            _isDisposed = true;
            // Nobody waits: the other end ends it when it hears of it.
            _ = close?.Invoke().AsTask();
        }

        base.Dispose(disposing);
    }
}
