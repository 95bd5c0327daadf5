using Hypervisor.Sdk.Simulation.Time;

namespace Hypervisor.Sdk.Simulation;

/// <summary>
/// The clock of a simulated data centre, and of everything that is given it as its <see cref="TimeProvider"/>. Timers fire within the simulation, in the order of their times and then of their making.
/// </summary>
public sealed class SimulationClock : TimeProvider
{
    private readonly SimulationLoop _loop;
    private long _stepTicks;

    internal SimulationClock(SimulationLoop loop, DateTimeOffset start)
    {
        _loop = loop;
        Start = start.ToUniversalTime();
    }

    /// <summary>What the clock showed when the simulation began.</summary>
    public DateTimeOffset Start { get; }

    /// <summary>The time that has passed since then. A step of the clock does not change it.</summary>
    public TimeSpan Elapsed => new(_loop.NowTicks);

    /// <inheritdoc />
    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <inheritdoc />
    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    /// <summary>What the clock shows: <see cref="Start"/>, <see cref="Elapsed"/> and the steps that faults have made.</summary>
    public override DateTimeOffset GetUtcNow() => Start.AddTicks(_loop.NowTicks + Volatile.Read(ref _stepTicks));

    /// <inheritdoc />
    public override long GetTimestamp() => _loop.NowTicks;

    /// <summary>Moves time on. What becomes due on the way is done before this returns.</summary>
    /// <param name="time">Zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is negative.</exception>
    /// <exception cref="InvalidOperationException">Called from <see cref="SimulatedDatacenter.RunAsync(Func{Task})"/>, where time moves by itself, or the simulation follows real time.</exception>
    public void Advance(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        if (_loop.RealTime is not null)
            throw new InvalidOperationException("This simulation follows real time; its clock cannot be advanced.");
        _loop.AdvanceTo(_loop.NowTicks + time.Ticks);
    }

    /// <inheritdoc />
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return new ClockTimer(_loop, callback, state, dueTime, period);
    }

    internal void Step(TimeSpan by) => Interlocked.Add(ref _stepTicks, by.Ticks);
}
