namespace Hypervisor.Sdk.Simulation.Time;

/// <summary>A timer of the clock, made by anybody on any thread.</summary>
internal sealed class ClockTimer : ITimer
{
    private readonly SimulationLoop _loop;
    private readonly LoopTimer _timer;
    private TimeSpan _period;
    private bool _isDisposed;

    public ClockTimer(SimulationLoop loop, TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        _loop = loop;
        _timer = new LoopTimer(
            _ =>
            {
                if (_period > TimeSpan.Zero)
                    Arm(_period);
                callback(state);
            }, null);
        Change(dueTime, period);
    }

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        if (_isDisposed)
            return false;
        _loop.Post(() =>
        {
            _period = period;
            if (dueTime == Timeout.InfiniteTimeSpan)
                SimulationLoop.Disarm(_timer);
            else
                Arm(dueTime);
        });
        return true;
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _loop.Post(() => SimulationLoop.Disarm(_timer));
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    private void Arm(TimeSpan time) => _loop.Arm(_timer, _loop.NowTicks + Math.Max(0, time.Ticks));
}
