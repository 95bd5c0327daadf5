namespace Hypervisor.Sdk.AspNetCore;

/// <summary>How many bytes may still be sent on a channel until the other side says that it has taken some.</summary>
internal sealed class CreditWindow(int window)
{
    private readonly int _size = window;
    private readonly Lock _gate = new();
    private TaskCompletionSource? _waiter;
    private int _available = window;

    /// <summary>Takes up to <paramref name="wanted"/> bytes, at least one; waits while there are none. One caller at a time.</summary>
    public async ValueTask<int> TakeAsync(int wanted, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task waiting;
            lock (_gate)
            {
                if (_available > 0)
                {
                    int taken = Math.Min(_available, wanted);
                    _available -= taken;
                    return taken;
                }

                _waiter ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting = _waiter.Task;
            }

            await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Gives bytes back. Never more than the window: what is given back beyond that was taken on an earlier connection, and counts for nothing.</summary>
    public void Return(int bytes)
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            _available += Math.Clamp(bytes, 0, _size - _available);
            (waiter, _waiter) = (_waiter, null);
        }

        waiter?.TrySetResult();
    }

    /// <returns>False when the other side has sent more than it may.</returns>
    public bool TrySpend(int bytes)
    {
        lock (_gate)
        {
            if (bytes > _available)
                return false;
            _available -= bytes;
            return true;
        }
    }
}
