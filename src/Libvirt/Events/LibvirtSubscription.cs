using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;
using Hypervisor.Sdk.Libvirt.Rpc;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>
/// Events in the order in which they arrived, from the moment the daemon confirmed the registration. One reader at a time. The queue is bounded: a reader that is too slow gets what is
/// queued and then an exception, never a silent gap.
/// </summary>
public sealed class LibvirtSubscription : IAsyncEnumerable<LibvirtEvent>, IAsyncDisposable
{
    private readonly LibvirtSession _session;
    private readonly Channel<LibvirtEvent> _queue;
    private readonly int _capacity;
    private readonly List<Registration> _registrations = [];
    private int _disposed;

    internal LibvirtSubscription(LibvirtSession session, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        _session = session;
        _capacity = capacity;
        _queue = Channel.CreateBounded<LibvirtEvent>(new BoundedChannelOptions(capacity) { SingleReader = true, SingleWriter = true });
    }

    /// <summary>The next event, when one is queued.</summary>
    public bool TryRead([NotNullWhen(true)] out LibvirtEvent? next) => _queue.Reader.TryRead(out next);

    /// <summary>The next event; waits for one.</summary>
    /// <exception cref="HypervisorException">The queue had overflowed (<see cref="ErrorCode.Exhausted"/>), or the connection is gone: its close reason.</exception>
    /// <exception cref="ObjectDisposedException">The subscription was disposed.</exception>
    public async ValueTask<LibvirtEvent> ReadAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            return await _queue.Reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (ChannelClosedException ended)
        {
            throw ended.InnerException is HypervisorException reason ? reason : new ObjectDisposedException(nameof(LibvirtSubscription));
        }
    }

    /// <summary>The events; ends when the subscription is disposed, throws what <see cref="ReadAsync"/> throws when events are lost or the connection is gone.</summary>
    public IAsyncEnumerator<LibvirtEvent> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
        _queue.Reader.ReadAllAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);

    /// <summary>Takes the registrations back at the daemon and ends the subscription. What is queued can still be read. May be called again, and never throws.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _session.Remove(this);
        _queue.Writer.TryComplete();
        foreach (var registration in _registrations)
        {
            try
            {
                await registration.Deregister(registration.CallbackId).ConfigureAwait(false);
            }
            catch (HypervisorException)
            {
                // With the connection gone, or the daemon's answer no, nothing is registered any more.
            }
        }
    }

    /// <summary>The daemon has confirmed a registration. Under the session's lock of subscriptions.</summary>
    internal void Add(Registration registration) => _registrations.Add(registration);

    internal bool Wants(LibvirtEvent candidate)
    {
        foreach (var registration in _registrations)
        {
            if (registration.CallbackId == candidate.CallbackId && registration.Source == candidate.Source)
                return true;
        }

        return false;
    }

    /// <summary>False when the queue was full: the subscription has ended then.</summary>
    internal bool TryOffer(LibvirtEvent next)
    {
        if (_queue.Writer.TryWrite(next))
            return true;
        End(new HypervisorException(
            $"More than {_capacity} events of {_session.Endpoint} were waiting to be read: later ones are lost. Subscribe again and look at what has changed.", ErrorCode.Exhausted, RequestOutcome.Rejected));
        return false;
    }

    internal void End(HypervisorException reason) => _queue.Writer.TryComplete(reason);

    /// <summary>A callback that the daemon has confirmed.</summary>
    internal sealed record Registration(LibvirtEventSource Source, int CallbackId, Func<int, ValueTask> Deregister);
}
