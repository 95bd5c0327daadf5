using System.Globalization;

namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// Hands events to subscriptions, each with a bounded queue, and keeps the last ones so that a watch can be resumed at a position. Positions count from the start of this object: after a restart of the process an
/// older one is refused, and the watcher lists again. Safe to use from several threads.
/// </summary>
public sealed class EventHub
{
    private const int KeptEvents = 4096;

    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly string _epoch = Guid.NewGuid().ToString("N")[..12];
    private readonly Queue<(long Number, BackendEvent Event)> _kept = [];
    private readonly List<HubSubscription> _subscriptions = [];
    private readonly Dictionary<InstanceId, PowerState> _told = [];
    private long _last;
    private bool _closed;

    /// <summary>Makes a hub without subscriptions.</summary>
    /// <param name="time">The clock that events without a time of their own are stamped by. Default: the system's.</param>
    public EventHub(TimeProvider? time = null) => _time = time ?? TimeProvider.System;

    /// <summary>Where the stream is now.</summary>
    public EventPosition Position
    {
        get
        {
            lock (_lock)
                return At(_last);
        }
    }

    /// <summary>Whether anybody watches.</summary>
    public bool IsWatched
    {
        get
        {
            lock (_lock)
                return _subscriptions.Count > 0;
        }
    }

    /// <summary>Is told of every event under the hub's lock: for <see cref="PollingWatch"/>.</summary>
    internal Action<BackendEvent>? Published { get; set; }

    /// <summary>Publishes an event that is not about a power state; see <see cref="PublishState"/>.</summary>
    /// <param name="create">Makes it with its time and position.</param>
    public void Publish(Func<DateTimeOffset, EventPosition, BackendEvent> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        lock (_lock)
        {
            if (!_closed)
                Hand(create);
        }
    }

    /// <summary>Publishes that the power state of an instance changed. The state before is the one that was told last; one that was told already is not told again.</summary>
    /// <param name="id">The instance.</param>
    /// <param name="from">The state before, where none was told yet.</param>
    /// <param name="to">The state now.</param>
    /// <param name="reason">Why, where the backend says.</param>
    /// <param name="origin">How the driver came to know.</param>
    public void PublishState(InstanceId id, PowerState? from, PowerState to, string? reason = null, EventOrigin origin = EventOrigin.Native)
    {
        lock (_lock)
        {
            PowerState? told = _told.TryGetValue(id, out var last) ? last : null;
            if (_closed || told == to)
                return;
            var before = told ?? (from == to ? null : from);
            Hand((at, position) => new InstanceStateChanged { At = at, Position = position, Id = id, From = before, To = to, Reason = reason, Origin = origin });
        }
    }

    /// <summary>Begins a subscription.</summary>
    /// <param name="options">From where, and how many events may wait.</param>
    /// <param name="snapshot">What is observed first where the options ask for it. Events since are queued behind it.</param>
    /// <exception cref="ArgumentException">No event may wait.</exception>
    /// <exception cref="HypervisorException">The position is no longer kept (<see cref="ErrorCode.NotFound"/>).</exception>
    /// <exception cref="ObjectDisposedException">The hub is closed.</exception>
    public Subscription Subscribe(WatchOptions? options, Func<CancellationToken, IAsyncEnumerable<Instance>> snapshot)
    {
        options ??= new WatchOptions();
        ArgumentNullException.ThrowIfNull(snapshot);
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Capacity, 1);
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_closed, this);
            long after = options.After is { } position ? NumberOf(position) : _last;
            var subscription = new HubSubscription(this, _time, options.Capacity, options.IncludeSnapshot ? snapshot : null);
            foreach (var (number, kept) in _kept)
            {
                if (number > after)
                    subscription.Offer(kept);
            }

            _subscriptions.Add(subscription);
            return subscription;
        }
    }

    /// <summary>Ends every subscription; nothing is published any more.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _closed = true;
            _subscriptions.ForEach(subscription => subscription.Complete());
            _subscriptions.Clear();
        }
    }

    internal void Remove(HubSubscription subscription)
    {
        lock (_lock)
            _subscriptions.Remove(subscription);
    }

    private void Hand(Func<DateTimeOffset, EventPosition, BackendEvent> create)
    {
        long number = ++_last;
        var published = create(_time.GetUtcNow(), At(number));
        switch (published)
        {
            case InstanceCreated created:
                _told[created.Id] = PowerState.Stopped;
                break;
            case InstanceStateChanged changed:
                _told[changed.Id] = changed.To;
                break;
            case InstanceDeleted deleted:
                _told.Remove(deleted.Id);
                break;
        }

        _kept.Enqueue((number, published));
        if (_kept.Count > KeptEvents)
            _kept.Dequeue();
        foreach (var subscription in _subscriptions)
            subscription.Offer(published);
        Published?.Invoke(published);
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
