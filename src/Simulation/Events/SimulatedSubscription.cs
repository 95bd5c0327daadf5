using System.Diagnostics.CodeAnalysis;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Events;

/// <summary>A subscription: when its queue is full, the oldest events go and a gap stands in their place. Filled within the loop, read anywhere.</summary>
internal sealed class SimulatedSubscription(World world, EventHub hub, int capacity, InstanceKind kind) : Subscription
{
    private readonly Lock _lock = new();
    private readonly Queue<BackendEvent> _queue = [];
    private TaskCompletionSource? _arrived;
    private Instance[] _snapshot = [];
    private DateTimeOffset _snapshotAt;
    private EventPosition? _snapshotPosition;
    private EventGap? _gap;
    private bool _completed;
    private int _isRead;

    public override IAsyncEnumerator<BackendEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        Interlocked.Exchange(ref _isRead, 1) == 0 ? ReadAsync(cancellationToken) : throw new InvalidOperationException("The subscription is being read already.");

    public override ValueTask DisposeAsync()
    {
        world.Loop.Post(End);
        return ValueTask.CompletedTask;
    }

    /// <summary>No more events are kept for it. Within the loop.</summary>
    public void End()
    {
        hub.Remove(this);
        Complete();
    }

    /// <summary>What is observed first.</summary>
    public void SetSnapshot(Instance[] views, DateTimeOffset at, EventPosition position)
    {
        _snapshot = views;
        _snapshotAt = at;
        _snapshotPosition = position;
    }

    public void Offer(BackendEvent next, InstanceKind? of)
    {
        if (of is not null && of != kind)
            return;
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            if (_queue.Count == capacity)
            {
                var dropped = _queue.Dequeue();
                _gap = new EventGap { At = dropped.At, Position = dropped.Position, Reason = "The reader was too slow: the oldest events were dropped. List again." };
            }

            _queue.Enqueue(next);
            waiting = _arrived;
            _arrived = null;
        }

        waiting?.TrySetResult();
    }

    /// <summary>Nothing more will come; what is queued can still be read.</summary>
    public void Complete()
    {
        TaskCompletionSource? waiting;
        lock (_lock)
        {
            _completed = true;
            waiting = _arrived;
            _arrived = null;
        }

        waiting?.TrySetResult();
    }

    private async IAsyncEnumerator<BackendEvent> ReadAsync(CancellationToken cancellationToken)
    {
        if (_snapshotPosition is { } position)
        {
            foreach (var instance in _snapshot)
                yield return new InstanceObserved { At = _snapshotAt, Position = position, Instance = instance };
            _snapshot = [];
            yield return new Synchronized { At = _snapshotAt, Position = position };
        }

        while (true)
        {
            Task? arrived = null;
            BackendEvent? next;
            cancellationToken.ThrowIfCancellationRequested();
            lock (_lock)
            {
                if (!TryTake(out next))
                {
                    if (_completed)
                        yield break;
                    // Within the loop the reader goes on in place, in his turn; outside he must not become part of it.
                    _arrived ??= new TaskCompletionSource(world.Loop.IsCurrent ? TaskCreationOptions.None : TaskCreationOptions.RunContinuationsAsynchronously);
                    arrived = _arrived.Task;
                }
            }

            if (next is not null)
                yield return next;
            else
                await world.WaitOutsideAsync(arrived!, cancellationToken).ConfigureAwait(false);
        }
    }

    private bool TryTake([NotNullWhen(true)] out BackendEvent? next)
    {
        next = _gap;
        _gap = null;
        return next is not null || _queue.TryDequeue(out next);
    }
}
