using System.IO.Pipelines;

namespace Hypervisor.Sdk.Remote;

/// <summary>
/// Bytes both ways between a driver and another of its kind. It has ended for a reader when <see cref="Input"/> is completed; a way that is lost fails the read and the write. Disposing it ends it at once, in both directions.
/// </summary>
public abstract class BackendChannel : IDuplexPipe, IAsyncDisposable
{
    /// <summary>What the other end sends.</summary>
    public abstract PipeReader Input { get; }

    /// <summary>What is sent to the other end. Completing it says that no more comes.</summary>
    public abstract PipeWriter Output { get; }

    /// <inheritdoc />
    public abstract ValueTask DisposeAsync();

    /// <summary>A channel within this process: what is written at one end is read at the other, which is waited for when 64 KiB are not.</summary>
    public static (BackendChannel One, BackendChannel Other) CreatePair()
    {
        var options = new PipeOptions(pauseWriterThreshold: 64 << 10, resumeWriterThreshold: 32 << 10, useSynchronizationContext: false);
        Pipe there = new(options), back = new(options);
        return (new PipeEnd(there, back), new PipeEnd(back, there));
    }

    /// <summary>One end of a pair.</summary>
    private sealed class PipeEnd(Pipe from, Pipe to) : BackendChannel
    {
        private int _isDisposed;

        public override PipeReader Input => from.Reader;

        public override PipeWriter Output => to.Writer;

        public override ValueTask DisposeAsync()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
                return ValueTask.CompletedTask;
            // What is pending at either end returns, and the other end sees the end of what it reads and that nobody reads what it writes.
            from.Reader.CancelPendingRead();
            to.Writer.CancelPendingFlush();
            return new ValueTask(EndAsync());
        }

        private async Task EndAsync()
        {
            await to.Writer.CompleteAsync().ConfigureAwait(false);
            await from.Reader.CompleteAsync().ConfigureAwait(false);
        }
    }
}
