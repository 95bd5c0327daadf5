using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hypervisor.Sdk;

/// <summary>
/// The backends that an application knows, added and removed at run time. Each is connected when it is first asked for: once, for all who ask meanwhile. After a failure it is left alone for a while, during
/// which whoever asks is told the reason at once (<see cref="ErrorCode.Unavailable"/> with the time left). Made by <c>AddHypervisorSdk</c>, or by hand.
/// </summary>
public sealed class BackendRegistry : IBackendRegistry, IAsyncDisposable
{
    private readonly ConcurrentDictionary<BackendName, BackendSlot> _slots = new();
    private readonly Dictionary<string, IBackendFactory> _factories;
    private readonly BackendRegistryOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile bool _isDisposed;

    /// <summary>A registry with nothing in it.</summary>
    /// <param name="factories">The drivers that <see cref="AddAsync"/> finds by their kind.</param>
    /// <param name="options">How to connect; the defaults when null.</param>
    /// <param name="timeProvider">The clock of time-outs and back-off; the system's when null.</param>
    /// <param name="logger">Where a failing handler of <see cref="Changed"/> is reported; nowhere when null.</param>
    /// <exception cref="ArgumentException">Two factories have one kind, or an option is out of its range.</exception>
    public BackendRegistry(IEnumerable<IBackendFactory>? factories = null, BackendRegistryOptions? options = null, TimeProvider? timeProvider = null, ILogger<BackendRegistry>? logger = null)
    {
        _factories = (factories ?? []).ToDictionary(factory => factory.Kind, StringComparer.Ordinal);
        _options = options ?? new();
        _options.Validate();
        _time = timeProvider ?? TimeProvider.System;
        _logger = logger ?? NullLogger<BackendRegistry>.Instance;
    }

    /// <inheritdoc />
    public event EventHandler<BackendRegistryChangedEventArgs>? Changed;

    /// <inheritdoc />
    /// <remarks>Cancelling ends this wait only: the attempt goes on for the others who wait, and for the next one who asks.</remarks>
    public ValueTask<IBackend> GetAsync(BackendName name, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A backend name is needed.", nameof(name));
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _slots.TryGetValue(name, out var slot) ? slot.GetAsync(cancellationToken) : ValueTask.FromException<IBackend>(NotFound(name));
    }

    /// <inheritdoc />
    public IReadOnlyList<BackendRegistration> List() =>
        [.. _slots.Values.OrderBy(slot => slot.Name.ToString(), StringComparer.Ordinal).Select(slot => slot.Describe())];

    /// <inheritdoc />
    public Task AddAsync(BackendDefinition definition, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(definition);
        cancellationToken.ThrowIfCancellationRequested();
        if (!_factories.TryGetValue(definition.Kind, out var factory))
        {
            throw new HypervisorException($"No driver of the kind '{definition.Kind}' is registered for backend '{definition.Name}'; there are: {string.Join(", ", _factories.Keys.Order(StringComparer.Ordinal))}.",
                ErrorCode.Unsupported, RequestOutcome.NotSent) { Backend = definition.Name };
        }

        var own = new BackendDefinition { Name = definition.Name, Kind = definition.Kind };
        foreach (var (key, value) in definition.Settings)
            own.Settings[key] = value;
        Add(definition.Name, definition.Kind, token => factory.ConnectAsync(own, token));
        return Task.CompletedTask;
    }

    /// <summary>Adds a backend that a delegate connects. It is called on first use, and again when an attempt has failed or the backend was closed.</summary>
    /// <param name="name">Its name here.</param>
    /// <param name="kind">The kind of driver: <c>qemu</c>.</param>
    /// <param name="connect">Connects. The registry decorates what it returns (<see cref="BackendDecoration"/>), and disposes it.</param>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>).</exception>
    public void Add(BackendName name, string kind, Func<CancellationToken, Task<IBackend>> connect)
    {
        if (name.IsDefault)
            throw new ArgumentException("A backend name is needed.", nameof(name));
        ArgumentException.ThrowIfNullOrEmpty(kind);
        ArgumentNullException.ThrowIfNull(connect);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        var slot = new BackendSlot(name, kind, connect, _options, _time, OnConnectionChanged);
        if (!_slots.TryAdd(name, slot))
            throw new HypervisorException($"There is a backend '{name}' already.", ErrorCode.AlreadyExists, RequestOutcome.NotSent) { Backend = name };
        Raise(new() { Backend = name, Change = BackendRegistryChange.Added });
    }

    /// <inheritdoc />
    public async Task<bool> RemoveAsync(BackendName name, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (!_slots.TryRemove(name, out var slot))
            return false;
        await slot.DisposeAsync().ConfigureAwait(false);
        Raise(new() { Backend = name, Change = BackendRegistryChange.Removed });
        return true;
    }

    /// <summary>Disposes every backend that it connected. Idempotent.</summary>
    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        foreach (var slot in _slots.Values)
        {
            try
            {
                await slot.DisposeAsync().ConfigureAwait(false);
            }
            catch (Exception exception)
            {
                _logger.LogError(exception, "Backend {Backend} could not be disposed.", slot.Name);
            }
        }

        _slots.Clear();
    }

    internal static HypervisorException NotFound(BackendName name) => new($"There is no backend '{name}'.", ErrorCode.NotFound, RequestOutcome.NotSent) { Backend = name };

    private void OnConnectionChanged(BackendConnectionChangedEventArgs change) => Raise(new() { Backend = change.Backend, Change = BackendRegistryChange.ConnectionChanged, Connection = change });

    // A handler that throws must not look like a failed connect to those who wait for the connection.
    private void Raise(BackendRegistryChangedEventArgs change)
    {
        try
        {
            Changed?.Invoke(this, change);
        }
        catch (Exception exception)
        {
            _logger.LogError(exception, "A handler of the registry's Changed event failed for backend {Backend}.", change.Backend);
        }
    }
}
