namespace Hypervisor.Sdk.Simulation.Time;

/// <summary>Wakes the loop when in real time the next thing is due. The only place that knows real time; decides nothing.</summary>
internal sealed class RealTimePacer : IAsyncDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromHours(1);

    private readonly SimulationLoop _loop;
    private readonly TimeProvider _time;
    private readonly double _factor;
    private readonly long _began;
    private readonly ITimer _timer;

    public RealTimePacer(SimulationLoop loop, TimeProvider time, double factor)
    {
        _loop = loop;
        _time = time;
        _factor = factor;
        _began = time.GetTimestamp();
        _timer = time.CreateTimer(static state => ((SimulationLoop)state!).CatchUp(), loop, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        loop.RealTime = Now;
        loop.Idle = WakeAt;
    }

    public ValueTask DisposeAsync()
    {
        _loop.Idle = null;
        return _timer.DisposeAsync();
    }

    private long Now() => (long)(_time.GetElapsedTime(_began).Ticks * _factor);

    private void WakeAt(long dueTicks)
    {
        var wait = dueTicks == long.MaxValue ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(Math.Clamp((long)Math.Ceiling((dueTicks - Now()) / _factor), 0, s_longest.Ticks));
        _timer.Change(wait, Timeout.InfiniteTimeSpan);
    }
}
