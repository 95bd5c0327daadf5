namespace Hypervisor.Sdk.Drivers;

/// <summary>Content on its way into a file that the guest agent has open; it closes it.</summary>
internal sealed class GuestAgentWrite(IGuestAgentFile file, BackendName backend)
{
    private Task _underWay = Task.CompletedTask;
    private bool _isClosed;

    /// <summary>Writes all of it and closes the file, whatever happens. Who gives up does not wait for the guest.</summary>
    public async Task CopyAsync(Stream content, CancellationToken cancellationToken)
    {
        try
        {
            byte[] part = new byte[GuestAgentFiles.MaxPartBytes];
            int count;
            while ((count = await content.ReadAtLeastAsync(part, part.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false)) > 0)
                await WriteAsync(part.AsMemory(0, count), cancellationToken).ConfigureAwait(false);
            await OrLeaveAsync(file.FlushAsync(), cancellationToken).ConfigureAwait(false);
            _isClosed = true;
            await OrLeaveAsync(file.CloseAsync(), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            if (!_isClosed)
            {
                var closing = CloseAsync();
                if (!cancellationToken.IsCancellationRequested)
                    await closing.ConfigureAwait(false);
            }
        }
    }

    private async Task WriteAsync(ReadOnlyMemory<byte> part, CancellationToken cancellationToken)
    {
        while (!part.IsEmpty)
        {
            var writing = file.WriteAsync(part);
            await OrLeaveAsync(writing, cancellationToken).ConfigureAwait(false);
            long written = await writing.ConfigureAwait(false);
            if (written <= 0 || written > part.Length)
                throw new BackendProtocolException($"The guest agent says that it wrote {written} of {part.Length} bytes.", ErrorCode.Protocol, RequestOutcome.FailedMidway) { Backend = backend };
            part = part[(int)written..];
        }
    }

    private Task OrLeaveAsync(Task call, CancellationToken cancellationToken)
    {
        _underWay = call;
        return call.WaitAsync(cancellationToken);
    }

    private async Task CloseAsync()
    {
        try
        {
            await _underWay.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await file.CloseAsync().ConfigureAwait(false);
        }
        catch (Exception error) when (error is HypervisorException or OperationCanceledException or ObjectDisposedException)
        {
            // Nobody answers any more: what went wrong before is what the caller is told.
        }
    }
}
