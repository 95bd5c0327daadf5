using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt;

/// <content>Events.</content>
public sealed partial class LibvirtConnection
{
    private const int DefaultQueue = 1024;

    /// <summary>Subscribes to events of domains. When this completes the daemon has confirmed every registration, and every later event is in the queue.</summary>
    /// <param name="events">Which events; at least one.</param>
    /// <param name="domain">Of which domain; null for all.</param>
    /// <param name="capacity">How many events may wait to be read; one more ends the subscription with an exception.</param>
    /// <param name="cancellationToken">Cancels the wait; what was registered is taken back.</param>
    /// <exception cref="LibvirtException">The daemon refused.</exception>
    public Task<LibvirtSubscription> SubscribeDomainEventsAsync(
        IReadOnlyCollection<VirDomainEventID> events, VirDomain? domain = null, int capacity = DefaultQueue, CancellationToken cancellationToken = default) => SubscribeAsync(
            LibvirtEventSource.Domain, events, capacity, one => ConnectDomainEventCallbackRegisterAnyAsync((int)one, domain, cancellationToken), id => ConnectDomainEventCallbackDeregisterAnyAsync(id));

    /// <summary>Subscribes to events of networks.</summary>
    /// <inheritdoc cref="SubscribeDomainEventsAsync"/>
    public Task<LibvirtSubscription> SubscribeNetworkEventsAsync(
        IReadOnlyCollection<VirNetworkEventID> events, VirNetwork? network = null, int capacity = DefaultQueue, CancellationToken cancellationToken = default) => SubscribeAsync(
            LibvirtEventSource.Network, events, capacity, one => ConnectNetworkEventRegisterAnyAsync((int)one, network, cancellationToken), id => ConnectNetworkEventDeregisterAnyAsync(id));

    /// <summary>Subscribes to events of storage pools.</summary>
    /// <inheritdoc cref="SubscribeDomainEventsAsync"/>
    public Task<LibvirtSubscription> SubscribeStoragePoolEventsAsync(
        IReadOnlyCollection<VirStoragePoolEventID> events, VirStoragePool? pool = null, int capacity = DefaultQueue, CancellationToken cancellationToken = default) => SubscribeAsync(
            LibvirtEventSource.StoragePool, events, capacity, one => ConnectStoragePoolEventRegisterAnyAsync((int)one, pool, cancellationToken), id => ConnectStoragePoolEventDeregisterAnyAsync(id));

    /// <summary>Subscribes to events of node devices.</summary>
    /// <inheritdoc cref="SubscribeDomainEventsAsync"/>
    public Task<LibvirtSubscription> SubscribeNodeDeviceEventsAsync(
        IReadOnlyCollection<VirNodeDeviceEventID> events, VirNodeDevice? device = null, int capacity = DefaultQueue, CancellationToken cancellationToken = default) => SubscribeAsync(
            LibvirtEventSource.NodeDevice, events, capacity, one => ConnectNodeDeviceEventRegisterAnyAsync((int)one, device, cancellationToken), id => ConnectNodeDeviceEventDeregisterAnyAsync(id));

    /// <summary>Subscribes to events of secrets.</summary>
    /// <inheritdoc cref="SubscribeDomainEventsAsync"/>
    public Task<LibvirtSubscription> SubscribeSecretEventsAsync(
        IReadOnlyCollection<VirSecretEventID> events, VirSecret? secret = null, int capacity = DefaultQueue, CancellationToken cancellationToken = default) => SubscribeAsync(
            LibvirtEventSource.Secret, events, capacity, one => ConnectSecretEventRegisterAnyAsync((int)one, secret, cancellationToken), id => ConnectSecretEventDeregisterAnyAsync(id));

    private async Task<LibvirtSubscription> SubscribeAsync<T>(
        LibvirtEventSource source, IReadOnlyCollection<T> events, int capacity, Func<T, ValueTask<int>> register, Func<int, ValueTask> deregister)
    {
        ArgumentNullException.ThrowIfNull(events);
        if (events.Count == 0)
            throw new ArgumentException("A subscription needs at least one kind of event.", nameof(events));
        var subscription = new LibvirtSubscription(_session, capacity);
        try
        {
            foreach (var one in events)
                await _session.RegisterAsync(subscription, source, () => register(one), deregister).ConfigureAwait(false);
        }
        catch
        {
            await subscription.DisposeAsync().ConfigureAwait(false);
            throw;
        }

        return subscription;
    }
}
