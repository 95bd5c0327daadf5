using System.IO.Pipelines;
using Hypervisor.Sdk.Remote.Calls;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>The two directions of an open call as pipes: what comes is read ahead only as far as the pipe takes, and what is written waits for credit.</summary>
internal sealed class RemotePipes : IAsyncDisposable
{
    private static readonly PipeOptions s_options = new(pauseWriterThreshold: 64 << 10, resumeWriterThreshold: 32 << 10, useSynchronizationContext: false);

    private readonly IOpenCall _session;
    private readonly Pipe _coming = new(s_options);
    private readonly Pipe _going = new(s_options);
#pragma warning disable CA2213 // It has no timer and no wait handle, and what is under way when this is disposed still asks it.
    private readonly CancellationTokenSource _disposing = new();
    private readonly CancellationTokenSource _over = new();
#pragma warning restore CA2213
    private readonly Task _receiving;
    private readonly Task _sending;
    private int _isDisposed;

    public RemotePipes(IOpenCall session)
    {
        _session = session;
        _receiving = Task.Run(ReceiveAsync);
        _sending = Task.Run(SendAsync);
        Completion = EndAsync();
    }

    public PipeReader Input => _coming.Reader;

    public PipeWriter Output => _going.Writer;

    /// <summary>Completes when it has ended, and fails when something else than its disposal ended it.</summary>
    public Task Completion { get; }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _disposing.CancelAsync().ConfigureAwait(false);
        await _over.CancelAsync().ConfigureAwait(false);
        await _session.DisposeAsync().ConfigureAwait(false);
        await _receiving.ConfigureAwait(false);
        await _sending.ConfigureAwait(false);
    }

    private async Task EndAsync()
    {
        try
        {
            await _session.CompletedAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (Volatile.Read(ref _isDisposed) != 0 && error is HypervisorException or OperationCanceledException or ObjectDisposedException)
        {
            // It was closed by this side: that is no failure.
        }
        finally
        {
            // Nobody takes what is still written: whoever writes hears of it, and does not wait for room.
            await _over.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task ReceiveAsync()
    {
        Exception? failure = null;
        try
        {
            while (await _session.ReceiveAsync(_disposing.Token).ConfigureAwait(false) is { } bytes)
            {
                if ((await _coming.Writer.WriteAsync(bytes, _disposing.Token).ConfigureAwait(false)).IsCompleted)
                    break;
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
        catch (Exception error) when (error is HypervisorException or ObjectDisposedException)
        {
            // Why it was ended over there says Completion; a connection that is lost is an error of the bytes as well.
            failure = _session.IsLost ? error : null;
        }

        await _coming.Writer.CompleteAsync(failure).ConfigureAwait(false);
    }

    private async Task SendAsync()
    {
        Exception? failure = null;
        try
        {
            while (true)
            {
                var read = await _going.Reader.ReadAsync(_over.Token).ConfigureAwait(false);
                foreach (var bytes in read.Buffer)
                    await _session.SendAsync(bytes, _over.Token).ConfigureAwait(false);
                _going.Reader.AdvanceTo(read.Buffer.End);
                if (read.IsCompleted)
                {
                    await _session.EndInputAsync().ConfigureAwait(false);
                    break;
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Disposed, or ended over there.
        }
        catch (Exception error) when (error is HypervisorException or ObjectDisposedException)
        {
            failure = error;
        }

        await _going.Reader.CompleteAsync(failure).ConfigureAwait(false);
    }
}
