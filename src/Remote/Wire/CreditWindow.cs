namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>How many bytes may still be sent until the other side has taken some. A message is sent whole while anything is left, so that one that is larger than the window gets through as well.</summary>
internal sealed class CreditWindow
{
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiter;
    private long _available = WireProtocol.WindowBytes;

    /// <summary>Takes the bytes of a message; waits while nothing is left.</summary>
    public async ValueTask TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task waiting;
            lock (_gate)
            {
                if (_available > 0)
                {
                    _available -= bytes;
                    return;
                }

                _waiter ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting = _waiter.Task;
            }

            await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Gives bytes back.</summary>
    /// <exception cref="WireException">More than was sent.</exception>
    public void Return(uint bytes)
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            if (_available + bytes > WireProtocol.WindowBytes)
                throw new WireException("More credit was given than there was data.");
            _available += bytes;
            (waiter, _waiter) = (_available > 0 ? _waiter : null, _available > 0 ? null : _waiter);
        }

        waiter?.TrySetResult();
    }
}
