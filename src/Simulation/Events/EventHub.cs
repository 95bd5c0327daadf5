using System.Globalization;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Events;

/// <summary>Hands events to subscriptions and keeps the last ones, so that a watch can go on at a position. Belongs to the loop.</summary>
internal sealed class EventHub(World world)
{
    /// <summary>An 's', a seed, a dot and a number: 20 digits each at most.</summary>
    private const int MaxPositionChars = 48;

    private readonly Queue<(long Number, BackendEvent Event, InstanceKind? Kind)> _kept = [];
    private readonly List<SimulatedSubscription> _subscriptions = [];
    private readonly string _epoch = string.Create(CultureInfo.InvariantCulture, $"s{world.Options.Seed}.");
    private long _last;
    private bool _hasMissed;

    /// <summary>Where the stream is now.</summary>
    public EventPosition Position => At(_last);

    public void Created(SimInstance instance)
    {
        if (IsHeard(instance))
            Publish(new InstanceCreated { At = Now, Position = Next, Id = instance.Id }, instance.Kind);
    }

    public void Changed(SimInstance instance)
    {
        if (IsHeard(instance))
            Publish(new InstanceChanged { At = Now, Position = Next, Id = instance.Id, Revision = World.RevisionOf(instance.Revision) }, instance.Kind);
    }

    public void Deleted(SimInstance instance)
    {
        if (IsHeard(instance))
            Publish(new InstanceDeleted { At = Now, Position = Next, Id = instance.Id }, instance.Kind);
    }

    public void StateChanged(SimInstance instance, PowerState from, PowerState to, string? reason)
    {
        if (IsHeard(instance))
            Publish(new InstanceStateChanged { At = Now, Position = Next, Id = instance.Id, From = from, To = to, Reason = reason }, instance.Kind);
    }

    /// <summary>Something that only some watchers understand.</summary>
    public void Other(SimInstance? instance, string nativeType)
    {
        if (IsHeard(instance))
            Publish(new OtherEvent { At = Now, Position = Next, NativeType = nativeType, Id = instance?.Id }, instance?.Kind);
    }

    /// <summary>Events were missed by everybody.</summary>
    public void Gap(string reason)
    {
        _hasMissed = false;
        Publish(new EventGap { At = Now, Position = Next, Reason = reason }, null);
    }

    /// <summary>Says what was missed while a node could not be heard, if anything was.</summary>
    public void GapIfMissed(string reason)
    {
        if (_hasMissed)
            Gap(reason);
    }

    /// <summary>Begins a subscription.</summary>
    /// <param name="options">From where, and how many events may wait.</param>
    /// <param name="kind">Whose events.</param>
    public SimulatedSubscription Subscribe(WatchOptions options, InstanceKind kind)
    {
        long after = options.After is { } position ? NumberOf(position) : _last;
        var subscription = new SimulatedSubscription(world, this, options.Capacity, kind);
        if (options.IncludeSnapshot)
        {
            var views = world.Instances.Where(instance => instance.Kind == kind && instance.Node.IsReachable).Select(instance => instance.View).ToArray();
            subscription.SetSnapshot(views, world.Clock.GetUtcNow(), At(_last));
        }

        foreach (var (number, kept, of) in _kept)
        {
            if (number > after)
                subscription.Offer(kept, of);
        }

        _subscriptions.Add(subscription);
        return subscription;
    }

    public void Remove(SimulatedSubscription subscription) => _subscriptions.Remove(subscription);

    /// <summary>Ends every subscription.</summary>
    public void Close()
    {
        _subscriptions.ForEach(static subscription => subscription.Complete());
        _subscriptions.Clear();
    }

    private DateTimeOffset Now => world.Clock.GetUtcNow();

    /// <summary>The position of the event that is published next.</summary>
    private EventPosition Next => At(_last + 1);

    /// <summary>Whether an event of an instance is heard; one of a node that cannot be reached is missed.</summary>
    private bool IsHeard(SimInstance? instance)
    {
        bool isHeard = instance is null or { Node.IsConnected: true };
        _hasMissed |= !isHeard;
        return isHeard;
    }

    private void Publish(BackendEvent published, InstanceKind? kind)
    {
        _last++;
        if (_kept.Count == world.Options.KeptEvents)
            _kept.Dequeue();
        _kept.Enqueue((_last, published, kind));
        foreach (var subscription in _subscriptions)
            subscription.Offer(published, kind);
    }

    private EventPosition At(long number)
    {
        Span<char> text = stackalloc char[MaxPositionChars];
        _epoch.CopyTo(text);
        number.TryFormat(text[_epoch.Length..], out int digits, default, CultureInfo.InvariantCulture);
        return EventPosition.Parse(text[..(_epoch.Length + digits)]);
    }

    private long NumberOf(EventPosition position)
    {
        string text = position.ToString();
        long oldest = _kept.TryPeek(out var first) ? first.Number : _last + 1;
        if (text.StartsWith(_epoch, StringComparison.Ordinal) && long.TryParse(text.AsSpan(_epoch.Length), NumberStyles.None, CultureInfo.InvariantCulture, out long number) && number >= oldest - 1 && number <= _last)
            return number;
        throw world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"Events after '{position}' are no longer kept. Watch from now, with a snapshot.", null);
    }
}
