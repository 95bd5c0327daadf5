namespace Hypervisor.Sdk.Drivers.Tests;

public sealed class EventHubTests
{
    private static readonly InstanceId s_id = InstanceId.Parse("web");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_full_queue_loses_its_oldest_events_loudly_and_goes_on()
    {
        var hub = new EventHub();
        await using var subscription = hub.Subscribe(new WatchOptions { Capacity = 2 }, Nothing);
        for (int i = 0; i < 5; i++)
            Created(hub, $"m{i}");
        hub.Close();
        var seen = await AllAsync(subscription);
        Assert.IsType<EventGap>(seen[0]);
        Assert.Equal(["m3", "m4"], seen.Skip(1).Cast<InstanceCreated>().Select(created => created.Id.ToString()));
    }

    [Fact]
    public async Task A_watch_goes_on_after_a_position_and_refuses_one_that_is_not_kept()
    {
        var hub = new EventHub();
        Created(hub, "m0");
        var position = hub.Position;
        Created(hub, "m1");
        await using var subscription = hub.Subscribe(new WatchOptions { After = position }, Nothing);
        Created(hub, "m2");
        hub.Close();
        Assert.Equal(["m1", "m2"], (await AllAsync(subscription)).Cast<InstanceCreated>().Select(created => created.Id.ToString()));
        Assert.Equal(ErrorCode.NotFound, Assert.Throws<HypervisorException>(() => new EventHub().Subscribe(new WatchOptions { After = position }, Nothing)).Code);
    }

    [Fact]
    public async Task The_state_before_is_the_one_that_was_told_last_and_none_is_told_twice()
    {
        var hub = new EventHub();
        await using var subscription = hub.Subscribe(null, Nothing);
        hub.PublishState(s_id, PowerState.Paused, PowerState.Running);
        hub.PublishState(s_id, PowerState.Stopped, PowerState.Running);
        hub.PublishState(s_id, PowerState.Paused, PowerState.Stopped, "why");
        hub.Close();
        var seen = (await AllAsync(subscription)).Cast<InstanceStateChanged>().Select(changed => (changed.From?.ToString(), changed.To.ToString(), changed.Reason));
        Assert.Equal([("paused", "running", null), ("running", "stopped", "why")], seen);
    }

    [Fact]
    public async Task A_second_reader_is_refused()
    {
        var hub = new EventHub();
        await using var subscription = hub.Subscribe(null, Nothing);
        await using var first = subscription.GetAsyncEnumerator(Token);
        Assert.Throws<InvalidOperationException>(() => subscription.GetAsyncEnumerator(Token));
        Assert.True(hub.IsWatched);
        await subscription.DisposeAsync();
        Assert.False(hub.IsWatched);
    }

    internal static void Created(EventHub hub, string id) => hub.Publish((at, position) => new InstanceCreated { At = at, Position = position, Id = InstanceId.Parse(id) });

    internal static async Task<List<BackendEvent>> AllAsync(Subscription subscription)
    {
        var seen = new List<BackendEvent>();
        await foreach (var next in subscription.WithCancellation(Token))
            seen.Add(next);
        return seen;
    }

    internal static async IAsyncEnumerable<Instance> Nothing([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        yield break;
    }
}
