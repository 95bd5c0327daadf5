using System.Buffers;
using System.IO.Compression;
using System.IO.Pipelines;
using System.Text;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>Takes the content coding off a body, when that was asked for. It allocates, and is bounded.</summary>
internal static class HttpDecompression
{
    /// <summary>The coding of the response's body, or null when there is none to be taken off.</summary>
    public static string? CodingOf(HttpConnection connection, HttpConnectionPool pool)
    {
        if (!pool.Decompresses || connection.Body.AnnouncedBytes == 0 || !connection.Head.TryGet("Content-Encoding"u8, out ReadOnlySpan<byte> coding))
            return null;
        if (Ascii.EqualsIgnoreCase(coding, "gzip"u8) || Ascii.EqualsIgnoreCase(coding, "x-gzip"u8))
            return "gzip";
        if (Ascii.EqualsIgnoreCase(coding, "deflate"u8))
            return "deflate";
        if (Ascii.EqualsIgnoreCase(coding, "br"u8))
            return "br";
        if (Ascii.EqualsIgnoreCase(coding, "identity"u8))
            return null;
        throw connection.Explain(new HttpFault(HttpFailure.Malformed, "the body has a content coding that was not offered"));
    }

    public static Stream Open(PipeReader body, string coding, HttpConnection connection, HttpConnectionPool pool)
    {
        Stream compressed = body.AsStream();
        Stream plain = coding switch
        {
            "gzip" => new GZipStream(compressed, CompressionMode.Decompress),
            "deflate" => new ZLibStream(compressed, CompressionMode.Decompress),
            _ => new BrotliStream(compressed, CompressionMode.Decompress),
        };
        return new BoundedStream(plain, pool.MaxDecompressedBytes, connection);
    }

    public static async ValueTask<ReadOnlySequence<byte>> ReadWholeAsync(HttpResponse response, HttpConnection connection, long maxBytes, CancellationToken cancellationToken)
    {
        const int PieceBytes = 16 * 1024;
        PipeReader body = response.OpenPipe();
        var whole = new BodyBuffer(PieceBytes);
        while (true)
        {
            ReadResult read = await body.ReadAsync(cancellationToken).ConfigureAwait(false);
            foreach (ReadOnlyMemory<byte> memory in read.Buffer)
                whole.Append(memory.Span);
            body.AdvanceTo(read.Buffer.End);
            if (whole.Length > maxBytes)
                throw connection.Explain(new HttpFault(HttpFailure.TooLarge, $"the body has more than {maxBytes} bytes when it is decompressed"));
            if (read.IsCompleted)
                return whole.Bytes;
        }
    }

    /// <summary>A stream that fails beyond its bound, and says in HTTP's words what is wrong with the data.</summary>
    private sealed class BoundedStream(Stream inner, long maxBytes, HttpConnection connection) : Stream
    {
        private long _bytes;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                int bytes = await inner.ReadAsync(buffer, cancellationToken).ConfigureAwait(false);
                return Count(bytes);
            }
            catch (InvalidDataException error)
            {
                throw connection.Explain(new HttpFault(HttpFailure.Malformed, $"the compressed body is broken: {error.Message}"));
            }
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => Count(inner.Read(buffer, offset, count));

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }

        private int Count(int bytes)
        {
            _bytes += bytes;
            if (_bytes > maxBytes)
                throw connection.Explain(new HttpFault(HttpFailure.TooLarge, $"the body has more than {maxBytes} bytes when it is decompressed"));
            return bytes;
        }
    }
}
