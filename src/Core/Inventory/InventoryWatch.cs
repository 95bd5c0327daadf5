using System.Threading.Channels;

namespace Hypervisor.Sdk;

/// <summary>
/// The changes of an <see cref="Inventory"/> from one moment on, and what it knew at that moment. Read by one reader; bounded: when the reader is too slow, an <see cref="InventoryChangeKind.Gap"/> stands for
/// the newest changes. Dispose it to end it.
/// </summary>
public sealed class InventoryWatch : IAsyncEnumerable<InventoryChange>, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Channel<InventoryChange> _changes;
    private readonly Action<InventoryWatch> _ended;
    private bool _hasGap;
    private bool _isRead;

    internal InventoryWatch(IReadOnlyList<InventoryEntry> snapshot, int capacity, Action<InventoryWatch> ended)
    {
        Snapshot = snapshot;
        _changes = Channel.CreateBounded<InventoryChange>(new BoundedChannelOptions(capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
        _ended = ended;
    }

    /// <summary>What the inventory knew when the watch began. Every later change is in the watch.</summary>
    public IReadOnlyList<InventoryEntry> Snapshot { get; }

    /// <summary>The changes, until the watch or the inventory is disposed.</summary>
    /// <exception cref="InvalidOperationException">It is being read already.</exception>
    public async IAsyncEnumerator<InventoryChange> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            if (_isRead)
                throw new InvalidOperationException("This watch is being read already.");
            _isRead = true;
        }

        while (await _changes.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            while (TryTake(out var change))
                yield return change;
        }
    }

    /// <summary>Ends the watch. Idempotent.</summary>
    public void Dispose()
    {
        _ended(this);
        Complete();
    }

    internal void Complete() => _changes.Writer.TryComplete();

    internal void Tell(InventoryChange change)
    {
        lock (_gate)
        {
            if (_hasGap || !_changes.Writer.TryWrite(change))
                _hasGap = true;
        }
    }

    private bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out InventoryChange? change)
    {
        lock (_gate)
        {
            if (_changes.Reader.TryRead(out change))
                return true;
            change = _hasGap ? new InventoryChange { Kind = InventoryChangeKind.Gap } : null;
            _hasGap = false;
            return change is not null;
        }
    }
}
