using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Remote.Sessions;

/// <summary>The events that wait for the reader of a subscription. When they are more than may wait, the oldest go and a gap stands in their place.</summary>
internal sealed class EventQueue(int capacity)
{
    private readonly Lock _gate = new();
    private readonly Queue<BackendEvent> _events = [];
    private TaskCompletionSource? _arrival;
    private TaskCompletionSource? _drained;
    private EventGap? _gap;
    private Exception? _failure;
    private bool _isComplete;

    /// <summary>Adds an event.</summary>
    public void Offer(BackendEvent next)
    {
        lock (_gate)
        {
            _events.Enqueue(next);
            if (_events.Count > capacity)
            {
                var dropped = _events.Dequeue();
                _gap = new EventGap { At = dropped.At, Position = dropped.Position, Reason = "The reader was too slow: the oldest events were dropped. List again." };
            }

            _arrival?.TrySetResult();
        }
    }

    /// <summary>Adds an event, and waits until all are read.</summary>
    public async Task HandOverAsync(BackendEvent next, CancellationToken cancellationToken)
    {
        Task drained;
        lock (_gate)
        {
            _events.Enqueue(next);
            _arrival?.TrySetResult();
            _drained ??= new(TaskCreationOptions.RunContinuationsAsynchronously);
            drained = _drained.Task;
        }

        await drained.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Nothing more will come; what waits can still be read.</summary>
    public void Complete(Exception? failure = null)
    {
        lock (_gate)
        {
            _isComplete = true;
            _failure ??= failure;
            _arrival?.TrySetResult();
        }
    }

    /// <summary>Takes the next event; null at the end.</summary>
    public async ValueTask<BackendEvent?> TakeAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            Task arrival;
            lock (_gate)
            {
                if (TryTake(out var next))
                    return next;
                if (_isComplete)
                    return _failure is null ? null : throw _failure;
                if (_arrival is null or { Task.IsCompleted: true })
                    _arrival = new(TaskCreationOptions.RunContinuationsAsynchronously);
                arrival = _arrival.Task;
            }

            await arrival.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private bool TryTake([NotNullWhen(true)] out BackendEvent? next)
    {
        next = _gap;
        _gap = null;
        if (next is null && !_events.TryDequeue(out next))
            return false;
        if (_events.Count == 0)
        {
            _drained?.TrySetResult();
            _drained = null;
        }

        return true;
    }
}
