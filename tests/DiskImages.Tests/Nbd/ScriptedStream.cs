namespace Hypervisor.Sdk.DiskImages.Tests;

/// <summary>A server that says what it was told to, a piece for each read, whatever is written to it; then, piece after piece, what it never ends to say, or nothing more.</summary>
internal sealed class ScriptedStream(IEnumerable<byte[]> pieces) : Stream
{
    private readonly IEnumerator<byte[]> _pieces = pieces.GetEnumerator();
    private readonly TaskCompletionSource _silence = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ReadOnlyMemory<byte> _rest;

    /// <summary>How many bytes were taken from it.</summary>
    public long TakenBytes { get; private set; }

    /// <summary>Completes when somebody waits for more than there is.</summary>
    public TaskCompletionSource IsSilent { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
            return 0;
        while (_rest.IsEmpty)
        {
            if (!_silence.Task.IsCompleted && _pieces.MoveNext())
            {
                _rest = _pieces.Current;
                continue;
            }

            IsSilent.TrySetResult();
            await _silence.Task.WaitAsync(cancellationToken);
            throw new IOException("Closed.");
        }

        int bytes = Math.Min(buffer.Length, _rest.Length);
        _rest[..bytes].CopyTo(buffer);
        _rest = _rest[bytes..];
        TakenBytes += bytes;
        return bytes;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => ValueTask.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _silence.TrySetResult();
        _pieces.Dispose();
        base.Dispose(disposing);
    }
}
