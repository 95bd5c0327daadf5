using Hypervisor.Sdk.Tests.Fakes;

namespace Hypervisor.Sdk.Tests.Registry;

public sealed class BackendRegistryTests
{
    private static readonly BackendName s_local = BackendName.Parse("local");

    private readonly ManualTimeProvider _clock = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task A_backend_is_connected_when_it_is_first_asked_for_and_once()
    {
        int connects = 0;
        var backend = new FakeBackend();
        await using var registry = new BackendRegistry(timeProvider: _clock);
        registry.Add(s_local, "fake", _ =>
        {
            connects++;
            return Task.FromResult<IBackend>(backend);
        });
        Assert.Equal(0, connects);
        Assert.Equal(BackendConnectionState.Idle, Assert.Single(registry.List()).ConnectionState);
        Assert.Same(backend, FakeBackend.Of(await registry.GetAsync(s_local, Cancelled)));
        Assert.Same(backend, FakeBackend.Of(await registry.GetAsync(s_local, Cancelled)));
        Assert.Equal(1, connects);
        var listed = Assert.Single(registry.List());
        Assert.Equal((BackendConnectionState.Connected, "1.0"), (listed.ConnectionState, listed.Info?.ServerVersion));
    }

    [Fact(Timeout = 60_000)]
    public async Task Cancelling_one_who_waits_does_not_cancel_the_connect_of_the_others()
    {
        int connects = 0;
        var connected = new TaskCompletionSource<IBackend>();
        await using var registry = new BackendRegistry(timeProvider: _clock);
        registry.Add(s_local, "fake", token =>
        {
            connects++;
            return connected.Task.WaitAsync(token);
        });
        using var impatient = new CancellationTokenSource();
        var first = registry.GetAsync(s_local, impatient.Token).AsTask();
        var second = registry.GetAsync(s_local, Cancelled).AsTask();
        Assert.Equal(BackendConnectionState.Connecting, Assert.Single(registry.List()).ConnectionState);
        await impatient.CancelAsync();
        var cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        Assert.Equal(impatient.Token, cancelled.CancellationToken);
        Assert.False(second.IsCompleted);
        var backend = new FakeBackend();
        connected.SetResult(backend);
        Assert.Same(backend, FakeBackend.Of(await second));
        Assert.Equal(1, connects);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_dead_backend_is_left_alone_twice_as_long_after_each_failure_and_says_why_at_once()
    {
        int connects = 0;
        var options = new BackendRegistryOptions { FirstRetryDelay = TimeSpan.FromSeconds(1), MaxRetryDelay = TimeSpan.FromSeconds(3) };
        await using var registry = new BackendRegistry(options: options, timeProvider: _clock);
        registry.Add(s_local, "fake", _ =>
        {
            connects++;
            throw new BackendConnectionException("Nobody listens.", ErrorCode.Unavailable, RequestOutcome.NotSent) { BackendCode = "ECONNREFUSED" };
        });
        foreach (int seconds in (int[])[1, 2, 3, 3])
        {
            var failed = await Assert.ThrowsAsync<BackendConnectionException>(async () => await registry.GetAsync(s_local, Cancelled));
            Assert.Equal("Nobody listens.", failed.Message);
            int before = connects;
            _clock.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
            var leftAlone = await Assert.ThrowsAsync<BackendConnectionException>(async () => await registry.GetAsync(s_local, Cancelled));
            Assert.Equal((ErrorCode.Unavailable, RequestOutcome.NotSent, TimeSpan.FromMilliseconds(1), "ECONNREFUSED"), (leftAlone.Code, leftAlone.Outcome, leftAlone.RetryAfter, leftAlone.BackendCode));
            Assert.Contains("Nobody listens.", leftAlone.Message, StringComparison.Ordinal);
            Assert.True(leftAlone.IsTransient);
            Assert.Equal(before, connects);
            _clock.Advance(TimeSpan.FromMilliseconds(1));
        }

        Assert.Equal(4, connects);
        var listed = Assert.Single(registry.List());
        Assert.Equal((BackendConnectionState.Disconnected, "Nobody listens."), (listed.ConnectionState, listed.Problem?.Message));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_backend_that_never_answers_times_out_and_what_arrives_late_is_disposed()
    {
        var late = new TaskCompletionSource<IBackend>();
        await using var registry = new BackendRegistry(options: new() { ConnectTimeout = TimeSpan.FromSeconds(5) }, timeProvider: _clock);
        registry.Add(s_local, "fake", _ => late.Task);
        var get = registry.GetAsync(s_local, Cancelled).AsTask();
        _clock.Advance(TimeSpan.FromSeconds(5));
        var failed = await Assert.ThrowsAsync<BackendConnectionException>(() => get);
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.NotSent), (failed.Code, failed.Outcome));
        var backend = new FakeBackend();
        late.SetResult(backend);
        Assert.Equal(1, backend.Disposals);
        Assert.Equal(BackendConnectionState.Disconnected, Assert.Single(registry.List()).ConnectionState);
    }

