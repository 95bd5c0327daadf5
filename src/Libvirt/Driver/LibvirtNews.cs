using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>
/// Turns the daemon's events into ours, one after the other. It hears of every domain, whoever changes it. What ends a call of ours waits until its event was told (<see cref="Expect"/>): the daemon sends events and replies in any
/// order, and whoever watches after a call has ended is not told of it any more.
/// </summary>
internal sealed class LibvirtNews(EventHub hub, TimeProvider time)
{
    private const int QueuedEvents = 65_536;

    private static readonly TimeSpan s_longestLag = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_anotherLook = TimeSpan.FromSeconds(1);
    private static readonly VirDomainEventID[] s_events =
        [VirDomainEventID.Lifecycle, VirDomainEventID.MetadataChange, VirDomainEventID.DeviceAdded, VirDomainEventID.DeviceRemoved, VirDomainEventID.DeviceRemovalFailed, VirDomainEventID.DiskChange, VirDomainEventID.TrayChange, VirDomainEventID.JobCompleted];

    private readonly Lock _lock = new();
    private readonly Dictionary<Guid, Revision> _known = [];
    private readonly List<Expectation> _expected = [];
    private readonly List<Removal> _removals = [];
    private Task _reading = Task.CompletedTask;
    private bool _hasBegun;

    /// <summary>Subscribes at a new connection and looks at what is there. After a connection that was lost the difference is told, behind a gap.</summary>
    public async Task BeginAsync(LibvirtConnection libvirt, IReadOnlyCollection<DomainFacts> there, LibvirtSubscription subscription)
    {
        // The reader of the connection before ends with it: what it still has is told before the gap.
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_hasBegun)
        {
            hub.Publish((at, position) => new EventGap { At = at, Position = position, Reason = "The connection to the daemon was lost: what happened meanwhile is not known one by one. List again." });
            Compare(there);
        }
        else
        {
            lock (_lock)
            {
                foreach (var facts in there)
                    _known[facts.Domain.Uuid] = facts.View.Revision;
            }
        }

