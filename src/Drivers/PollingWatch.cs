namespace Hypervisor.Sdk.Drivers;

/// <summary>
/// Looks at what is there, again and again while somebody watches, and tells the differences: for what a server does not say by itself, or what another client did. What the driver has published itself is not told twice;
/// what came and went between two looks is missed, which is why these events say <see cref="EventOrigin.Polled"/>.
/// </summary>
public sealed class PollingWatch : IAsyncDisposable
{
    private readonly EventHub _hub;
    private readonly TimeProvider _time;
    private readonly TimeSpan _interval;
    private readonly Func<CancellationToken, IAsyncEnumerable<Instance>> _look;
    private readonly Func<Instance, bool> _hearsState;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly CancellationTokenSource _disposed = new();
    private readonly Lock _lock = new();
    private readonly Dictionary<InstanceId, (Revision? Revision, PowerState State)> _known = [];
    private readonly HashSet<(InstanceId, string)> _seenOnce = [];
    private Task _loop = Task.CompletedTask;
    private int _isDisposed;

    /// <summary>Makes a watch that does nothing until somebody subscribes.</summary>
    /// <param name="hub">Where the differences are published.</param>
    /// <param name="interval">How long after a look the next one is. A difference is told when two looks have seen it, so that what the driver itself is about to publish is not told before.</param>
    /// <param name="look">Everything that is there now.</param>
    /// <param name="hearsState">Whether the driver hears by itself of the power state of an instance, or cannot tell it just now: then it is not compared. Default: never.</param>
    /// <param name="time">The clock. Default: the system's.</param>
    public PollingWatch(EventHub hub, TimeSpan interval, Func<CancellationToken, IAsyncEnumerable<Instance>> look, Func<Instance, bool>? hearsState = null, TimeProvider? time = null)
    {
        ArgumentNullException.ThrowIfNull(hub);
        ArgumentNullException.ThrowIfNull(look);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        _hub = hub;
        _interval = interval;
        _look = look;
        _hearsState = hearsState ?? (static _ => false);
        _time = time ?? TimeProvider.System;
        hub.Published = Follow;
    }

    /// <summary>Subscribes at the hub. The first subscription looks before it is confirmed: differences count from there.</summary>
    /// <param name="options">As of <see cref="EventHub.Subscribe"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">The position is no longer kept, or the backend could not be asked.</exception>
    public async Task<Subscription> SubscribeAsync(WatchOptions? options, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_loop.IsCompleted && !_disposed.IsCancellationRequested)
                await BeginAsync(cancellationToken).ConfigureAwait(false);
            var subscription = _hub.Subscribe(options, _look);
            if (_loop.IsCompleted && !_disposed.IsCancellationRequested)
                _loop = RunAsync(_disposed.Token);
            return subscription;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends looking. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0)
            return;
        await _disposed.CancelAsync().ConfigureAwait(false);
        await _loop.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _disposed.Dispose();
        _gate.Dispose();
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        var there = await LookAsync(cancellationToken).ConfigureAwait(false);
        lock (_lock)
        {
            _known.Clear();
            _seenOnce.Clear();
            foreach (var instance in there)
                _known[instance.Id] = (instance.Revision, instance.State);
        }
    }

    private async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            await Task.Delay(_interval, _time, cancellationToken).ConfigureAwait(false);
            await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                if (!_hub.IsWatched)
                    return;
                Compare(await LookAsync(cancellationToken).ConfigureAwait(false));
            }
            catch (HypervisorException)
            {
                // A backend that does not answer now is looked at again later: what changed meanwhile is told then.
            }
            finally
            {
                _gate.Release();
            }
        }
    }

    private async Task<List<Instance>> LookAsync(CancellationToken cancellationToken)
    {
        var there = new List<Instance>();
        await foreach (var instance in _look(cancellationToken).ConfigureAwait(false))
            there.Add(instance);
        return there;
    }

    private void Compare(List<Instance> there)
    {
        var differences = new List<(InstanceId Id, string What, Action Tell)>();
        lock (_lock)
        {
            foreach (var instance in there)
            {
                var id = instance.Id;
                if (!_known.TryGetValue(id, out var known))
                {
                    differences.Add((id, "created", () => _hub.Publish((at, position) => new InstanceCreated { At = at, Position = position, Id = id, Origin = EventOrigin.Polled })));
                    known = (instance.Revision, PowerState.Stopped);
                }

                if (known.Revision is null)
                    _known[id] = known = (instance.Revision, known.State);
                if (known.Revision != instance.Revision)
                    differences.Add((id, $"revision {instance.Revision}", () => _hub.Publish((at, position) => new InstanceChanged { At = at, Position = position, Id = id, Revision = instance.Revision, Origin = EventOrigin.Polled })));
                if (known.State != instance.State && instance.State != PowerState.Unknown && !_hearsState(instance))
                    differences.Add((id, $"state {instance.State}", () => _hub.PublishState(id, known.State, instance.State, instance.StateReason, EventOrigin.Polled)));
            }

            var present = there.Select(instance => instance.Id).ToHashSet();
            foreach (var id in _known.Keys.Where(id => !present.Contains(id)))
                differences.Add((id, "deleted", () => _hub.Publish((at, position) => new InstanceDeleted { At = at, Position = position, Id = id, Origin = EventOrigin.Polled })));
        }

        foreach (var (id, what, tell) in differences)
        {
            if (_seenOnce.Contains((id, what)))
                tell();
        }

        _seenOnce.Clear();
        _seenOnce.UnionWith(differences.Select(difference => (difference.Id, difference.What)));
    }

    /// <summary>Keeps what is known in step with what is told.</summary>
    private void Follow(BackendEvent told)
    {
        lock (_lock)
        {
            switch (told)
            {
                case InstanceCreated created:
                    _known.TryAdd(created.Id, (null, PowerState.Stopped));
                    break;
                case InstanceDeleted deleted:
                    _known.Remove(deleted.Id);
                    break;
                case InstanceStateChanged changed when _known.TryGetValue(changed.Id, out var known):
                    _known[changed.Id] = (known.Revision, changed.To);
                    break;
                case InstanceChanged changed when _known.TryGetValue(changed.Id, out var known):
                    _known[changed.Id] = (changed.Revision, known.State);
                    break;
            }
        }
    }
}
