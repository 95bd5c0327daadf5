using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// A file that the guest agent has open, from its beginning to its end, a part at a time. A read that is given up loses nothing: the next one takes what was asked for. After an error there is no next one, as nobody knows where the agent is then.
/// </summary>
internal sealed class GuestAgentRead(IGuestAgentFile file, Func<HypervisorException, HypervisorException> because, BackendName backend) : Stream
{
    private Task<GuestAgentPart>? _asked;
    private ReadOnlyMemory<byte> _part;
    private bool _isEnd;
    private bool _isClosed;

    public override bool CanRead => !_isClosed;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw Forward();

    public override long Position
    {
        get => throw Forward();
        set => throw Forward();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        cancellationToken.ThrowIfCancellationRequested();
        if (buffer.IsEmpty)
            return 0;
        if (_part.IsEmpty && !_isEnd)
            await NextAsync(cancellationToken).ConfigureAwait(false);
        int count = Math.Min(buffer.Length, _part.Length);
        _part[..count].CopyTo(buffer);
        _part = _part[count..];
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("What comes from a guest is read asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw Forward();

    public override void SetLength(long value) => throw Forward();

    public override void Write(byte[] buffer, int offset, int count) => throw Forward();

    [SuppressMessage("Usage", "CA2215", Justification = "The base would close a second time, without waiting.")]
    public override async ValueTask DisposeAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        GC.SuppressFinalize(this);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _ = CloseAsync();
        base.Dispose(disposing);
    }

    private async Task NextAsync(CancellationToken cancellationToken)
    {
        try
        {
            var part = await (_asked ??= file.ReadAsync(GuestAgentFiles.MaxPartBytes)).WaitAsync(cancellationToken).ConfigureAwait(false);
            if (part.Bytes.Length > GuestAgentFiles.MaxPartBytes || (part.Bytes.IsEmpty && !part.IsEnd))
                throw new BackendProtocolException($"The guest agent was asked for {GuestAgentFiles.MaxPartBytes} bytes at most, says that there are more of them, and gives {part.Bytes.Length}.", ErrorCode.Protocol, RequestOutcome.Unknown) { Backend = backend };
            (_part, _isEnd, _asked) = (part.Bytes, part.IsEnd, null);
        }
        catch (HypervisorException error)
        {
            throw because(error);
        }
    }

    private async Task CloseAsync()
    {
        if (_isClosed)
            return;
        _isClosed = true;
        try
        {
            if (_asked is { } asked)
                await ((Task)asked).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await file.CloseAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException or ObjectDisposedException)
        {
            // Nobody answers any more.
        }
    }

    private static NotSupportedException Forward() => new("A file of a guest is read forward.");
}
