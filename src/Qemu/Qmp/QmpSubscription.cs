using System.Text;
using System.Threading.Channels;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <summary>
/// Events of one server in the order in which they arrived, from the moment <see cref="QmpClient.Subscribe(QmpEventName[])"/> returned. One reader at a time. The queue is bounded:
/// a reader that is too slow gets what is queued and then an exception, never a silent gap.
/// </summary>
public sealed class QmpSubscription : IAsyncEnumerable<QmpEvent>, IDisposable
{
    private readonly QmpSession _session;
    private readonly Channel<QmpEvent> _queue;
    private readonly int _capacity;
    private readonly bool[]? _wanted;
    private readonly byte[][] _unknown;
    private long _offered;

    internal QmpSubscription(QmpSession session, ReadOnlySpan<QmpEventName> names, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _session = session;
        _capacity = capacity;
        _queue = Channel.CreateBounded<QmpEvent>(new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true });
        _unknown = [];
        if (names.Length == 0)
            return;

        var known = KnownNames<QmpEventName>();
        _wanted = new bool[known.Words.Count];
        var unknown = new List<byte[]>();
        foreach (var name in names)
        {
            byte[] utf8 = Encoding.UTF8.GetBytes(name.Text ?? throw new ArgumentException("A default QmpEventName names no event.", nameof(names)));
            if (known.Find(utf8) is >= 0 and var index)
                _wanted[index] = true;
            else
                unknown.Add(utf8);
        }

        _unknown = [.. unknown];
    }

    /// <summary>The next event, when one is queued.</summary>
    public bool TryRead([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out QmpEvent? next) => _queue.Reader.TryRead(out next);

    /// <summary>The next event; waits for one.</summary>
    /// <exception cref="HypervisorException">The queue had overflowed (<see cref="ErrorCode.Exhausted"/>), or the connection is gone: the client's close reason.</exception>
    /// <exception cref="ObjectDisposedException">The subscription was disposed.</exception>
    public async ValueTask<QmpEvent> ReadAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _queue.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException ended)
        {
            throw ended.InnerException is HypervisorException reason ? reason : new ObjectDisposedException(nameof(QmpSubscription));
        }
    }

    /// <summary>The events; ends when the subscription is disposed, throws what <see cref="ReadAsync"/> throws when events are lost or the connection is gone.</summary>
    public IAsyncEnumerator<QmpEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        _queue.Reader.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>Ends the subscription. What is queued can still be read.</summary>
    public void Dispose()
    {
        _session.Remove(this);
        _queue.Writer.TryComplete();
    }

    /// <summary>How many events were queued. What a reply says is no older than these, when it was delivered before they are counted.</summary>
    internal long Offered => Interlocked.Read(ref _offered);

    internal bool Wants(int index, ReadOnlySpan<byte> name)
    {
        if (_wanted is null)
            return true;
        if (index >= 0)
            return _wanted[index];
        foreach (byte[] unknown in _unknown)
        {
            if (name.SequenceEqual(unknown))
                return true;
        }

        return false;
    }

    /// <summary>Queues an event, or ends the subscription when there is no room.</summary>
    internal bool TryOffer(QmpEvent e)
    {
        if (_queue.Writer.TryWrite(e))
        {
            Interlocked.Increment(ref _offered);
            return true;
        }

        End(new HypervisorException(
            $"Events of {_session.Endpoint} were lost: the subscription's queue of {_capacity} was full when {e.EventName} came. Subscribe again and read the state anew.",
            ErrorCode.Exhausted,
            RequestOutcome.NotSent));
        return false;
    }

    internal void End(HypervisorException reason) => _queue.Writer.TryComplete(reason);

    private static QapiWords KnownNames<T>()
        where T : struct, IQapiWord<T> => T.Known;
}
