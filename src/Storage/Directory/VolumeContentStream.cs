using System.Runtime.Versioning;
using System.Security.Cryptography;
using Hypervisor.Sdk.DiskImages;
using Microsoft.Win32.SafeHandles;

namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>The content of a volume, read once from its beginning to its end. Disposing it gives the volume back.</summary>
[SupportedOSPlatform("linux")]
public sealed class VolumeContentStream : Stream
{
    private readonly SafeFileHandle _file;
    private readonly FileLock _lock;
    private readonly IProgress<TransferProgress>? _progress;
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    private readonly long _length;
    private long _position;
    private byte[]? _sha256;

    internal VolumeContentStream(SafeFileHandle file, FileLock volumeLock, IProgress<TransferProgress>? progress)
    {
        _file = file;
        _lock = volumeLock;
        _progress = progress;
        _length = RandomAccess.GetLength(file);
    }

    /// <summary>The SHA-256 of all that was read, 32 bytes, once the end was read; null before.</summary>
    public ReadOnlyMemory<byte>? Sha256 => _sha256 is null ? null : _sha256;

    /// <inheritdoc />
    public override bool CanRead => true;

    /// <summary>False: it is read once, in order.</summary>
    public override bool CanSeek => false;

    /// <inheritdoc />
    public override bool CanWrite => false;

    /// <summary>How many bytes there are in all.</summary>
    public override long Length => _length;

    /// <summary>How many bytes were read. Cannot be set.</summary>
    public override long Position
    {
        get => _position;
        set => throw new NotSupportedException("The content is read in order.");
    }

    /// <inheritdoc />
    /// <exception cref="HypervisorException">The disk failed.</exception>
    public override int Read(Span<byte> buffer)
    {
        try
        {
            return Told(buffer[..RandomAccess.Read(_file, buffer, _position)], buffer.IsEmpty);
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, "Reading a volume");
        }
    }

    /// <inheritdoc />
    /// <exception cref="HypervisorException">The disk failed.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            int bytes = await RandomAccess.ReadAsync(_file, buffer, _position, cancellationToken).ConfigureAwait(false);
            return Told(buffer.Span[..bytes], buffer.IsEmpty);
        }
        catch (IOException error)
        {
            throw FileFailure.From(error, "Reading a volume");
        }
    }

    /// <inheritdoc />
    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    /// <inheritdoc />
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Does nothing.</summary>
    public override void Flush()
    {
    }

    /// <summary>Not supported.</summary>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("The content is read in order.");

    /// <summary>Not supported.</summary>
    public override void SetLength(long value) => throw new NotSupportedException("The content is read only.");

    /// <summary>Not supported.</summary>
    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("The content is read only.");

    /// <inheritdoc />
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _file.Dispose();
            _lock.Dispose();
            _hash.Dispose();
        }

        base.Dispose(disposing);
    }

    private int Told(ReadOnlySpan<byte> read, bool nothingWasAsked)
    {
        if (read.IsEmpty)
        {
            if (!nothingWasAsked)
                _sha256 ??= _hash.GetHashAndReset();
            return 0;
        }

        _hash.AppendData(read);
        _position += read.Length;
        _progress?.Report(new TransferProgress(_position, _length));
        return read.Length;
    }
}
