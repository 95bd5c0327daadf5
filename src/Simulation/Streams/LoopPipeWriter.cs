using System.IO.Pipelines;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Streams;

/// <summary>Says something to the loop: what is flushed arrives there in one piece.</summary>
internal sealed class LoopPipeWriter(World world, Action<ReadOnlyMemory<byte>> arrived, Action? completed = null) : PipeWriter
{
    private byte[] _buffer = [];
    private int _written;
    private bool _isCompleted;

    public override bool CanGetUnflushedBytes => true;

    public override long UnflushedBytes => _written;

    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        if (_isCompleted)
            throw new InvalidOperationException("Nothing is written after the writer was completed.");
        if (_buffer.Length - _written < Math.Max(sizeHint, 1))
            Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _written + Math.Max(sizeHint, 256)));
        return _buffer.AsMemory(_written);
    }

    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    public override void Advance(int bytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(bytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _buffer.Length - _written);
        _written += bytes;
    }

    public override async ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var flushed = _buffer.AsMemory(0, _written);
        (_buffer, _written) = ([], 0);
        if (flushed.Length > 0)
        {
            await world.Loop.EnterAsync(() =>
            {
                arrived(flushed);
                return Task.FromResult(true);
            }).ConfigureAwait(false);
        }

        return new FlushResult(isCanceled: false, isCompleted: false);
    }

    public override void CancelPendingFlush()
    {
    }

    public override void Complete(Exception? exception = null)
    {
        if (_isCompleted)
            return;
        _isCompleted = true;
        if (completed is not null)
            world.Loop.Post(completed);
    }
}
