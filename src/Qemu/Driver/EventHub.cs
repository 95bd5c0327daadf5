using System.Globalization;

namespace Hypervisor.Sdk.Qemu.Driver;

/// <summary>
/// Hands events to subscriptions, each with a bounded queue, and keeps the last ones so that a watch can be resumed at a position. Positions count from the start of this backend object: after a restart of the process an
/// older one is refused, and the watcher lists again.
/// </summary>
internal sealed class EventHub(TimeProvider time)
{
    private const int KeptEvents = 4096;

    private readonly Lock _lock = new();
    private readonly string _epoch = Guid.NewGuid().ToString("N")[..12];
    private readonly Queue<(long Number, BackendEvent Event)> _kept = [];
    private readonly List<HubSubscription> _subscriptions = [];
    private long _last;
    private bool _closed;

    /// <summary>Where the stream is now.</summary>
    public EventPosition Position
    {
        get
        {
            lock (_lock)
                return At(_last);
        }
    }

    /// <summary>Publishes an event.</summary>
    /// <param name="create">Makes it with its time and position.</param>
    public void Publish(Func<DateTimeOffset, EventPosition, BackendEvent> create)
    {
        lock (_lock)
        {
            if (_closed)
                return;
            long number = ++_last;
            var published = create(time.GetUtcNow(), At(number));
            _kept.Enqueue((number, published));
            if (_kept.Count > KeptEvents)
                _kept.Dequeue();
            foreach (var subscription in _subscriptions)
                subscription.Offer(published);
        }
    }

    /// <summary>Begins a subscription.</summary>
    /// <param name="options">From where, and how many events may wait.</param>
    /// <param name="snapshot">What is observed first; null when that was not asked for. Events since are queued behind it.</param>
    public HubSubscription Subscribe(WatchOptions options, Func<CancellationToken, IAsyncEnumerable<Instance>>? snapshot)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Capacity, 1);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, typeof(QemuBackend));
            long after = options.After is { } position ? NumberOf(position) : _last;
            var subscription = new HubSubscription(this, time, options.Capacity, snapshot);
            foreach (var (number, kept) in _kept)
            {
                if (number > after)
                    subscription.Offer(kept);
            }

            _subscriptions.Add(subscription);
            return subscription;
        }
    }

    public void Remove(HubSubscription subscription)
    {
        lock (_lock)
            _subscriptions.Remove(subscription);
    }

    /// <summary>Ends every subscription.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _subscriptions.ForEach(subscription => subscription.Complete());
            _subscriptions.Clear();
        }
    }

    private EventPosition At(long number) => EventPosition.Parse(string.Create(CultureInfo.InvariantCulture, $"{_epoch}.{number}"));

    private long NumberOf(EventPosition position)
    {
        string[] parts = position.ToString().Split('.');
        long oldest = _kept.TryPeek(out var first) ? first.Number : _last + 1;
        if (parts.Length == 2 && parts[0] == _epoch && long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= oldest - 1 && number <= _last)
            return number;
        throw new HypervisorException($"Events after '{position}' are no longer kept. Watch from now, with a snapshot.", ErrorCode.NotFound, RequestOutcome.Rejected);
    }
}
