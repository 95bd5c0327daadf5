using System.Buffers.Binary;
using System.Security.Cryptography;

namespace Hypervisor.Sdk.ReferenceHost;

/// <summary>
/// A file that is read by a key only: blocks of 64 KiB, each by AES-256-GCM with its number as the nonce (a key is of one file), and a tag after each. The length is said by whoever has the key, so that a file that was cut off is
/// found as one that was changed is.
/// </summary>
internal sealed class SealedFile(FileStream file, byte[] key, long length) : Stream
{
    public const int KeyBytes = 32;

    private const int BlockBytes = 64 * 1024;
    private const int TagBytes = 16;
    private const int NonceBytes = 12;

    private readonly AesGcm _cipher = new(key, TagBytes);
    private readonly byte[] _sealed = new byte[BlockBytes + TagBytes];
    private readonly byte[] _block = new byte[BlockBytes];
    private long _number;
    private int _begin;
    private int _end;
    private long _read;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => length;

    /// <summary>How much was read.</summary>
    public override long Position { get => Interlocked.Read(ref _read); set => throw new NotSupportedException(); }

    /// <summary>Writes all of <paramref name="content"/>; the length, or null where it is longer than allowed.</summary>
    public static async Task<long?> WriteAsync(Stream file, Stream content, byte[] key, long maxBytes, CancellationToken cancellationToken)
    {
        using var cipher = new AesGcm(key, TagBytes);
        byte[] block = new byte[BlockBytes], written = new byte[BlockBytes + TagBytes];
        long length = 0;
        for (long number = 0; ; number++)
        {
            int count = await content.ReadAtLeastAsync(block, BlockBytes, throwOnEndOfStream: false, cancellationToken);
            length += count;
            if (length > maxBytes)
                return null;
            if (count > 0)
            {
                cipher.Encrypt(Nonce(number), block.AsSpan(0, count), written.AsSpan(0, count), written.AsSpan(count, TagBytes));
                await file.WriteAsync(written.AsMemory(0, count + TagBytes), cancellationToken);
            }

            if (count < BlockBytes)
                return length;
        }
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_begin == _end && !await NextAsync(cancellationToken))
            return 0;
        int count = Math.Min(buffer.Length, _end - _begin);
        _block.AsSpan(_begin, count).CopyTo(buffer.Span);
        _begin += count;
        Interlocked.Add(ref _read, count);
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Bodies are read without blocking.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _cipher.Dispose();
            file.Dispose();
        }

        base.Dispose(disposing);
    }

    private async Task<bool> NextAsync(CancellationToken cancellationToken)
    {
        int expected = (int)Math.Min(BlockBytes, length - (_number * BlockBytes));
        if (expected <= 0)
            return false;
        int count = await file.ReadAtLeastAsync(_sealed.AsMemory(0, expected + TagBytes), expected + TagBytes, throwOnEndOfStream: false, cancellationToken);
        if (count < expected + TagBytes)
            throw new IOException("A file that was kept for an upload is cut off.");
        _cipher.Decrypt(Nonce(_number), _sealed.AsSpan(0, expected), _sealed.AsSpan(expected, TagBytes), _block.AsSpan(0, expected));
        (_number, _begin, _end) = (_number + 1, 0, expected);
        return true;
    }

    private static byte[] Nonce(long number)
    {
        byte[] nonce = new byte[NonceBytes];
        BinaryPrimitives.WriteInt64BigEndian(nonce.AsSpan(NonceBytes - sizeof(long)), number);
        return nonce;
    }
}
