using System.Globalization;
using System.IO.Pipelines;
using System.Text;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>The body of a request: bytes that are kept, a stream, or whatever writes to a pipe. Derive from it for a body of one's own.</summary>
public abstract class HttpRequestBody
{
    private byte[]? _headers;

    /// <summary>Makes a body of the type, for example <c>application/json</c>, or null to name none.</summary>
    protected HttpRequestBody(string? contentType)
    {
        if (contentType is not null)
            _ = new HttpHeader("Content-Type", contentType);
        ContentType = contentType;
    }

    /// <summary>What is sent as <c>Content-Type</c>, or null.</summary>
    public string? ContentType { get; }

    /// <summary>How many bytes <see cref="WriteAsync"/> will write, or null: then they are sent in chunks.</summary>
    public virtual long? Length => null;

    /// <summary>It can be written again, so that an idempotent request can be repeated on another connection. Default: false.</summary>
    public virtual bool CanRepeat => false;

    /// <summary>
    /// Ask the server before sending (<c>Expect: 100-continue</c>, RFC 9110, 10.1.1): what it refuses by the head alone is not sent then. Ignored for <see cref="FromBytes"/>.
    /// Default: false.
    /// </summary>
    public bool ExpectContinue { get; init; }

    internal virtual ReadOnlyMemory<byte>? Bytes => null;

    internal ReadOnlySpan<byte> Headers => _headers ??= Encode();

    /// <summary>Bytes that are there: may be sent any number of times, and costs no allocation. They must not change while they are sent.</summary>
    public static HttpRequestBody FromBytes(ReadOnlyMemory<byte> bytes, string? contentType = "application/json") => new BytesBody(bytes, contentType);

    /// <summary>What a stream has from its position on. The stream stays the caller's.</summary>
    /// <param name="stream">The stream; read once.</param>
    /// <param name="length">How many bytes it has, or null when that is not known: then it is sent in chunks.</param>
    /// <param name="contentType">What is sent as <c>Content-Type</c>, or null.</param>
    /// <param name="expectContinue">Ask the server before sending.</param>
    public static HttpRequestBody FromStream(Stream stream, long? length = null, string? contentType = "application/octet-stream", bool expectContinue = false)
    {
        ArgumentNullException.ThrowIfNull(stream);
        return new WrittenBody((writer, cancellationToken) => new ValueTask(stream.CopyToAsync(writer.AsStream(leaveOpen: true), cancellationToken)), length, contentType) { ExpectContinue = expectContinue };
    }

    /// <summary>What a delegate writes. It flushes when it wants its bytes to leave; the end is the end of the delegate.</summary>
    /// <param name="write">Writes the body; called once for each request.</param>
    /// <param name="length">How many bytes it will write, or null when that is not known: then they are sent in chunks.</param>
    /// <param name="contentType">What is sent as <c>Content-Type</c>, or null.</param>
    /// <param name="expectContinue">Ask the server before sending.</param>
    public static HttpRequestBody FromWriter(
        Func<PipeWriter, CancellationToken, ValueTask> write, long? length = null, string? contentType = "application/octet-stream", bool expectContinue = false)
    {
        ArgumentNullException.ThrowIfNull(write);
        return new WrittenBody(write, length, contentType) { ExpectContinue = expectContinue };
    }

    /// <summary>Writes the body. What it throws, the request fails with.</summary>
    /// <param name="writer">Where to; flush it from time to time, do not complete it.</param>
    /// <param name="cancellationToken">Cancelled when the request is over before its body.</param>
    public abstract ValueTask WriteAsync(PipeWriter writer, CancellationToken cancellationToken);

    private byte[] Encode()
    {
        var text = new StringBuilder();
        if (ContentType is not null)
            text.Append(CultureInfo.InvariantCulture, $"Content-Type: {ContentType}\r\n");
        text.Append(Length is { } length ? string.Create(CultureInfo.InvariantCulture, $"Content-Length: {length}\r\n") : "Transfer-Encoding: chunked\r\n");
        if (ExpectContinue && Bytes is null)
            text.Append("Expect: 100-continue\r\n");
        return Encoding.ASCII.GetBytes(text.Append("\r\n").ToString());
    }

    private sealed class BytesBody(ReadOnlyMemory<byte> bytes, string? contentType) : HttpRequestBody(contentType)
    {
        public override long? Length => bytes.Length;

        public override bool CanRepeat => true;

        internal override ReadOnlyMemory<byte>? Bytes => bytes;

        public override async ValueTask WriteAsync(PipeWriter writer, CancellationToken cancellationToken) => await writer.WriteAsync(bytes, cancellationToken).ConfigureAwait(false);
    }

    private sealed class WrittenBody : HttpRequestBody
    {
        private readonly Func<PipeWriter, CancellationToken, ValueTask> _write;

        public WrittenBody(Func<PipeWriter, CancellationToken, ValueTask> write, long? length, string? contentType)
            : base(contentType)
        {
            if (length < 0)
                throw new ArgumentOutOfRangeException(nameof(length), length, "A length is not negative.");
            _write = write;
            Length = length;
        }

        public override long? Length { get; }

        public override ValueTask WriteAsync(PipeWriter writer, CancellationToken cancellationToken) => _write(writer, cancellationToken);
    }
}
