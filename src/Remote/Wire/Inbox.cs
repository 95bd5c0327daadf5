namespace Hypervisor.Sdk.Remote.Wire;

/// <summary>The data of an open call that has arrived and waits to be read: no more than the window and one message. One reader at a time.</summary>
internal sealed class Inbox
{
    private readonly Lock _gate = new();
    private readonly Queue<byte[]> _messages = [];
    private TaskCompletionSource? _waiter;
    private Exception? _failure;
    private bool _isEnded;
    private long _credit = WireProtocol.WindowBytes;
    private long _taken;

    /// <summary>Puts a message in.</summary>
    /// <exception cref="WireException">There was no credit for it, or nothing more was to come.</exception>
    public void Put(byte[] message)
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            if (_isEnded)
                throw new WireException("Data came after its end.");
            if (_credit <= 0)
                throw new WireException("More data came than there was credit for.");
            _credit -= message.Length;
            _messages.Enqueue(message);
            (waiter, _waiter) = (_waiter, null);
        }

        waiter?.TrySetResult();
    }

    /// <summary>Nothing more will come: what is there can still be read, then the failure is told, if there is one. The first end counts.</summary>
    public void End(Exception? failure = null)
    {
        TaskCompletionSource? waiter;
        lock (_gate)
        {
            if (_isEnded)
                return;
            _isEnded = true;
            _failure = failure;
            (waiter, _waiter) = (_waiter, null);
        }

        waiter?.TrySetResult();
    }

    /// <summary>Takes the next message; null at the end.</summary>
    public async ValueTask<byte[]?> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task waiting;
            lock (_gate)
            {
                if (_messages.TryDequeue(out byte[]? message))
                {
                    _taken += message.Length;
                    return message;
                }

                if (_failure is not null)
                    throw _failure;
                if (_isEnded)
                    return null;
                _waiter ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
                waiting = _waiter.Task;
            }

            await waiting.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The credit to be given for what was taken; 0 while it is not worth a frame, or nobody will use it.</summary>
    public uint TakeCredit()
    {
        lock (_gate)
        {
            if (_isEnded || _taken < WireProtocol.WindowBytes / 4)
                return 0;
            uint credit = (uint)_taken;
            _taken = 0;
            _credit += credit;
            return credit;
        }
    }
}
