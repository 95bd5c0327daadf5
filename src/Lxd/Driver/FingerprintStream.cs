using System.Security.Cryptography;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>Passes on what is read and computes its SHA-256, which at the end must be the expected one.</summary>
internal sealed class FingerprintStream(Stream content, string? expected, bool leaveOpen) : Stream
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>The SHA-256 of all of it, once its end was read.</summary>
    public string? Fingerprint { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        int count = content.Read(buffer);
        return Take(buffer[..count], buffer.IsEmpty);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count = await content.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
        return Take(buffer.Span[..count], buffer.IsEmpty);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        if (!leaveOpen)
            await content.DisposeAsync().ConfigureAwait(false);
        _hash.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            if (!leaveOpen)
                content.Dispose();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Take(ReadOnlySpan<byte> bytes, bool isNothingAsked)
    {
        if (!bytes.IsEmpty)
            _hash.AppendData(bytes);
        else if (!isNothingAsked)
            Fingerprint ??= Convert.ToHexStringLower(_hash.GetHashAndReset());
        if (Fingerprint is not null && expected is not null && Fingerprint != expected)
            throw new InvalidDataException($"What was read has the SHA-256 {Fingerprint}, and the image has the fingerprint {expected}: it is something else.");
        return bytes.Length;
    }
}
