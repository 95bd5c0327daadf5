using System.Globalization;
using Hypervisor.Sdk.Simulation.Faults;
using Hypervisor.Sdk.Simulation.Randomness;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation;

/// <summary>Something that breaks at a time: said by the last of its methods that is called, <see cref="Now"/>, <see cref="At"/>, <see cref="After"/> or <see cref="Every"/>.</summary>
public sealed class ScheduledFault
{
    private readonly World _world;
    private readonly string _kind;
    private readonly string _subject;
    private readonly double _amount;
    private TimeSpan? _duration;
    private double _chance = 1;

    internal ScheduledFault(World world, string kind, string subject, double amount)
    {
        _world = world;
        _kind = kind;
        _subject = subject;
        _amount = amount;
    }

    /// <summary>How long it lasts. Default: for good.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is not more than zero.</exception>
    public ScheduledFault For(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(time, TimeSpan.Zero);
        _duration = time;
        return this;
    }

    /// <summary>How likely it is to happen each time that it could. Default 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="chance"/> is not from 0 to 1.</exception>
    public ScheduledFault WithChance(double chance)
    {
        if (chance is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(chance), chance, "A chance is from 0 to 1.");
        _chance = chance;
        return this;
    }

    /// <summary>It happens at once.</summary>
    public void Now() => After(TimeSpan.Zero);

    /// <summary>It happens when this much time has passed since the simulation began; at once when that is over.</summary>
    public void At(TimeSpan elapsed) => Plan(string.Create(CultureInfo.InvariantCulture, $"at={elapsed.Ticks}"), () => elapsed - _world.Clock.Elapsed, null);

    /// <summary>It happens when this much time has passed from now on.</summary>
    public void After(TimeSpan time) => Plan(string.Create(CultureInfo.InvariantCulture, $"after={time.Ticks}"), () => time, null);

    /// <summary>It happens, or may happen, each time that this much time has passed.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="interval"/> is not more than zero.</exception>
    public void Every(TimeSpan interval)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(interval, TimeSpan.Zero);
        Plan(string.Create(CultureInfo.InvariantCulture, $"every={interval.Ticks}"), () => interval, interval);
    }

    private void Plan(string when, Func<TimeSpan> delay, TimeSpan? interval) => _world.Loop.Post(() =>
    {
        _world.Note("plan", _subject, string.Create(CultureInfo.InvariantCulture, $"{_kind} amount={_amount:R} {when} for={_duration?.Ticks ?? 0} chance={_chance:R}"));
        var random = _world.Random($"fault/{_kind}/{_subject}");
        var wait = delay();
        if (wait <= TimeSpan.Zero && interval is null)
            Happen(random);
        else
            ScheduleNext(random, wait, interval);
    });

    private void ScheduleNext(SimulationRandom random, TimeSpan wait, TimeSpan? interval) => _world.Loop.Schedule(wait, _ =>
    {
        Happen(random);
        if (interval is { } again)
            ScheduleNext(random, again, interval);
    });

    private void Happen(SimulationRandom random)
    {
        if (_chance < 1 && !random.Chance(_chance))
            return;
        _world.Note("fault", _subject, _kind);
        var undo = FaultEffects.Begin(_world, _kind, _subject, _amount);
        if (undo is null || _duration is not { } duration)
            return;
        _world.Loop.Schedule(duration, _ =>
        {
            _world.Note("fault-end", _subject, _kind);
            undo();
        });
    }
}
