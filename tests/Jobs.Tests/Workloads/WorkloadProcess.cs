namespace Hypervisor.Sdk.Jobs.Tests.Workloads;

/// <summary>
/// A process within the simulation, as the clock that everything in it waits by: it may be ahead of or behind the others, jump, stand still with its process for a while (what became due meanwhile happens at its end, late), and
/// stop for ever with it. Nothing that runs in it waits for anything else than this clock.
/// </summary>
internal sealed class WorkloadProcess(TimeProvider world, string name) : TimeProvider
{
    private DateTimeOffset _pausedUntil;

    public string Name => name;

    public TimeSpan Skew { get; set; }

    public bool IsDead { get; private set; }

    public override long TimestampFrequency => world.TimestampFrequency;

    public override DateTimeOffset GetUtcNow() => world.GetUtcNow() + Skew;

    public override long GetTimestamp() => world.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => world.CreateTimer(_ => Do(() => callback(state)), null, dueTime, period);

    /// <summary>Does something within the process, later than the caller.</summary>
    public void Post(Action action) => world.CreateTimer(_ => Do(action), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);

    /// <summary>What is awaited has come to this process; never, where it is dead.</summary>
    public Task ArriveAsync()
    {
        var arrived = new TaskCompletionSource();
        Post(arrived.SetResult);
        return arrived.Task;
    }

    /// <summary>Waits within the process. A delay of the runtime's that is cancelled goes on in the thread pool.</summary>
    public async Task RestAsync(TimeSpan time, CancellationToken cancellationToken)
    {
        var over = new TaskCompletionSource();
        using var timer = CreateTimer(_ => over.TrySetResult(), null, time, Timeout.InfiniteTimeSpan);
        using var stop = cancellationToken.UnsafeRegister((_, cancelled) => over.TrySetCanceled(cancelled), null);
        await over.Task;
    }

    public void Pause(TimeSpan time) => _pausedUntil = world.GetUtcNow() + time;

    public void Die() => IsDead = true;

    private void Do(Action action)
    {
        if (IsDead)
            return;
        var late = _pausedUntil - world.GetUtcNow();
        if (late > TimeSpan.Zero)
            world.CreateTimer(_ => Do(action), null, late, Timeout.InfiniteTimeSpan);
        else
            action();
    }
}
