using System.Text.Json;
using Hypervisor.Sdk.Drivers;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// Turns the server's life cycle events into ours, one after the other, whoever changes a container. What ends a call of ours waits until its event was told (<see cref="Expect"/>): events and answers come over different
/// connections, and whoever watches after a call has ended is not told of it any more.
/// </summary>
internal sealed class LxdNewsReader(LxdClient client, ContainerLook containers, EventHub hub) : IAsyncDisposable
{
    private const int QueuedEvents = 65_536;

    private static readonly TimeSpan s_longestLag = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private readonly Dictionary<InstanceId, Revision> _known = [];
    private readonly List<Expectation> _expected = [];
    private LxdEventStream? _events;
    private Task _reading = Task.CompletedTask;

    /// <summary>Told when the connection for events is lost, with the reason, and with null when it is there again.</summary>
    public Action<HypervisorException?>? ConnectionChanged { get; set; }

    public async Task BeginAsync(CancellationToken cancellationToken)
    {
        _events = await client.WatchAsync(new LxdEventOptions { Types = [LxdEventOptions.LifecycleEvents], Capacity = QueuedEvents }, cancellationToken).ConfigureAwait(false);
        _events.ConnectionChanged = reason => ConnectionChanged?.Invoke(reason);
        foreach (var facts in await containers.ListAsync(cancellationToken).ConfigureAwait(false))
            _known[facts.Id] = facts.View.Revision;
        _reading = ReadAsync(_events);
    }

    /// <summary>Listens from now on for one of some events of a container.</summary>
    public Expectation Expect(InstanceId id, params string[] actions)
    {
        var expected = new Expectation(this, id, actions);
        lock (_lock)
            _expected.Add(expected);
        return expected;
    }

    public async ValueTask DisposeAsync()
    {
        if (_events is not null)
            await _events.DisposeAsync().ConfigureAwait(false);
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private async Task ReadAsync(LxdEventStream events)
    {
        await Task.Yield();
        await foreach (var news in ((IAsyncEnumerable<LxdNews>)events).ConfigureAwait(false))
        {
            try
            {
                if (news.IsGap)
                    await CompareAsync(news.Gap).ConfigureAwait(false);
                else
                    await TellAsync(news.Event).ConfigureAwait(false);
            }
            catch (HypervisorException error)
            {
                // The server does not answer just now: what it would have said is missing.
                hub.Publish((at, position) => new EventGap { At = at, Position = position, Reason = $"The server could not be asked about an event: {error.Message}" });
            }
        }
    }

    private async Task TellAsync(LxdEvent told)
    {
        if (told.Metadata is not { ValueKind: JsonValueKind.Object } metadata || Text(metadata, "action") is not { } action || LxdRequestLog.NameOf(Text(metadata, "source")) is not { } name || !InstanceId.TryParse(name, null, out var id))
            return;
        switch (action)
        {
            case "instance-created" when !_known.ContainsKey(id) && !IsMachine(metadata):
                hub.Publish((at, position) => new InstanceCreated { At = told.Timestamp ?? at, Position = position, Id = id });
                _known[id] = default;
                break;
            case "instance-renamed" when metadata.TryGetProperty("context", out var context) && InstanceId.TryParse(Text(context, "old_name"), null, out var old) && _known.Remove(old, out var revision):
                hub.Publish((at, position) => new InstanceDeleted { At = told.Timestamp ?? at, Position = position, Id = old });
                hub.Publish((at, position) => new InstanceCreated { At = told.Timestamp ?? at, Position = position, Id = id });
                _known[id] = revision;
                break;
            case "instance-deleted" when _known.Remove(id):
                hub.Publish((at, position) => new InstanceDeleted { At = told.Timestamp ?? at, Position = position, Id = id });
                break;
            case "instance-started" or "instance-resumed" when _known.ContainsKey(id):
                hub.PublishState(id, null, PowerState.Running);
                break;
            case "instance-restarted" when _known.ContainsKey(id):
                hub.PublishState(id, null, PowerState.Stopped);
                hub.PublishState(id, null, PowerState.Running);
                break;
            case "instance-stopped" or "instance-shutdown" when _known.ContainsKey(id):
                hub.PublishState(id, null, PowerState.Stopped);
                break;
            case "instance-paused" when _known.ContainsKey(id):
                hub.PublishState(id, null, PowerState.Paused);
                break;
            case "instance-updated" or "instance-restored" when _known.ContainsKey(id):
                await ChangedAsync(id, told.Timestamp).ConfigureAwait(false);
                break;
        }

        Meet(id, action);
    }

    /// <summary>What a request leaves at a container is an update to the server, and none to who watches.</summary>
    private async Task ChangedAsync(InstanceId id, DateTimeOffset? when)
    {
        if (await containers.FindAsync(id, CancellationToken.None).ConfigureAwait(false) is not { } facts || _known[id] == facts.View.Revision)
            return;
        _known[id] = facts.View.Revision;
        hub.Publish((at, position) => new InstanceChanged { At = when ?? at, Position = position, Id = id, Revision = facts.View.Revision });
    }

    /// <summary>After a connection that was lost: what is there now, behind a gap.</summary>
    private async Task CompareAsync(string reason)
    {
        var there = await containers.ListAsync(CancellationToken.None).ConfigureAwait(false);
        hub.Publish((at, position) => new EventGap { At = at, Position = position, Reason = $"{reason} What happened meanwhile is not known one by one. List again." });
        var ids = there.Select(facts => facts.Id).ToHashSet();
        foreach (var gone in _known.Keys.Where(id => !ids.Contains(id)).ToList())
        {
            _known.Remove(gone);
            hub.Publish((at, position) => new InstanceDeleted { At = at, Position = position, Id = gone });
        }

        foreach (var facts in there)
        {
            if (!_known.TryGetValue(facts.Id, out var revision))
                hub.Publish((at, position) => new InstanceCreated { At = at, Position = position, Id = facts.Id });
            else if (revision != facts.View.Revision && !revision.IsDefault)
                hub.Publish((at, position) => new InstanceChanged { At = at, Position = position, Id = facts.Id, Revision = facts.View.Revision });
            _known[facts.Id] = facts.View.Revision;
            hub.PublishState(facts.Id, null, facts.State);
        }

        lock (_lock)
            _expected.ForEach(expected => expected.Told.TrySetResult());
    }

    private void Meet(InstanceId id, string action)
    {
        lock (_lock)
        {
            foreach (var expected in _expected.Where(expected => expected.Id == id && expected.Actions.Contains(action)))
                expected.Told.TrySetResult();
        }
    }

    private static bool IsMachine(JsonElement metadata) => metadata.TryGetProperty("context", out var context) && Text(context, "type") == "virtual-machine";

    private static string? Text(JsonElement json, string field) => json.ValueKind == JsonValueKind.Object && json.TryGetProperty(field, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>An event that is to come.</summary>
    internal sealed class Expectation(LxdNewsReader news, InstanceId id, string[] actions) : IDisposable
    {
        public InstanceId Id => id;

        public string[] Actions => actions;

        public TaskCompletionSource Told { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Waits until it was told; not for ever: a lost event is no failure of the work.</summary>
        public async Task ToldAsync(CancellationToken cancellationToken)
        {
            try
            {
                await Told.Task.WaitAsync(s_longestLag, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException)
            {
                // The work is done all the same.
            }
        }

        public void Dispose()
        {
            lock (news._lock)
                news._expected.Remove(this);
        }
    }
}
