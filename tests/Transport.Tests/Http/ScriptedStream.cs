namespace Hypervisor.Sdk.Transport.Tests.Http;

/// <summary>A peer in memory: once it has been sent something it answers in exactly the pieces of its script, one a read, and then ends.</summary>
internal sealed class ScriptedStream(IReadOnlyList<byte[]> pieces) : Stream
{
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _piece;
    private int _at;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        await _asked.Task.WaitAsync(cancellationToken);
        while (_piece < pieces.Count && _at == pieces[_piece].Length)
        {
            _piece++;
            _at = 0;
        }

        if (_piece == pieces.Count)
            return 0;
        int count = Math.Min(buffer.Length, pieces[_piece].Length - _at);
        pieces[_piece].AsSpan(_at, count).CopyTo(buffer.Span);
        _at += count;
        return count;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        _asked.TrySetResult();
        return ValueTask.CompletedTask;
    }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _asked.TrySetException(new IOException("The stream was disposed."));
        base.Dispose(disposing);
    }
}