        _hasBegun = true;
        _reading = ReadAsync(libvirt, subscription);
    }

    /// <summary>Subscribes to what is told of domains.</summary>
    public static Task<LibvirtSubscription> SubscribeAsync(LibvirtConnection libvirt, CancellationToken cancellationToken) =>
        libvirt.SubscribeDomainEventsAsync(s_events, capacity: QueuedEvents, cancellationToken: cancellationToken);

    /// <summary>Listens from now on for an event of a domain.</summary>
    public Expectation Expect(Guid domain, VirDomainEventType type)
    {
        var expected = new Expectation(this, domain, type);
        lock (_lock)
            _expected.Add(expected);
        return expected;
    }

    /// <summary>Listens from now on for whatever is told of a domain's life or of a job of it.</summary>
    public Expectation ExpectAnything(Guid domain)
    {
        var expected = new Expectation(this, domain, null);
        lock (_lock)
            _expected.Add(expected);
        return expected;
    }

    /// <summary>Listens from now on for what becomes of a device that is to be taken from a domain.</summary>
    public Removal ExpectRemoval(Guid domain, string alias)
    {
        var removal = new Removal(this, domain, alias);
        lock (_lock)
            _removals.Add(removal);
        return removal;
    }

    /// <summary>Tells a state of which the daemon sends no event.</summary>
    public void Tell(DomainFacts before, PowerState now) => hub.PublishState(before.Id, before.State, now);

    public async Task EndAsync() => await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private async Task ReadAsync(LibvirtConnection libvirt, LibvirtSubscription subscription)
    {
        await Task.Yield();
        await using (((IAsyncDisposable)subscription).ConfigureAwait(false))
        {
            while (true)
            {
                LibvirtEvent next;
                try
                {
                    next = await subscription.ReadAsync(CancellationToken.None).ConfigureAwait(false);
                }
                catch (HypervisorException error) when (error.Code == ErrorCode.Exhausted)
                {
                    // More events than can be kept: as after a lost connection, it begins anew.
                    await libvirt.DisposeAsync().ConfigureAwait(false);
                    return;
                }

                try
                {
                    await HandleAsync(libvirt, next).ConfigureAwait(false);
                }
                catch (HypervisorException error) when (libvirt.CloseReason is null)
                {
                    hub.Publish((at, position) => new EventGap { At = at, Position = position, Reason = $"What {next} told could not be looked at: {error.Message} List again." });
                }
            }
        }
    }

    private async Task HandleAsync(LibvirtConnection libvirt, LibvirtEvent next)
    {
        switch (next)
        {
            case DomainEventCallbackLifecycleMsg { Msg: var lifecycle }:
                await LifecycleAsync(libvirt, lifecycle).ConfigureAwait(false);
                break;
            case DomainEventCallbackMetadataChangeMsg { Nsuri: not RequestRecords.Namespace } changed:
                await ChangedAsync(libvirt, changed.Dom.Uuid).ConfigureAwait(false);
                break;
            case DomainEventCallbackDeviceAddedMsg added:
                await ChangedAsync(libvirt, added.Dom.Uuid).ConfigureAwait(false);
                break;
            case DomainEventCallbackDeviceRemovedMsg removed:
                await ChangedAsync(libvirt, removed.Msg.Dom.Uuid).ConfigureAwait(false);
                Answer(removed.Msg.Dom.Uuid, removed.Msg.DevAlias, isGone: true);
                break;
            case DomainEventCallbackDeviceRemovalFailedMsg failed:
                Answer(failed.Dom.Uuid, failed.DevAlias, isGone: false);
                break;
            case DomainEventCallbackDiskChangeMsg disk:
                await ChangedAsync(libvirt, disk.Msg.Dom.Uuid).ConfigureAwait(false);
                break;
            case DomainEventCallbackJobCompletedMsg job:
                Meet(job.Dom.Uuid, null);
                break;
            case DomainEventCallbackTrayChangeMsg tray:
                await ChangedAsync(libvirt, tray.Msg.Dom.Uuid).ConfigureAwait(false);
                break;
        }
    }

    private async Task LifecycleAsync(LibvirtConnection libvirt, DomainEventLifecycleMsg lifecycle)
    {
        var (uuid, id) = (lifecycle.Dom.Uuid, DomainFacts.IdOf(lifecycle.Dom.Uuid));
        var type = (VirDomainEventType)lifecycle.Event;
        switch (type)
        {
            case VirDomainEventType.Defined:
                await ChangedAsync(libvirt, uuid).ConfigureAwait(false);
                break;
            case VirDomainEventType.Undefined:
                // One that runs goes on without a configuration; one that is renamed is defined again.
                if (lifecycle.Detail != (int)VirDomainEventUndefinedDetailType.Renamed)
                    await GoneAsync(libvirt, uuid).ConfigureAwait(false);
                break;
            case VirDomainEventType.Started:
                await CreatedAsync(libvirt, uuid).ConfigureAwait(false);
                hub.PublishState(id, null, PowerState.Running);
                break;
            case VirDomainEventType.Resumed:
                hub.PublishState(id, null, PowerState.Running);
                break;
            case VirDomainEventType.Suspended or VirDomainEventType.Pmsuspended:
                hub.PublishState(id, null, PowerState.Paused);
                break;
            case VirDomainEventType.Crashed:
                hub.PublishState(id, null, PowerState.Crashed, InstanceView.ReasonOf(VirDomainState.Crashed, 0, PowerState.Crashed));
                break;
            case VirDomainEventType.Stopped:
                await StoppedAsync(libvirt, uuid, (VirDomainEventStoppedDetailType)lifecycle.Detail).ConfigureAwait(false);
                break;
        }

        Meet(uuid, type);
    }

    private void Meet(Guid domain, VirDomainEventType? type)
    {
        Expectation[] met;
        lock (_lock)
            met = [.. _expected.Where(expected => expected.Domain == domain && (expected.Type is null || expected.Type == type))];
        Array.ForEach(met, expected => expected.Heard.TrySetResult());
    }

    private async Task StoppedAsync(LibvirtConnection libvirt, Guid uuid, VirDomainEventStoppedDetailType why)
    {
        var id = DomainFacts.IdOf(uuid);
        var found = await LibvirtDomains.FindAsync(libvirt, uuid, CancellationToken.None).ConfigureAwait(false);
        var state = why switch
        {
            VirDomainEventStoppedDetailType.Crashed => PowerState.Crashed,
            // QEMU's driver says so of a process that has ended by itself, and the reason of the domain is that it crashed. LXC's says so too, and that the domain was shut down.
            VirDomainEventStoppedDetailType.Failed when found is not { NativeState: VirDomainState.Shutoff, NativeReason: (int)VirDomainShutoffReason.Failed or (int)VirDomainShutoffReason.Shutdown } => PowerState.Crashed,
            VirDomainEventStoppedDetailType.Saved when found is { HasManagedSave: true } => PowerState.Suspended,
            _ => PowerState.Stopped,
        };
        hub.PublishState(id, null, state, InstanceView.ReasonOf(VirDomainState.Shutoff, 0, state));
        if (found is null)
            Gone(uuid);
    }

    private async Task CreatedAsync(LibvirtConnection libvirt, Guid uuid)
    {
        bool isKnown;
        lock (_lock)
            isKnown = _known.ContainsKey(uuid);
        if (!isKnown)
            await ChangedAsync(libvirt, uuid).ConfigureAwait(false);
    }

    private async Task GoneAsync(LibvirtConnection libvirt, Guid uuid)
    {
        if (await LibvirtDomains.FindAsync(libvirt, uuid, CancellationToken.None).ConfigureAwait(false) is null)
            Gone(uuid);
    }

    private void Gone(Guid uuid)
    {
        bool wasKnown;
        lock (_lock)
            wasKnown = _known.Remove(uuid);
        if (wasKnown)
            hub.Publish((at, position) => new InstanceDeleted { At = at, Position = position, Id = DomainFacts.IdOf(uuid) });
    }

    private async Task ChangedAsync(LibvirtConnection libvirt, Guid uuid)
    {
        if (await LibvirtDomains.FindAsync(libvirt, uuid, CancellationToken.None).ConfigureAwait(false) is { } facts)
            Tell(uuid, facts.View.Revision);
        else
            CreatedAndGone(uuid);
    }

    /// <summary>It went before it could be looked at: both are told, so that nobody misses an instance that was there for a moment.</summary>
    private void CreatedAndGone(Guid uuid)
    {
        lock (_lock)
        {
            if (_known.ContainsKey(uuid))
                return;
            _known[uuid] = default;
        }

        hub.Publish((at, position) => new InstanceCreated { At = at, Position = position, Id = DomainFacts.IdOf(uuid) });
    }

    private void Tell(Guid uuid, Revision revision)
    {
        bool isKnown;
        Revision before;
        lock (_lock)
        {
            isKnown = _known.TryGetValue(uuid, out before);
            _known[uuid] = revision;
        }

        var id = DomainFacts.IdOf(uuid);
        if (!isKnown)
            hub.Publish((at, position) => new InstanceCreated { At = at, Position = position, Id = id });
        else if (before != revision)
            hub.Publish((at, position) => new InstanceChanged { At = at, Position = position, Id = id, Revision = revision });
    }

    /// <summary>What has changed while nothing was heard.</summary>
    private void Compare(IReadOnlyCollection<DomainFacts> there)
    {
        foreach (var facts in there)
        {
            Tell(facts.Domain.Uuid, facts.View.Revision);
            hub.PublishState(facts.Id, null, facts.State, facts.View.StateReason);
        }

        Guid[] gone;
        lock (_lock)
            gone = [.. _known.Keys.Except(there.Select(facts => facts.Domain.Uuid))];
        Array.ForEach(gone, Gone);
    }

    private void Answer(Guid domain, string alias, bool isGone)
    {
        Removal[] met;
        lock (_lock)
            met = [.. _removals.Where(removal => removal.Domain == domain && removal.Alias == alias)];
        Array.ForEach(met, removal => removal.Answer.TrySetResult(isGone));
    }

    /// <summary>Listens for what becomes of one device.</summary>
    internal sealed class Removal(LibvirtNews news, Guid domain, string alias) : IDisposable
    {
        public Guid Domain => domain;

        public string Alias => alias;

        /// <summary>Whether it is gone, or the guest keeps it.</summary>
        public TaskCompletionSource<bool> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Dispose()
        {
            lock (news._lock)
                news._removals.Remove(this);
        }
    }

    /// <summary>Listens for one event.</summary>
    internal sealed class Expectation(LibvirtNews news, Guid domain, VirDomainEventType? type) : IDisposable
    {
        public Guid Domain => domain;

        /// <summary>Which; null for any, and for the end of a job.</summary>
        public VirDomainEventType? Type => type;

        public TaskCompletionSource Heard { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Waits until it was told. A daemon that does not tell it holds nobody up for long.</summary>
        public async Task ToldAsync(CancellationToken cancellationToken)
        {
            try
            {
                await Heard.Task.WaitAsync(s_longestLag, news.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // What was asked for is done all the same.
            }
        }

        /// <summary>Waits until it was told, or so long that it is worth another look: there are states that end without an event.</summary>
        public async Task ToldSoonAsync(CancellationToken cancellationToken)
        {
            try
            {
                await Heard.Task.WaitAsync(s_anotherLook, news.TimeProvider, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // Who waits looks again.
            }
        }

        public void Dispose()
        {
            lock (news._lock)
                news._expected.Remove(this);
        }
    }

    private TimeProvider TimeProvider => time;
}
