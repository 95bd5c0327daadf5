using System.Diagnostics;
using Hypervisor.Sdk.Tests.Fakes;
using Hypervisor.Sdk.Tests.Json;

namespace Hypervisor.Sdk.Tests.Inventories;

public sealed class InventoryTests : IAsyncDisposable
{
    private readonly ManualTimeProvider _clock = new();
    private readonly FakeBackend _backend = new();
    private readonly BackendRegistry _registry;
    private readonly Inventory _inventory;
    private readonly InventoryWatch _watch;
    private readonly IAsyncEnumerator<InventoryChange> _changes;

    public InventoryTests()
    {
        _registry = new(timeProvider: _clock);
        _inventory = new(_registry, new() { MaxConcurrentFetches = 2 }, _clock);
        _watch = _inventory.Watch();
        _changes = _watch.GetAsyncEnumerator(Cancelled);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        await _inventory.DisposeAsync();
        await _registry.DisposeAsync();
        await _backend.DisposeAsync();
        await _changes.DisposeAsync();
        _watch.Dispose();
    }

    [Fact(Timeout = 60_000)]
    public async Task It_begins_with_a_snapshot_and_is_found_by_reference_and_by_name()
    {
        _backend.Put(FakeBackend.Machine("1", name: "web"));
        _backend.Put(FakeBackend.Machine("2", name: "web"));
        await BeginAsync(2);
        Assert.True(_inventory.TryGet(InstanceRef.Parse("local/1"), out var one));
        Assert.Equal("web", one.Name);
        Assert.Equal(["local/1", "local/2"], _inventory.FindByName("web").Select(entry => entry.Reference.ToString()).Order());
        Assert.Empty(_inventory.FindByName("db"));
        Assert.Equal(2, _inventory.List(new() { State = PowerState.Running }, _backend.Name).Count);
        Assert.Null(_inventory.GetStatus(_backend.Name)!.StaleSince);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_state_is_applied_in_place_without_asking_the_backend()
    {
        _backend.Put(FakeBackend.Machine("1", "stopped"));
        await BeginAsync(1);
        int calls = _backend.Calls.Count;
        Send(new InstanceStateChanged { At = _clock.GetUtcNow(), Position = _backend.Next(), Id = InstanceId.Parse("1"), To = PowerState.Running, Reason = "asked to" });
        var change = await NextAsync();
        Assert.Equal((InventoryChangeKind.Updated, PowerState.Running, "asked to"), (change.Kind, change.Instance!.State, change.Instance.StateReason));
        Assert.Equal(_clock.GetUtcNow(), change.Instance.StartedAt);
        Assert.Equal(calls, _backend.Calls.Count);
    }

    [Fact(Timeout = 60_000)]
    public async Task Created_changed_and_deleted_are_followed_and_a_known_revision_is_not_fetched()
    {
        await BeginAsync(0);
        _backend.Put(FakeBackend.Machine("1", name: "a"));
        Send(new InstanceCreated { At = default, Position = _backend.Next(), Id = InstanceId.Parse("1") });
        Assert.Equal((InventoryChangeKind.Added, "a"), Of(await NextAsync()));
        _backend.Put(FakeBackend.Machine("1", name: "b", revision: "2"));
        Send(new InstanceChanged { At = default, Position = _backend.Next(), Id = InstanceId.Parse("1"), Revision = Revision.Parse("2") });
        Assert.Equal((InventoryChangeKind.Updated, "b"), Of(await NextAsync()));
        Assert.Empty(_inventory.FindByName("a"));
        int finds = _backend.Calls.Count;
        Send(new InstanceChanged { At = default, Position = _backend.Next(), Id = InstanceId.Parse("1"), Revision = Revision.Parse("2") });
        Send(new InstanceDeleted { At = default, Position = _backend.Next(), Id = InstanceId.Parse("1") });
        Assert.Equal((InventoryChangeKind.Removed, "b"), Of(await NextAsync()));
        Assert.Equal(finds, _backend.Calls.Count);
        Assert.Empty(_inventory.List());
    }

    [Fact(Timeout = 60_000)]
    public async Task Many_events_about_one_instance_cost_two_fetches_and_few_are_under_way_at_a_time()
    {
        for (int i = 0; i < 10; i++)
            _backend.Put(FakeBackend.Machine($"{i}"));
        await BeginAsync(10);
        var gate = new TaskCompletionSource();
        var started = new TaskCompletionSource();
        int underWay = 0;
        int most = 0;
        _backend.OnCall = async (call, token) =>
        {
            most = Math.Max(most, Interlocked.Increment(ref underWay));
            if (underWay == 2)
                started.TrySetResult();
            await gate.Task.WaitAsync(token);
            Interlocked.Decrement(ref underWay);
        };
        _backend.Calls.Clear();
        SendChanged(0);
        SendChanged(1);
        await started.Task.WaitAsync(Cancelled);
        for (int round = 0; round < 100; round++)
        {
            for (int i = 0; i < 10; i++)
                SendChanged(i);
        }

        SendDeleted("9");
        Assert.Equal((InventoryChangeKind.Removed, "vm-9"), Of(await NextAsync()));
        gate.SetResult();
        var seen = new List<string>();
        while (seen.Count < 11)
            seen.Add((await NextAsync()).Instance!.Name);
        Assert.Equal(2, most);
        Assert.Equal(["vm-0", "vm-0", "vm-1", "vm-1", "vm-2", "vm-3", "vm-4", "vm-5", "vm-6", "vm-7", "vm-8"], seen.Order());
        Assert.Equal(11, _backend.Calls.Count);
        Assert.False(_inventory.TryGet(InstanceRef.Parse("local/9"), out _));
    }

    [Fact(Timeout = 60_000)]
    public async Task What_is_fetched_while_the_instance_is_deleted_or_changes_state_is_not_believed()
    {
        _backend.Put(FakeBackend.Machine("1", "stopped"));
        await BeginAsync(1);
        var old = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        _backend.OnCall = (_, token) =>
        {
            asked.TrySetResult();
            return old.Task.WaitAsync(token);
        };
        SendChanged(1);
        await asked.Task.WaitAsync(Cancelled);
        Send(new InstanceStateChanged { At = default, Position = _backend.Next(), Id = InstanceId.Parse("1"), To = PowerState.Running });
        Assert.Equal(PowerState.Running, (await NextAsync()).Instance!.State);
        SendDeleted("1");
        Assert.Equal(InventoryChangeKind.Removed, (await NextAsync()).Kind);
        _backend.Put(FakeBackend.Machine("2"));
        old.SetResult();
        Send(new InstanceCreated { At = default, Position = _backend.Next(), Id = InstanceId.Parse("2") });
        Assert.Equal((InventoryChangeKind.Added, "vm-2"), Of(await NextAsync()));
        Assert.False(_inventory.TryGet(InstanceRef.Parse("local/1"), out _));
    }

    [Fact(Timeout = 60_000)]
    public async Task After_a_gap_the_backend_is_listed_again_and_what_is_gone_is_removed()
    {
        _backend.Put(FakeBackend.Machine("1"));
        _backend.Put(FakeBackend.Machine("2"));
        await BeginAsync(2);
        var first = _backend.Subscriptions.Last();
        _backend.Instances.TryRemove(InstanceId.Parse("1"), out _);
        _backend.Put(FakeBackend.Machine("3"));
        Send(new EventGap { At = default, Position = _backend.Next(), Reason = "too slow" });
        Assert.Equal(InventoryChangeKind.Stale, (await NextAsync()).Kind);
        Assert.Equal((InventoryChangeKind.Updated, "vm-2"), Of(await NextAsync()));
        Assert.Equal((InventoryChangeKind.Added, "vm-3"), Of(await NextAsync()));
        Assert.Equal((InventoryChangeKind.Removed, "vm-1"), Of(await NextAsync()));
        Assert.Equal(InventoryChangeKind.Synchronized, (await NextAsync()).Kind);
        Assert.True(first.IsDisposed);
        Assert.Equal(2, _backend.Subscriptions.Count);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_lost_backend_is_still_answered_for_and_the_age_can_be_read()
    {
        _backend.Put(FakeBackend.Machine("1"));
        await BeginAsync(1);
        var lostAt = _clock.GetUtcNow();
        _backend.SetConnection(BackendConnectionState.Disconnected, new("The socket closed.", ErrorCode.Unavailable, RequestOutcome.Unknown));
        Assert.Equal(InventoryChangeKind.Stale, (await NextAsync()).Kind);
        _clock.Advance(TimeSpan.FromSeconds(10));
        var status = _inventory.GetStatus(_backend.Name)!;
        Assert.Equal((lostAt, true, "The socket closed."), (status.StaleSince, status.WasSynchronized, status.Problem?.Message));
        Assert.True(_inventory.TryGet(InstanceRef.Parse("local/1"), out _));
        _backend.SetConnection(BackendConnectionState.Connected);
        Assert.Equal((InventoryChangeKind.Updated, "vm-1"), Of(await NextAsync()));
        Assert.Equal(InventoryChangeKind.Synchronized, (await NextAsync()).Kind);
        Assert.Null(_inventory.GetStatus(_backend.Name)!.StaleSince);
        Assert.Null(_inventory.GetStatus(_backend.Name)!.Problem);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_backend_that_cannot_be_followed_is_tried_again_later_each_time()
    {
        int watches = 0;
        var watched = new SemaphoreSlim(0);
        _backend.OnCall = (call, _) =>
        {
            watches++;
            watched.Release();
            return watches <= 3 ? throw new HypervisorException("Busy.", ErrorCode.Unavailable, RequestOutcome.Rejected) : Task.CompletedTask;
        };
        _registry.Add(_backend.Name, "fake", _ => Task.FromResult<IBackend>(_backend));
        _inventory.Start();
        foreach (int seconds in (int[])[1, 1, 2])
        {
            Assert.True(await watched.WaitAsync(TimeSpan.FromSeconds(30), Cancelled));
            await UntilTimersAsync(1);
            Assert.Equal("Busy.", _inventory.GetStatus(_backend.Name)!.Problem?.Message);
            _clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            Assert.Equal(0, watched.CurrentCount);
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(InventoryChangeKind.Synchronized, (await NextAsync()).Kind);
        Assert.Equal(4, watches);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_backend_that_is_removed_takes_its_instances_with_it_and_may_come_back()
    {
        _backend.Put(FakeBackend.Machine("1"));
        await BeginAsync(1);
        await _registry.RemoveAsync(_backend.Name, Cancelled);
        InventoryChange change;
        while ((change = await NextAsync()).Kind == InventoryChangeKind.Stale)
            Assert.Null(change.Instance);
        Assert.Equal((InventoryChangeKind.Removed, "vm-1"), Of(change));
        var second = new FakeBackend();
        second.Put(FakeBackend.Machine("1", name: "again"));
        _registry.Add(second.Name, "fake", _ => Task.FromResult<IBackend>(second));
        Assert.Equal((InventoryChangeKind.Added, "again"), Of(await NextAsync()));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_reader_that_is_too_slow_finds_a_gap_and_the_memory_stays_bounded()
    {
        await BeginAsync(0);
        using var slow = _inventory.Watch(capacity: 2);
        Assert.Empty(slow.Snapshot);
        for (int i = 0; i < 10; i++)
        {
            _backend.Put(FakeBackend.Machine($"{i}"));
            Send(new InstanceObserved { At = default, Position = _backend.Next(), Instance = FakeBackend.Machine($"{i}") });
            await NextAsync();
        }

        await using var changes = slow.GetAsyncEnumerator(Cancelled);
        List<InventoryChangeKind> kinds = [];
        for (int i = 0; i < 3; i++)
        {
            Assert.True(await changes.MoveNextAsync());
            kinds.Add(changes.Current.Kind);
        }

        Assert.Equal([InventoryChangeKind.Added, InventoryChangeKind.Added, InventoryChangeKind.Gap], kinds);
        SendDeleted("0");
        Assert.True(await changes.MoveNextAsync());
        Assert.Equal((InventoryChangeKind.Removed, "vm-0"), Of(changes.Current));
    }

    [Fact(Timeout = 120_000)]
    public async Task An_event_costs_the_same_with_a_thousand_times_as_many_instances()
    {
        double small = await EventCostAsync(10);
        double large = await EventCostAsync(10_000);
        Assert.True(large < small * 20, $"An event took {small:F1} us among 10 instances and {large:F1} us among 10,000.");
    }

    [Fact]
    public void A_copy_in_another_state_differs_in_nothing_else()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            var instance = (Instance)new ModelFactory(seed).Create(typeof(Instance));
            var copy = instance.InState(instance.State, instance.StateReason, default);
            if (instance.State == PowerState.Running)
                Assert.Equal(instance.StartedAt, copy.StartedAt);
            foreach (var property in typeof(Instance).GetProperties().Where(property => property.Name != nameof(Instance.StartedAt)))
                Assert.Equal(property.GetValue(instance), property.GetValue(copy));
        }
    }

    private static (InventoryChangeKind Kind, string? Name) Of(InventoryChange change) => (change.Kind, change.Instance?.Name);

    private static async Task<double> EventCostAsync(int instances)
    {
        var backend = new FakeBackend();
        for (int i = 0; i < instances; i++)
            backend.Put(FakeBackend.Machine($"{i}"));
        await using var registry = new BackendRegistry();
        registry.Add(backend.Name, "fake", _ => Task.FromResult<IBackend>(backend));
        await using var inventory = new Inventory(registry);
        inventory.Start();
        await inventory.WaitUntilSynchronizedAsync(backend.Name, Cancelled);
        double best = double.MaxValue;
        for (int attempt = 0; attempt < 5; attempt++)
        {
            const int Events = 2000;
            using var watch = inventory.Watch();
            long start = Stopwatch.GetTimestamp();
            for (int i = 0; i < Events; i++)
                backend.Subscriptions.Last().Writer.TryWrite(new InstanceStateChanged { At = default, Position = backend.Next(), Id = InstanceId.Parse($"{i % 10}"), To = i % 2 == 0 ? PowerState.Running : PowerState.Stopped });
            int seen = 0;
            await foreach (var change in watch)
            {
                if (++seen == Events)
                    break;
            }

            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalMicroseconds / Events);
        }

        return best;
    }

    private async Task BeginAsync(int instances)
    {
        _registry.Add(_backend.Name, "fake", _ => Task.FromResult<IBackend>(_backend));
        _inventory.Start();
        _inventory.Start();
        for (int i = 0; i < instances; i++)
            Assert.Equal(InventoryChangeKind.Added, (await NextAsync()).Kind);
        Assert.Equal(InventoryChangeKind.Synchronized, (await NextAsync()).Kind);
        await _inventory.WaitUntilSynchronizedAsync(_backend.Name, Cancelled);
    }

    private async Task<InventoryChange> NextAsync()
    {
        Assert.True(await _changes.MoveNextAsync());
        return _changes.Current;
    }

    // The loop has gone to sleep when its timer stands.
    private async Task UntilTimersAsync(int count)
    {
        while (_clock.ActiveTimers < count)
        {
            Cancelled.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private void Send(BackendEvent what) => Assert.True(_backend.Subscriptions.Last().Writer.TryWrite(what));

    private void SendChanged(int id) => Send(new InstanceChanged { At = default, Position = _backend.Next(), Id = InstanceId.Parse($"{id}") });

    private void SendDeleted(string id)
    {
        _backend.Instances.TryRemove(InstanceId.Parse(id), out _);
        Send(new InstanceDeleted { At = default, Position = _backend.Next(), Id = InstanceId.Parse(id) });
    }
}
