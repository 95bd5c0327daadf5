using System.Threading.Channels;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>What has happened and was not yet sent to one socket. Bounded: one event too many marks it as overflown and ends it.</summary>
internal sealed class EventQueue(int capacity) : IAsyncDisposable
{
    private readonly Channel<QueuedEvent> _events = Channel.CreateBounded<QueuedEvent>(new BoundedChannelOptions(capacity) { SingleReader = true });
    private readonly TaskCompletionSource _watching = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Func<ValueTask>? Left { get; set; }

    /// <summary>True when the reader was too slow.</summary>
    public bool HasOverflown { get; private set; }

    /// <summary>Completes when the watch is confirmed, or was tried in vain: from then on, nothing that happens is missed silently.</summary>
    public Task Watching => _watching.Task;

    public IAsyncEnumerable<QueuedEvent> ReadAllAsync(CancellationToken cancellationToken) => _events.Reader.ReadAllAsync(cancellationToken);

    public void Add(QueuedEvent item)
    {
        if (_events.Writer.TryWrite(item))
            return;
        HasOverflown = true;
        _events.Writer.TryComplete();
    }

    public void MarkWatching() => _watching.TrySetResult();

    public ValueTask DisposeAsync()
    {
        _events.Writer.TryComplete();
        return Left?.Invoke() ?? ValueTask.CompletedTask;
    }
}