    [Fact(Timeout = 60_000)]
    public async Task Additions_removals_and_every_change_of_a_connection_are_told()
    {
        var backend = new FakeBackend();
        var told = new List<string>();
        await using var registry = new BackendRegistry(timeProvider: _clock);
        registry.Changed += (_, change) => told.Add($"{change.Backend} {change.Change} {change.Connection?.From} {change.Connection?.To} {change.Connection?.Reason?.Message}".TrimEnd());
        registry.Add(s_local, "fake", _ => Task.FromResult<IBackend>(backend));
        await registry.GetAsync(s_local, Cancelled);
        backend.SetConnection(BackendConnectionState.Disconnected, new("The socket closed.", ErrorCode.Unavailable, RequestOutcome.Unknown));
        Assert.Equal(BackendConnectionState.Disconnected, Assert.Single(registry.List()).ConnectionState);
        backend.SetConnection(BackendConnectionState.Connected);
        Assert.True(await registry.RemoveAsync(s_local, Cancelled));
        Assert.False(await registry.RemoveAsync(s_local, Cancelled));
        Assert.Equal(
            ["local Added", "local ConnectionChanged Idle Connecting", "local ConnectionChanged Connecting Connected", "local ConnectionChanged Connected Disconnected The socket closed.",
             "local ConnectionChanged Disconnected Connected", "local ConnectionChanged Connected Closed", "local Removed"], told);
        Assert.Equal(1, backend.Disposals);
        var missing = await Assert.ThrowsAsync<HypervisorException>(async () => await registry.GetAsync(s_local, Cancelled));
        Assert.Equal(ErrorCode.NotFound, missing.Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task Removing_a_backend_that_is_being_connected_ends_the_attempt_and_disposes_what_it_made()
    {
        var connected = new TaskCompletionSource<IBackend>();
        await using var registry = new BackendRegistry(timeProvider: _clock);
        registry.Add(s_local, "fake", _ => connected.Task);
        var get = registry.GetAsync(s_local, Cancelled).AsTask();
        Assert.True(await registry.RemoveAsync(s_local, Cancelled));
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => get)).Code);
        var backend = new FakeBackend();
        connected.SetResult(backend);
        Assert.Equal(1, backend.Disposals);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_backend_that_was_closed_is_disposed_and_connected_anew()
    {
        var backends = new Queue<FakeBackend>([new(), new()]);
        var (first, second) = (backends.First(), backends.Last());
        var registry = new BackendRegistry(timeProvider: _clock);
        registry.Add(s_local, "fake", _ => Task.FromResult<IBackend>(backends.Dequeue()));
        Assert.Same(first, FakeBackend.Of(await registry.GetAsync(s_local, Cancelled)));
        first.SetConnection(BackendConnectionState.Closed);
        Assert.Same(second, FakeBackend.Of(await registry.GetAsync(s_local, Cancelled)));
        await registry.DisposeAsync();
        await registry.DisposeAsync();
        Assert.Equal((1, 1), (first.Disposals, second.Disposals));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await registry.GetAsync(s_local, Cancelled));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_definition_is_connected_by_the_driver_of_its_kind_with_the_settings_of_that_moment()
    {
        var factory = new Factory();
        await using var registry = new BackendRegistry([factory], timeProvider: _clock);
        var definition = new BackendDefinition { Name = s_local, Kind = "fake", Settings = { ["directory"] = "a" } };
        await registry.AddAsync(definition, Cancelled);
        definition.Settings["directory"] = "b";
        await registry.GetAsync(s_local, Cancelled);
        Assert.Equal("a", factory.Definition!.Settings["directory"].ToString());
        Assert.Equal(ErrorCode.AlreadyExists, (await Assert.ThrowsAsync<HypervisorException>(() => registry.AddAsync(definition, Cancelled))).Code);
        var unknown = await Assert.ThrowsAsync<HypervisorException>(() => registry.AddAsync(new() { Name = BackendName.Parse("b"), Kind = "toaster" }, Cancelled));
        Assert.Equal(ErrorCode.Unsupported, unknown.Code);
        Assert.Contains("fake", unknown.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_instance_is_found_by_its_reference_across_backends()
    {
        var one = new FakeBackend("one");
        var two = new FakeBackend("two");
        two.Put(FakeBackend.Machine("7", name: "web"));
        await using var registry = new BackendRegistry(timeProvider: _clock);
        registry.Add(one.Name, "fake", _ => Task.FromResult<IBackend>(one));
        registry.Add(two.Name, "fake", _ => Task.FromResult<IBackend>(two));
        Assert.Equal("web", (await registry.FindInstanceAsync(InstanceRef.Parse("two/7"), Cancelled))?.Name);
        Assert.Null(await registry.FindInstanceAsync(InstanceRef.Parse("one/7"), Cancelled));
        Assert.NotNull(await (await registry.GetComputeAsync(InstanceRef.Parse("two/7"), Cancelled)).FindAsync(InstanceId.Parse("7"), Cancelled));
        Assert.Contains("find 7", two.Calls);
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => registry.FindInstanceAsync(InstanceRef.Parse("three/7"), Cancelled))).Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_handler_that_throws_does_not_spoil_the_connection()
    {
        var backend = new FakeBackend();
        await using var registry = new BackendRegistry(timeProvider: _clock);
        registry.Changed += (_, _) => throw new InvalidOperationException("A bad handler.");
        registry.Add(s_local, "fake", _ => Task.FromResult<IBackend>(backend));
        Assert.Same(backend, FakeBackend.Of(await registry.GetAsync(s_local, Cancelled)));
    }

    private sealed class Factory : IBackendFactory
    {
        public BackendDefinition? Definition { get; private set; }

        public string Kind => "fake";

        public Task<IBackend> ConnectAsync(BackendDefinition definition, CancellationToken cancellationToken)
        {
            Definition = definition;
            return Task.FromResult<IBackend>(new FakeBackend(definition.Name.ToString()));
        }
    }
}
