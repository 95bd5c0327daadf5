using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Rpc;

/// <content>Events: decoded once, and only while somebody wants any.</content>
internal sealed partial class LibvirtSession
{
    /// <summary>How many events may arrive between a registration and its confirmation.</summary>
    private const int MaxEarly = 4096;

    private readonly Lock _subscriptionGate = new();
    private readonly List<LibvirtEvent> _early = [];
    private LibvirtSubscription[] _subscriptions = [];
    private int _registering;

    /// <summary>
    /// Registers a callback. An event may arrive before the reply that tells its number, or before this side has looked at it: those are kept meanwhile.
    /// </summary>
    public async Task RegisterAsync(LibvirtSubscription subscription, LibvirtEventSource source, Func<ValueTask<int>> register, Func<int, ValueTask> deregister)
    {
        lock (_subscriptionGate)
        {
            _registering++;
            if (!_subscriptions.Contains(subscription))
                Volatile.Write(ref _subscriptions, [.. _subscriptions, subscription]);
        }

        try
        {
            int callbackId = await register().ConfigureAwait(false);
            var registration = new LibvirtSubscription.Registration(source, callbackId, deregister);
            lock (_subscriptionGate)
            {
                subscription.Add(registration);
                if (_early.Count > MaxEarly)
                    subscription.End(LibvirtErrors.Closed(Endpoint, "more events came before the registration was confirmed than are kept"));
                foreach (var early in _early)
                {
                    if (early.CallbackId == callbackId && early.Source == source)
                        subscription.TryOffer(early);
                }

                _early.RemoveAll(early => early.CallbackId == callbackId && early.Source == source);
            }
        }
        finally
        {
            lock (_subscriptionGate)
            {
                if (--_registering == 0)
                    _early.Clear();
            }
        }

        // A connection that went away meanwhile has ended the subscriptions that it knew.
        if (CloseReason is { } reason)
            subscription.End(reason);
    }

    public void Remove(LibvirtSubscription subscription)
    {
        lock (_subscriptionGate)
            Volatile.Write(ref _subscriptions, Array.FindAll(_subscriptions, known => known != subscription));
    }

    private void EndSubscriptions(HypervisorException reason)
    {
        LibvirtSubscription[] all;
        lock (_subscriptionGate)
        {
            all = _subscriptions;
            Volatile.Write(ref _subscriptions, []);
        }

        foreach (var subscription in all)
            subscription.End(reason);
    }

    private void ReceiveEvent(in RpcHeader header, ref XdrReader r)
    {
        if (header.Status != RpcStatus.Ok)
            throw LibvirtErrors.BrokenProtocol(Endpoint, $"it sent an event with the status {(int)header.Status}");
        if (Volatile.Read(ref _subscriptions).Length == 0)
            return;
        // An event of a newer libvirt belongs to a registration that nobody here can have made.
        if (LibvirtEvents.Read(header.Program, header.Procedure, ref r) is not { } arrived)
            return;
        r.End();
        lock (_subscriptionGate)
        {
            bool isWanted = false;
            foreach (var subscription in _subscriptions)
            {
                if (!subscription.Wants(arrived))
                    continue;
                isWanted = true;
                if (!subscription.TryOffer(arrived))
                    Remove(subscription);
            }

            if (!isWanted && _registering > 0 && _early.Count <= MaxEarly)
                _early.Add(arrived);
        }
    }
}
