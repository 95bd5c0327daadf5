using System.Diagnostics.CodeAnalysis;

namespace Hypervisor.Sdk.Drivers;

/// <summary>A subscription of the hub: when its queue is full, the oldest events go and a gap stands in their place.</summary>
internal sealed class HubSubscription(EventHub hub, TimeProvider time, int capacity, Func<CancellationToken, IAsyncEnumerable<Instance>>? snapshot) : Subscription
{
    private readonly Lock _lock = new();
    private readonly Queue<BackendEvent> _queue = [];
    private TaskCompletionSource _arrived = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private EventGap? _gap;
    private bool _completed;
    private int _isRead;

    public override IAsyncEnumerator<BackendEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        Interlocked.Exchange(ref _isRead, 1) == 0 ? ReadAsync(cancellationToken) : throw new InvalidOperationException("The subscription is being read already.");

    public override ValueTask DisposeAsync()
    {
        hub.Remove(this);
        Complete();
        return ValueTask.CompletedTask;
    }

    public void Offer(BackendEvent next)
    {
        lock (_lock)
        {
            _queue.Enqueue(next);
            if (_queue.Count > capacity)
            {
                var dropped = _queue.Dequeue();
                _gap = new EventGap { At = dropped.At, Position = dropped.Position, Reason = "The reader was too slow: the oldest events were dropped. List again." };
            }

            _arrived.TrySetResult();
        }
    }

    /// <summary>Nothing more will come; what is queued can still be read.</summary>
    public void Complete()
    {
        lock (_lock)
        {
            _completed = true;
            _arrived.TrySetResult();
        }
    }

    private async IAsyncEnumerator<BackendEvent> ReadAsync(CancellationToken cancellationToken)
    {
        if (snapshot is not null)
        {
            await foreach (var instance in snapshot(cancellationToken).ConfigureAwait(false))
                yield return new InstanceObserved { At = time.GetUtcNow(), Position = hub.Position, Instance = instance };
            yield return new Synchronized { At = time.GetUtcNow(), Position = hub.Position };
        }

        while (true)
        {
            Task arrived;
            BackendEvent? next;
            lock (_lock)
            {
                if (!TryTake(out next))
                {
                    if (_completed)
                        yield break;
                    if (_arrived.Task.IsCompleted)
                        _arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }

                arrived = _arrived.Task;
            }

            if (next is not null)
                yield return next;
            else
                await arrived.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    private bool TryTake([NotNullWhen(true)] out BackendEvent? next)
    {
        next = _gap;
        _gap = null;
        return next is not null || _queue.TryDequeue(out next);
    }
}
