using Hypervisor.Sdk.Tests.Fakes;

namespace Hypervisor.Sdk.Tests.Readiness;

public sealed class ReadinessTests
{
    private static readonly InstanceId s_id = InstanceId.Parse("1");

    private readonly ManualTimeProvider _clock = new();
    private readonly FakeBackend _backend = new();

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task It_is_ready_when_state_address_console_and_the_callers_condition_hold_together()
    {
        bool answers = false;
        var seen = new Steps();
        _backend.Put(FakeBackend.Machine("1", "starting"));
        var ready = _backend.WaitUntilReadyAsync(s_id, new()
        {
            TimeProvider = _clock, Progress = seen,
            Conditions = [new ReadinessCondition.InState(PowerState.Running), new ReadinessCondition.HasAddress(), new ReadinessCondition.ConsoleShows("login:"), new ReadinessCondition.Custom("answers on port 22", (_, _, _) => new(answers))],
        }, Cancelled);
        Assert.Equal(["the state is 'starting', not 'running'", "it has no address", "the console has not shown 'login:'; its last line is ''", "not yet: answers on port 22"], seen.Last.Missing);

        _backend.Put(FakeBackend.Machine("1", address: "169.254.1.1/16"));
        _backend.ConsoleLog = "Booting\nweb login:"u8.ToArray();
        await LookAgainAsync(seen);
        Assert.Equal(["it has no address", "not yet: answers on port 22"], seen.Last.Missing);

        // The console may be cleared: what was shown was shown.
        _backend.ConsoleLog = [];
        _backend.Put(FakeBackend.Machine("1", address: "10.0.0.5/24"));
        await LookAgainAsync(seen);
        Assert.Equal(["not yet: answers on port 22"], seen.Last.Missing);
        answers = true;
        await LookAgainAsync(seen);
        Assert.Equal(PowerState.Running, (await ready).State);
        Assert.Empty(seen.Last.Missing);
        Assert.Equal(TimeSpan.FromMilliseconds(1500), seen.Last.Elapsed);
    }

    [Fact(Timeout = 60_000)]
    public async Task When_time_is_up_the_error_says_what_was_missing_and_seen_last()
    {
        _backend.Put(FakeBackend.Machine("1", "paused", name: "web"));
        _backend.ConsoleLog = "one\nKernel panic\n"u8.ToArray();
        var ready = _backend.WaitUntilReadyAsync(s_id, new()
        {
            TimeProvider = _clock, Deadline = TimeSpan.FromSeconds(1), Conditions = [new ReadinessCondition.InState(PowerState.Running), new ReadinessCondition.ConsoleShows("login:")],
        }, Cancelled);
        await LookAgainAsync();
        _clock.Advance(TimeSpan.FromSeconds(1));
        var failed = await Assert.ThrowsAsync<HypervisorException>(() => ready);
        Assert.Equal((ErrorCode.Timeout, RequestOutcome.Rejected, true), (failed.Code, failed.Outcome, failed.IsTransient));
        Assert.Equal("Instance 'web' was not ready within 00:00:01: the state is 'paused', not 'running'; the console has not shown 'login:'; its last line is 'Kernel panic'.", failed.Message);
    }

    [Fact(Timeout = 60_000)]
    public async Task A_backend_that_is_away_is_waited_for_and_one_that_hangs_is_not_waited_for_longer_than_the_deadline()
    {
        _backend.Put(FakeBackend.Machine("1"));
        _backend.OnCall = (_, _) => throw new HypervisorException("Away.", ErrorCode.Unavailable, RequestOutcome.NotSent);
        var ready = _backend.WaitUntilReadyAsync(s_id, new() { TimeProvider = _clock }, Cancelled);
        _backend.OnCall = (_, _) => Task.CompletedTask;
        await LookAgainAsync();
        Assert.Equal(s_id, (await ready).Id);

        _backend.OnCall = (_, token) => new TaskCompletionSource().Task.WaitAsync(token);
        var never = _backend.WaitUntilReadyAsync(s_id, new() { TimeProvider = _clock, Deadline = TimeSpan.FromSeconds(2) }, Cancelled);
        _clock.Advance(TimeSpan.FromSeconds(2));
        Assert.Contains("it was not seen yet", (await Assert.ThrowsAsync<HypervisorException>(() => never)).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 60_000)]
    public async Task Nobody_waits_for_an_instance_that_is_not_there_and_the_caller_can_give_up()
    {
        Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => _backend.WaitUntilReadyAsync(s_id, new() { TimeProvider = _clock }, Cancelled))).Code);
        _backend.Put(FakeBackend.Machine("1", "stopped"));
        using var giveUp = new CancellationTokenSource();
        var ready = _backend.WaitUntilReadyAsync(s_id, new() { TimeProvider = _clock }, giveUp.Token);
        await giveUp.CancelAsync();
        Assert.Equal(giveUp.Token, (await Assert.ThrowsAnyAsync<OperationCanceledException>(() => ready)).CancellationToken);
    }

    private async Task LookAgainAsync(Steps? steps = null)
    {
        int before = steps?.Count ?? 0;
        while (_clock.ActiveTimers < 2)
        {
            Cancelled.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        _clock.Advance(TimeSpan.FromMilliseconds(500));
        while (steps?.Count == before)
        {
            Cancelled.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private sealed class Steps : IProgress<ReadinessProgress>
    {
        private volatile ReadinessProgress? _last;
        private int _count;

        public int Count => Volatile.Read(ref _count);

        public ReadinessProgress Last => _last!;

        public void Report(ReadinessProgress value)
        {
            _last = value;
            Interlocked.Increment(ref _count);
        }
    }
}
