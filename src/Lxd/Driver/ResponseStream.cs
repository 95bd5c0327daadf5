using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>The body of an answer, of any length; a slow reader stops the server. Disposing it gives the connection back.</summary>
internal sealed class ResponseStream(HttpResponse response) : Stream
{
    private readonly Stream _body = response.OpenStream();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw Forward();

    public override long Position
    {
        get => throw Forward();
        set => throw Forward();
    }

    public override int Read(byte[] buffer, int offset, int count) => _body.Read(buffer, offset, count);

    public override int Read(Span<byte> buffer) => _body.Read(buffer);

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _body.ReadAsync(buffer, cancellationToken);

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => _body.ReadAsync(buffer, offset, count, cancellationToken);

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw Forward();

    public override void SetLength(long value) => throw Forward();

    public override void Write(byte[] buffer, int offset, int count) => throw Forward();

    public override async ValueTask DisposeAsync()
    {
        await _body.DisposeAsync().ConfigureAwait(false);
        await response.DisposeAsync().ConfigureAwait(false);
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _body.Dispose();

            // Whoever cannot wait does not: the connection is given back a moment later.
            _ = response.DisposeAsync().AsTask();
        }

        base.Dispose(disposing);
    }

    private static NotSupportedException Forward() => new("It is read from its beginning to its end.");
}
