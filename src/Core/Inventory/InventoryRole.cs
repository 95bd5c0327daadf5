namespace Hypervisor.Sdk;

/// <summary>
/// Follows one role of one backend: reads its subscription event by event, and fetches the instances that an event names but does not tell about: each once however often it was named meanwhile, a few at a
/// time. One loop decides everything.
/// </summary>
internal sealed class InventoryRole(BackendName backend, ICompute compute, InventoryStore store, InventoryOptions options, Action synchronized)
{
    private const int MaxQueued = 256;

    private readonly InstanceKind _kind = compute is IHypervisor ? InstanceKind.VirtualMachine : InstanceKind.Container;
    private readonly Dictionary<InstanceId, Fetch> _fetches = [];
    private readonly Queue<InstanceId> _queue = [];
    private readonly HashSet<InstanceId> _queued = [];
    private HashSet<InstanceId>? _seen = [];

    /// <summary>Follows until the backend says that events are missing or ends the subscription.</summary>
    public async Task FollowAsync(CancellationToken cancellationToken)
    {
        var subscription = await compute.WatchAsync(new() { IncludeSnapshot = true, Capacity = options.EventCapacity }, cancellationToken).ConfigureAwait(false);
        await using var ownedSubscription = ((IAsyncDisposable)subscription).ConfigureAwait(false);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var events = subscription.GetAsyncEnumerator(ended.Token);
        Task<bool>? next = null;
        try
        {
            while (true)
            {
                next ??= events.MoveNextAsync().AsTask();

                // Events that are there already are applied first, so that all about one instance cost one fetch; a stream that never pauses must not put fetches off for ever.
                if (!next.IsCompleted || _queue.Count >= MaxQueued)
                    StartFetches(ended.Token);
                if (!next.IsCompleted)
                {
                    await Task.WhenAny([next, .. _fetches.Values.Select(fetch => fetch.Task)]).ConfigureAwait(false);
                }

                await ApplyFetchesAsync().ConfigureAwait(false);
                if (!next.IsCompleted)
                    continue;
                bool hasNext = await next.ConfigureAwait(false);
                next = null;
                if (!hasNext || !Apply(events.Current))
                    return;
            }
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            if (next is not null)
                await ((Task)next).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            foreach (var fetch in _fetches.Values)
                await ((Task)fetch.Task).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await events.DisposeAsync().ConfigureAwait(false);
        }
    }

    private bool Apply(BackendEvent what)
    {
        switch (what)
        {
            case InstanceObserved observed:
                _seen?.Add(observed.Instance.Id);
                store.Put(backend, observed.Instance);
                break;
            case Synchronized when _seen is { } seen:
                _seen = null;
                store.RemoveWhere(backend, instance => instance.Kind == _kind && !seen.Contains(instance.Id));
                synchronized();
                break;
            case InstanceCreated created:
                Renew(created.Id);
                break;
            case InstanceChanged changed when !IsCurrent(changed):
                Renew(changed.Id);
                break;
            case InstanceStateChanged changed:
                ChangeState(changed);
                break;
            case InstanceDeleted deleted:
                Forget(deleted.Id);
                break;
            case EventGap:
                return false;
        }

        return true;
    }

    private bool IsCurrent(InstanceChanged changed) =>
        changed.Revision is { } revision && !_fetches.ContainsKey(changed.Id) && store.TryGet(new(backend, changed.Id), out var known) && known.Revision == revision;

    private void ChangeState(InstanceStateChanged changed)
    {
        if (store.TryGet(new(backend, changed.Id), out var known))
            store.Put(backend, known.InState(changed.To, changed.Reason, changed.At));
        // What is being fetched may be from before; what is unknown is missing.
        bool isFetched = _fetches.TryGetValue(changed.Id, out var fetch);
        if (isFetched)
            fetch!.IsObsolete = true;
        if (known is null || isFetched)
            Renew(changed.Id);
    }

    private void Forget(InstanceId id)
    {
        _queued.Remove(id);
        if (_fetches.TryGetValue(id, out var fetch))
            fetch.IsObsolete = true;
        _seen?.Remove(id);
        store.Remove(backend, id);
    }

    private void Renew(InstanceId id)
    {
        if (_queued.Add(id))
            _queue.Enqueue(id);
    }

    private void StartFetches(CancellationToken cancellationToken)
    {
        for (int left = _queue.Count; left > 0 && _fetches.Count < options.MaxConcurrentFetches; left--)
        {
            var id = _queue.Dequeue();
            if (_fetches.ContainsKey(id))
                _queue.Enqueue(id);
            else if (_queued.Remove(id))
                _fetches.Add(id, new(compute.FindAsync(id, cancellationToken)));
        }
    }

    private async Task ApplyFetchesAsync()
    {
        if (_fetches.Count == 0)
            return;
        foreach (var (id, fetch) in _fetches.Where(pair => pair.Value.Task.IsCompleted).ToArray())
        {
            _fetches.Remove(id);
            var instance = await fetch.Task.ConfigureAwait(false);
            if (fetch.IsObsolete)
                continue;
            if (instance is null)
            {
                store.Remove(backend, id);
            }
            else
            {
                _seen?.Add(id);
                store.Put(backend, instance);
            }
        }
    }

    private sealed class Fetch(Task<Instance?> task)
    {
        public Task<Instance?> Task { get; } = task;

        public bool IsObsolete { get; set; }
    }
}
