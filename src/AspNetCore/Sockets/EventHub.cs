using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>One watch for each backend, shared by all sockets that follow it, and none while nobody does: an idle host watches nothing.</summary>
internal sealed class EventHub(IBackendRegistry registry, ApiJson json, IOptions<HypervisorApiOptions> options, TimeProvider time, ILogger<EventHub> log) : IAsyncDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<BackendName, EventFeed> _feeds = [];
    private bool _disposed;

    /// <summary>Begins to queue what happens at a backend. Dispose the queue to stop.</summary>
    public EventQueue Follow(BackendName backend)
    {
        var queue = new EventQueue(options.Value.MaxQueuedEvents);
        EventFeed? feed;
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (!_feeds.TryGetValue(backend, out feed))
                _feeds.Add(backend, feed = new EventFeed(backend, registry, json, time, log));
            feed.Add(queue);
        }

        queue.Left = () => LeaveAsync(backend, feed, queue);
        return queue;
    }

    public async ValueTask DisposeAsync()
    {
        EventFeed[] feeds;
        lock (_gate)
        {
            _disposed = true;
            feeds = [.. _feeds.Values];
            _feeds.Clear();
        }

        foreach (var feed in feeds)
            await feed.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask LeaveAsync(BackendName backend, EventFeed feed, EventQueue queue)
    {
        lock (_gate)
        {
            if (feed.Remove(queue) > 0 || _feeds.GetValueOrDefault(backend) != feed)
                return;
            _feeds.Remove(backend);
        }

        await feed.DisposeAsync().ConfigureAwait(false);
    }
}
