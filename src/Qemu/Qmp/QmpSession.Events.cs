using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Qmp;

/// <content>Events: decoded once, and only when somebody wants them.</content>
internal sealed partial class QmpSession
{
    private readonly Lock _subscriptionGate = new();
    private QmpSubscription[] _subscriptions = [];

    public void Add(QmpSubscription subscription)
    {
        lock (_subscriptionGate)
        {
            if (CloseReason is { } reason)
                throw QmpErrors.NotSent(reason, "A subscription");
            Volatile.Write(ref _subscriptions, [.. _subscriptions, subscription]);
        }
    }

    public void Remove(QmpSubscription subscription)
    {
        lock (_subscriptionGate)
            Volatile.Write(ref _subscriptions, Array.FindAll(_subscriptions, known => known != subscription));
    }

    private void EndSubscriptions(HypervisorException reason)
    {
        QmpSubscription[] all;
        lock (_subscriptionGate)
        {
            all = _subscriptions;
            _subscriptions = [];
        }

        foreach (var subscription in all)
            subscription.End(reason);
    }

    private void ReceiveEvent(in QmpMessage message)
    {
        var subscriptions = Volatile.Read(ref _subscriptions);
        if (subscriptions.Length == 0)
            return;

        int index = KnownWords<QmpEventName>().Find(message.EventName);
        QmpEvent? decoded = null;
        foreach (var subscription in subscriptions)
        {
            if (!subscription.Wants(index, message.EventName))
                continue;
            decoded ??= Decode(index, in message);
            if (!subscription.TryOffer(decoded))
                Remove(subscription);
        }
    }

    private static QapiWords KnownWords<T>()
        where T : struct, IQapiWord<T> => T.Known;

    private static QmpEvent Decode(int index, in QmpMessage message)
    {
        if (index >= 0)
        {
            try
            {
                var r = new Utf8JsonReader(message.Value.IsEmpty ? "{}"u8 : message.Value, Wire.ReaderOptions);
                r.Read();
                return QmpEvents.Read(index, ref r, message.Timestamp);
            }
            catch (Exception error) when (IsUnreadable(error))
            {
                // An event of another shape than the schema's: it is handed on as it is.
            }
        }

        return new UnknownQmpEvent(new QmpEventName(Encoding.UTF8.GetString(message.EventName)))
        {
            Timestamp = message.Timestamp,
            Content = message.Value.IsEmpty ? default(QapiAny?) : QapiAny.FromJson(Encoding.UTF8.GetString(message.Value)),
        };
    }
}
