using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk;

/// <summary>Keeps one backend in the store: connects, follows its roles, and begins again with a new snapshot whenever that ends, waiting longer after each failure.</summary>
internal sealed class InventoryFeed(BackendName backend, IBackendRegistry registry, InventoryStore store, InventoryOptions options, TimeProvider time, ILogger logger) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _firstSynchronized = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _running = Task.CompletedTask;
    private Action? _beginAgain;
    private bool _wasLost;
    private DateTimeOffset? _staleSince = time.GetUtcNow();
    private HypervisorException? _problem;
    private int _rolesToSynchronize;
    private int _failures;

    public Task FirstSynchronized => _firstSynchronized.Task;

    public InventoryStatus Status
    {
        get
        {
            lock (_gate)
                return new() { Backend = backend, WasSynchronized = _firstSynchronized.Task.IsCompletedSuccessfully, StaleSince = _staleSince, Problem = _problem };
        }
    }

    public void Start() => _running = RunAsync();

    public void OnConnectionChanged(BackendConnectionChangedEventArgs change)
    {
        if (change.To is BackendConnectionState.Disconnected or BackendConnectionState.Closed)
        {
            lock (_gate)
                _wasLost |= change.From == BackendConnectionState.Connected;
            BecomeStale(change.Reason);
        }
        else if (change.To == BackendConnectionState.Connected && TakeWasLost())
        {
            BeginAgain();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(false);
        _firstSynchronized.TrySetCanceled();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            using var again = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
            lock (_gate)
                _beginAgain = again.Cancel;
            try
            {
                await FollowAsync(again.Token).ConfigureAwait(false);
                BecomeStale(null);
            }
            catch (OperationCanceledException) when (again.IsCancellationRequested)
            {
                BecomeStale(null);
                continue;
            }
            catch (Exception exception)
            {
                if (exception is not HypervisorException)
                    logger.LogError(exception, "Backend {Backend} could not be followed.", backend);
                BecomeStale(exception as HypervisorException ?? new HypervisorException($"Backend '{backend}' could not be followed: {exception.Message}", ErrorCode.Unspecified, RequestOutcome.Rejected, exception) { Backend = backend });
            }

            await PauseAsync(again.Token).ConfigureAwait(false);
            lock (_gate)
                _beginAgain = null;
        }
    }

    private async Task FollowAsync(CancellationToken cancellationToken)
    {
        var connected = await registry.GetAsync(backend, cancellationToken).ConfigureAwait(false);
        var roles = connected.GetComputeRoles();
        Interlocked.Exchange(ref _rolesToSynchronize, roles.Count);
        if (roles.Count == 0)
        {
            BecomeSynchronized();
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken).ConfigureAwait(false);
        }

        // The first role that ends takes the others with it: they begin again together.
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task[] follows = [.. roles.Select(role => new InventoryRole(backend, role, store, options, OnRoleSynchronized).FollowAsync(ended.Token))];
        var first = await Task.WhenAny(follows).ConfigureAwait(false);
        await ended.CancelAsync().ConfigureAwait(false);
        foreach (var follow in follows)
            await follow.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        await first.ConfigureAwait(false);
    }

    // After a gap the backend is listed again at once, unless the last list failed as well.
    private async Task PauseAsync(CancellationToken cancellationToken)
    {
        int failures = _failures++;
        if (failures == 0 && _problem is null)
            return;
        var delay = TimeSpan.FromTicks((long)Math.Min(options.FirstRetryDelay.Ticks * Math.Pow(2, Math.Min(Math.Max(failures - 1, 0), 40)), options.MaxRetryDelay.Ticks));
        await Task.Delay(delay, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void OnRoleSynchronized()
    {
        if (Interlocked.Decrement(ref _rolesToSynchronize) == 0)
            BecomeSynchronized();
    }

    private void BecomeSynchronized()
    {
        lock (_gate)
        {
            _staleSince = null;
            _problem = null;
            _failures = 0;
        }

        store.Tell(InventoryChangeKind.Synchronized, backend);
        _firstSynchronized.TrySetResult();
    }

    private void BecomeStale(HypervisorException? problem)
    {
        bool isNew;
        lock (_gate)
        {
            isNew = _staleSince is null;
            _staleSince ??= time.GetUtcNow();
            _problem = problem ?? _problem;
        }

        if (isNew)
            store.Tell(InventoryChangeKind.Stale, backend);
    }

    private bool TakeWasLost()
    {
        lock (_gate)
        {
            bool wasLost = _wasLost;
            _wasLost = false;
            return wasLost;
        }
    }

    private void BeginAgain()
    {
        Action? beginAgain;
        lock (_gate)
            beginAgain = _beginAgain;
        try
        {
            beginAgain?.Invoke();
        }
        catch (ObjectDisposedException)
        {
            // That attempt has ended meanwhile, and the next one lists again anyway.
            return;
        }
    }
}
