using System.Text.Json;

namespace Hypervisor.Sdk.AspNetCore;

/// <summary>What happens at all backends: for each, everything that is there, then the changes. A backend that does not answer holds up no other.</summary>
internal sealed class EventsChannel(SocketSession session, uint number) : SocketChannel(session, number)
{
    /// <summary>A list is no place in the stream of events.</summary>
    private static readonly EventPosition s_snapshot = EventPosition.Parse("snapshot");

    private readonly Dictionary<BackendName, (Task Work, CancellationTokenSource Ending)> _followed = [];

    protected override async Task<string> WorkAsync(CancellationToken closing)
    {
        await SendAsync("opened", null, closing).ConfigureAwait(false);
        var changes = System.Threading.Channels.Channel.CreateBounded<BackendRegistryChangedEventArgs>(new System.Threading.Channels.BoundedChannelOptions(Session.Services.Options.MaxQueuedEvents));
        void Changed(object? sender, BackendRegistryChangedEventArgs change)
        {
            if (!changes.Writer.TryWrite(change))
                Session.FailSlowReader("too many changes of backends wait for it");
        }

        Session.Services.Registry.Changed += Changed;
        try
        {
            foreach (var backend in Session.Services.Registry.List())
                Follow(backend.Name, closing);
            await foreach (var change in changes.Reader.ReadAllAsync(closing).ConfigureAwait(false))
                await TakeAsync(change, closing).ConfigureAwait(false);
        }
        finally
        {
            Session.Services.Registry.Changed -= Changed;
            foreach (var backend in _followed.Keys.ToArray())
                await LeaveAsync(backend).ConfigureAwait(false);
        }

        return "the server is stopping";
    }

    private async Task TakeAsync(BackendRegistryChangedEventArgs change, CancellationToken closing)
    {
        if (change.Change == BackendRegistryChange.Added)
            Follow(change.Backend, closing);
        if (change.Change == BackendRegistryChange.Removed)
            await LeaveAsync(change.Backend).ConfigureAwait(false);
        string state = change.Connection is { } connection ? JsonNamingPolicy.CamelCase.ConvertName(connection.To.ToString()) : JsonNamingPolicy.CamelCase.ConvertName(change.Change.ToString());
        await SendAsync("backend", json =>
        {
            json.WriteString("backend", change.Backend.ToString());
            json.WriteString("state", state);
            if (change.Connection?.Reason is { } reason)
                json.WriteString("reason", reason.Message);
        }, closing).ConfigureAwait(false);
    }

    private void Follow(BackendName backend, CancellationToken closing)
    {
        if (_followed.ContainsKey(backend))
            return;
        var ending = CancellationTokenSource.CreateLinkedTokenSource(closing);
        _followed.Add(backend, (Task.Run(() => FollowAsync(backend, ending.Token), CancellationToken.None), ending));
    }

    private async Task LeaveAsync(BackendName backend)
    {
        if (!_followed.Remove(backend, out var followed))
            return;
        await followed.Ending.CancelAsync().ConfigureAwait(false);
        await followed.Work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        followed.Ending.Dispose();
    }

    private async Task FollowAsync(BackendName backend, CancellationToken ending)
    {
        var queue = Session.Services.Events.Follow(backend);
        await using (queue.ConfigureAwait(false))
        {
            // First the watch, then the list: what happens in between is in the queue, and told after.
            await queue.Watching.WaitAsync(ending).ConfigureAwait(false);
            await SendSnapshotAsync(backend, ending).ConfigureAwait(false);
            await foreach (var happened in queue.ReadAllAsync(ending).ConfigureAwait(false))
            {
                await SendEventAsync(backend, happened.Json, ending).ConfigureAwait(false);
                if (happened.IsGap)
                    await SendSnapshotAsync(backend, ending).ConfigureAwait(false);
            }

            if (queue.HasOverflown)
                Session.FailSlowReader($"more than {Session.Services.Options.MaxQueuedEvents} events wait for it");
        }
    }

    private async Task SendSnapshotAsync(BackendName name, CancellationToken ending)
    {
        try
        {
            var backend = await Session.Services.Registry.GetAsync(name, ending).ConfigureAwait(false);
            foreach (var role in ComputeRoles.Of(backend))
            {
                await foreach (var instance in role.List().WithCancellation(ending).ConfigureAwait(false))
                    await SendEventAsync(name, Session.Services.Json.Bytes<BackendEvent>(Observed(instance)), ending).ConfigureAwait(false);
            }

            await SendEventAsync(name, Session.Services.Json.Bytes<BackendEvent>(Synchronized()), ending).ConfigureAwait(false);
        }
        catch (HypervisorException failure)
        {
            // The watch goes on trying, and a gap brings us back here.
            await SendAsync("backend", json =>
            {
                json.WriteString("backend", name.ToString());
                json.WriteString("state", "disconnected");
                json.WriteString("reason", failure.Message);
            }, ending).ConfigureAwait(false);
        }
    }

    private ValueTask SendEventAsync(BackendName backend, ReadOnlyMemory<byte> happened, CancellationToken ending) => SendAsync("event", json =>
    {
        json.WriteString("backend", backend.ToString());
        json.WritePropertyName("event");
        json.WriteRawValue(happened.Span, skipInputValidation: true);
    }, ending);

    private InstanceObserved Observed(Instance instance) => new() { At = Session.Services.Time.GetUtcNow(), Position = s_snapshot, Origin = EventOrigin.Polled, Instance = instance };

    private Synchronized Synchronized() => new() { At = Session.Services.Time.GetUtcNow(), Position = s_snapshot, Origin = EventOrigin.Polled };
}
