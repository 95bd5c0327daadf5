namespace Hypervisor.Sdk.Hosts.Sftp;

/// <summary>Reads a file of another machine from its beginning, several pieces ahead.</summary>
internal sealed class SftpReadStream(SftpSession sftp, ReadOnlyMemory<byte> handle, string action) : Stream
{
    private const byte CloseRequest = 4;
    private const byte ReadRequest = 5;
    private const int PieceBytes = 32 << 10;
    private const int PiecesUnderWay = 16;

    private readonly Queue<(Task<SftpReply> Reply, ulong Offset)> _asked = [];
    private ReadOnlyMemory<byte> _rest;
    private ulong _nextOffset;
    private ulong _position;
    private bool _isAtEnd;
    private bool _isClosed;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => (long)_position;
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_isClosed, this);
        while (_rest.IsEmpty && !_isAtEnd && buffer.Length > 0)
            await NextAsync(cancellationToken).ConfigureAwait(false);
        int bytes = Math.Min(buffer.Length, _rest.Length);
        _rest[..bytes].CopyTo(buffer);
        _rest = _rest[bytes..];
        _position += (ulong)bytes;
        return bytes;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) => ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    /// <summary>Not offered: it would keep a thread waiting for another machine.</summary>
    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read it asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        if (!_isClosed)
        {
            _isClosed = true;
            if (sftp.IsAlive)
                await ((Task)sftp.SendAsync(SftpSession.Request(CloseRequest).Bytes(handle.Span))).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        await base.DisposeAsync().ConfigureAwait(false);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_isClosed)
        {
            _isClosed = true;
            if (sftp.IsAlive)
                _ = sftp.SendAsync(SftpSession.Request(CloseRequest).Bytes(handle.Span));
        }

        base.Dispose(disposing);
    }

    private async Task NextAsync(CancellationToken cancellationToken)
    {
        while (_asked.Count < PiecesUnderWay)
        {
            _asked.Enqueue((sftp.SendAsync(SftpSession.Request(ReadRequest).Bytes(handle.Span).Long(_nextOffset).Number(PieceBytes)), _nextOffset));
            _nextOffset += PieceBytes;
        }

        var (asked, offset) = _asked.Peek();
        var reply = await asked.WaitAsync(cancellationToken).ConfigureAwait(false);
        _asked.Dequeue();
        if (reply.Kind == SftpSession.Status)
        {
            _isAtEnd = reply.IsStatus(SftpSession.EndStatus, out uint status) ? true : throw SftpReply.Failure(status, reply.Content, action);
            return;
        }

        _rest = reply.Expect(SftpSession.Data, action).Bytes();
        if (_rest.Length < PieceBytes)
        {
            // Fewer than were asked for, which the end is one reason for: what was asked beyond is asked again from where this ends.
            _asked.Clear();
            _nextOffset = offset + (ulong)_rest.Length;
        }
    }
}
