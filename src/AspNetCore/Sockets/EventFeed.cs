using Microsoft.Extensions.Logging;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>The watch of one backend. When it ends it says that events are missing, and begins again after a while that doubles up to half a minute.</summary>
internal sealed class EventFeed : IAsyncDisposable
{
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(30);
    private static readonly Action<ILogger, BackendName, string, Exception?> s_lost =
        LoggerMessage.Define<BackendName, string>(LogLevel.Warning, new EventId(1, "WatchLost"), "The watch of backend '{Backend}' ended: {Reason}");

    private readonly BackendName _backend;
    private readonly IBackendRegistry _registry;
    private readonly ApiJson _json;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private readonly HashSet<EventQueue> _queues = [];
    private readonly Task _running;
    private bool _watching;
    private EventPosition _last = EventPosition.Parse("0");

    public EventFeed(BackendName backend, IBackendRegistry registry, ApiJson json, TimeProvider time, ILogger log)
    {
        (_backend, _registry, _json, _time, _log) = (backend, registry, json, time, log);
        _running = Task.Run(RunAsync);
    }

    public void Add(EventQueue queue)
    {
        lock (_gate)
        {
            _queues.Add(queue);
            if (_watching)
                queue.MarkWatching();
        }
    }

    /// <returns>How many are left.</returns>
    public int Remove(EventQueue queue)
    {
        lock (_gate)
        {
            _queues.Remove(queue);
            return _queues.Count;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _ending.Dispose();
    }

    private async Task RunAsync()
    {
        var pause = s_firstPause;
        while (!_ending.IsCancellationRequested)
        {
            try
            {
                var backend = await _registry.GetAsync(_backend, _ending.Token).ConfigureAwait(false);
                ICompute[] roles = [.. ComputeRoles.Of(backend)];
                if (roles.Length == 0)
                {
                    // A storage, say: it has no instances that something could happen to, and roles do not change.
                    MarkWatching(true);
                    return;
                }

                await Task.WhenAll(roles.Select(role => WatchAsync(role, () => pause = s_firstPause))).ConfigureAwait(false);
                Lost("The backend ended the watch.");
            }
            catch (OperationCanceledException) when (_ending.IsCancellationRequested)
            {
                return;
            }
            catch (HypervisorException failure)
            {
                Lost(failure.Message);
            }

            await Task.Delay(pause, _time, _ending.Token).ConfigureAwait(false);
            pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
        }
    }

    private async Task WatchAsync(ICompute role, Action confirmed)
    {
        var subscription = await role.WatchAsync(cancellationToken: _ending.Token).ConfigureAwait(false);
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            confirmed();
            MarkWatching(true);
            await foreach (var happened in subscription.WithCancellation(_ending.Token).ConfigureAwait(false))
            {
                _last = happened.Position;
                Publish(happened);
            }
        }
    }

    private void Lost(string reason)
    {
        s_lost(_log, _backend, reason, null);
        Publish(new EventGap { At = _time.GetUtcNow(), Position = _last, Reason = reason });

        // Whoever waits for the watch goes on without: the gap tells it to look again.
        MarkWatching(true);
        MarkWatching(false);
    }

    private void MarkWatching(bool watching)
    {
        lock (_gate)
        {
            _watching = watching;
            if (!watching)
                return;
            foreach (var queue in _queues)
                queue.MarkWatching();
        }
    }

    private void Publish(BackendEvent happened)
    {
        var item = new QueuedEvent(_json.Bytes<BackendEvent>(happened), happened is EventGap);
        lock (_gate)
        {
            foreach (var queue in _queues)
                queue.Add(item);
        }
    }
}
