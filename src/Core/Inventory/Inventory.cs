using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hypervisor.Sdk;

/// <summary>
/// The instances of all backends of a registry, kept up to date by their events: questions are answered from memory, at once. A backend that is lost keeps being answered for, and
/// <see cref="InventoryStatus.StaleSince"/> says how old that is. Safe to use from several threads; make one and keep it.
/// </summary>
/// <remarks>
/// Each backend begins with a snapshot; then a state is applied as its event tells it, and an instance that was created or changed is fetched, once for all events about it that came meanwhile. When events are
/// missing, the backend is listed again. An event costs the same however many instances there are.
/// </remarks>
public sealed class Inventory : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly ConcurrentDictionary<BackendName, InventoryFeed> _feeds = new();
    private readonly InventoryStore _store = new();
    private readonly IBackendRegistry _registry;
    private readonly InventoryOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private Task _comingAndGoing = Task.CompletedTask;
    private bool _isStarted;
    private bool _isDisposed;

    /// <summary>An inventory that follows nothing yet: <see cref="Start"/> it.</summary>
    /// <param name="registry">The backends. Not owned.</param>
    /// <param name="options">How to follow them; the defaults when null.</param>
    /// <param name="timeProvider">The clock of ages and retries; the system's when null.</param>
    /// <param name="logger">Where an unexpected failure of a driver is reported; nowhere when null.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public Inventory(IBackendRegistry registry, InventoryOptions? options = null, TimeProvider? timeProvider = null, ILogger<Inventory>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(registry);
        _registry = registry;
        _options = options ?? new();
        _options.Validate();
        _time = timeProvider ?? TimeProvider.System;
        _logger = logger ?? NullLogger<Inventory>.Instance;
    }

    /// <summary>How well each backend is known, by name.</summary>
    public IReadOnlyList<InventoryStatus> Backends => [.. _feeds.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal).Select(pair => pair.Value.Status)];

    /// <summary>Follows the backends that the registry has and those that are added to it later. Returns at once. Idempotent.</summary>
    public void Start()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, this);
            if (_isStarted)
                return;
            _isStarted = true;
        }

        _registry.Changed += OnRegistryChanged;
        foreach (var registration in _registry.List())
            Follow(registration.Name);
    }

    /// <summary>Gets an instance as it was last seen.</summary>
    public bool TryGet(InstanceRef reference, [NotNullWhen(true)] out Instance? instance) => _store.TryGet(reference, out instance);

    /// <summary>The instances of a name, which several may share. Compared by ordinal.</summary>
    public IReadOnlyList<InventoryEntry> FindByName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return _store.FindByName(name);
    }

    /// <summary>The instances as they were last seen, in no order.</summary>
    /// <param name="filter">Which ones; all when null.</param>
    /// <param name="backend">Of which backend; of all when null.</param>
    public IReadOnlyList<InventoryEntry> List(InstanceFilter? filter = null, BackendName? backend = null) => _store.List(filter, backend);

    /// <summary>Watches: what is known now, and every change from now on.</summary>
    /// <param name="capacity">How many changes may wait to be read, 1 or more.</param>
    public InventoryWatch Watch(int capacity = 4096)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        return _store.Watch(capacity);
    }

    /// <summary>How well a backend is known; null when it is not followed.</summary>
    public InventoryStatus? GetStatus(BackendName backend) => _feeds.TryGetValue(backend, out var feed) ? feed.Status : null;

    /// <summary>Waits until every instance of a backend was seen once.</summary>
    /// <exception cref="HypervisorException">It is not followed (<see cref="ErrorCode.NotFound"/>).</exception>
    /// <exception cref="OperationCanceledException">The wait was cancelled, or the backend was removed meanwhile.</exception>
    public Task WaitUntilSynchronizedAsync(BackendName backend, CancellationToken cancellationToken = default) =>
        _feeds.TryGetValue(backend, out var feed) ? feed.FirstSynchronized.WaitAsync(cancellationToken) : Task.FromException(BackendRegistry.NotFound(backend));

    /// <summary>Stops following, and ends every watch. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed)
                return;
            _isDisposed = true;
        }

        _registry.Changed -= OnRegistryChanged;
        foreach (var name in _feeds.Keys)
        {
            if (_feeds.TryRemove(name, out var feed))
                await feed.DisposeAsync().ConfigureAwait(false);
        }

        _store.Complete();
    }

    private void Follow(BackendName name)
    {
        var feed = new InventoryFeed(name, _registry, _store, _options, _time, _logger);
        lock (_gate)
        {
            if (_isDisposed || !_feeds.TryAdd(name, feed))
                return;
        }

        feed.Start();
    }

    private void OnRegistryChanged(object? sender, BackendRegistryChangedEventArgs change)
    {
        if (change.Change == BackendRegistryChange.ConnectionChanged)
        {
            if (change.Connection is { } connection && _feeds.TryGetValue(change.Backend, out var feed))
                feed.OnConnectionChanged(connection);
            return;
        }

        // One after the other: a backend that comes back under the same name must not lose what it brings to the end of the former one.
        lock (_gate)
            _comingAndGoing = ChangeAsync(_comingAndGoing, change);
    }

    private async Task ChangeAsync(Task before, BackendRegistryChangedEventArgs change)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (change.Change == BackendRegistryChange.Added)
        {
            Follow(change.Backend);
        }
        else if (_feeds.TryRemove(change.Backend, out var feed))
        {
            await feed.DisposeAsync().ConfigureAwait(false);
            _store.RemoveWhere(change.Backend, _ => true);
        }
    }
}
