using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;

namespace Hypervisor.Sdk.Transport.Http;

/// <summary>Writes the body of a request into a connection: as it is, held to the length that was announced, or each piece as a chunk.</summary>
internal sealed class HttpBodyWriter(PipeWriter output, long? length, Action onFlush) : PipeWriter
{
    /// <summary>Eight digits and CR LF before a chunk's data, CR LF after them.</summary>
    private const int BeforeBytes = 10;
    private const int AfterBytes = 2;

    private Memory<byte> _memory;
    private long _written;

    public override bool CanGetUnflushedBytes => output.CanGetUnflushedBytes;

    public override long UnflushedBytes => output.UnflushedBytes;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (length is not null)
            return output.GetMemory(sizeHint);
        _memory = output.GetMemory(Math.Max(sizeHint, 1) + BeforeBytes + AfterBytes);
        return _memory[BeforeBytes..^AfterBytes];
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        if (bytes == 0)
            return;
        _written += bytes;
        if (length is { } announced)
        {
            if (_written > announced)
                throw new InvalidOperationException($"The body of the request has more bytes than the {announced} that it announced.");
            output.Advance(bytes);
            return;
        }

        // Written where it is: the size has its place before the data, with leading zeros.
        Span<byte> chunk = _memory.Span;
        bytes.TryFormat(chunk, out _, "X8", CultureInfo.InvariantCulture);
        "\r\n"u8.CopyTo(chunk[8..]);
        "\r\n"u8.CopyTo(chunk[(BeforeBytes + bytes)..]);
        output.Advance(BeforeBytes + bytes + AfterBytes);
    }

    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        onFlush();
        return output.FlushAsync(cancellationToken);
    }

    public override void CancelPendingFlush() => output.CancelPendingFlush();

    /// <summary>The connection goes on: what the caller ends is the body, when its delegate returns.</summary>
    public override void Complete(Exception? exception = null)
    {
        if (exception is not null)
            throw exception;
    }

    public async ValueTask EndAsync(CancellationToken cancellationToken)
    {
        if (length is { } announced && _written < announced)
            throw new InvalidOperationException($"The body of the request has {_written} bytes, fewer than the {announced} that it announced.");
        if (length is null)
            output.Write("0\r\n\r\n"u8);
        await FlushAsync(cancellationToken).ConfigureAwait(false);
    }
}
