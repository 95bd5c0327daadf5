namespace Hypervisor.Sdk.Drivers.Tests;

public sealed class PollingWatchTests
{
    private readonly List<Instance> _there = [];
    private readonly ManualTimeProvider _time = new();
    private readonly EventHub _hub = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task What_others_did_is_told_as_polled_and_what_the_driver_told_itself_is_not_told_again()
    {
        await using var watch = new PollingWatch(_hub, TimeSpan.FromSeconds(1), Look, null, _time);
        Set("own", "1", PowerState.Stopped);
        await using var subscription = await watch.SubscribeAsync(null, Token);
        await using var events = subscription.GetAsyncEnumerator(Token);

        // The driver starts one itself and says so; somebody else makes another and starts it.
        _hub.PublishState(InstanceId.Parse("own"), PowerState.Stopped, PowerState.Running);
        Set("own", "1", PowerState.Running);
        Set("other", "1", PowerState.Running);
        Assert.Equal("own stopped->running Native", await NextAsync(events));
        Assert.Equal("other created Polled", await NextAsync(events));
        Assert.Equal("other stopped->running Polled", await NextAsync(events));

        Set("own", "2", PowerState.Running);
        Assert.Equal("own revision 2 Polled", await NextAsync(events));
        lock (_there)
            _there.RemoveAll(instance => instance.Name == "other");
        Assert.Equal("other deleted Polled", await NextAsync(events));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_state_that_the_driver_hears_by_itself_is_not_compared()
    {
        await using var watch = new PollingWatch(_hub, TimeSpan.FromSeconds(1), Look, instance => instance.Name == "heard", _time);
        Set("heard", "1", PowerState.Stopped);
        Set("unheard", "1", PowerState.Stopped);
        await using var subscription = await watch.SubscribeAsync(null, Token);
        await using var events = subscription.GetAsyncEnumerator(Token);
        Set("heard", "1", PowerState.Running);
        Set("unheard", "1", PowerState.Running);
        Assert.Equal("unheard stopped->running Polled", await NextAsync(events));
    }

    private void Set(string name, string revision, PowerState state)
    {
        lock (_there)
        {
            _there.RemoveAll(instance => instance.Name == name);
            _there.Add(new Instance { Id = InstanceId.Parse(name), Incarnation = Incarnation.Parse(name), Name = name, Kind = InstanceKind.VirtualMachine, State = state, Revision = Revision.Parse(revision) });
        }
    }

    private async IAsyncEnumerable<Instance> Look([System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await Task.Yield();
        Instance[] there;
        lock (_there)
            there = [.. _there];
        foreach (var instance in there)
            yield return instance;
    }

    /// <summary>Lets time pass until something is told.</summary>
    private async Task<string> NextAsync(IAsyncEnumerator<BackendEvent> events)
    {
        var next = events.MoveNextAsync().AsTask();
        while (!next.IsCompleted)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.True(await next);
        return events.Current switch
        {
            InstanceCreated created => $"{created.Id} created {created.Origin}",
            InstanceDeleted deleted => $"{deleted.Id} deleted {deleted.Origin}",
            InstanceChanged changed => $"{changed.Id} revision {changed.Revision} {changed.Origin}",
            InstanceStateChanged changed => $"{changed.Id} {changed.From}->{changed.To} {changed.Origin}",
            _ => events.Current.GetType().Name,
        };
    }
}
