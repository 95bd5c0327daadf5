using System.Globalization;
using Hypervisor.Sdk.Simulation.Randomness;

namespace Hypervisor.Sdk.Simulation;

/// <summary>How long something takes in a simulation: always the same, or drawn anew each time. The default value is no time at all.</summary>
public readonly record struct SimulatedDuration
{
    private readonly TimeSpan _least;
    private readonly TimeSpan _most;
    private readonly TimeSpan _deviation;

    private SimulatedDuration(TimeSpan least, TimeSpan most, TimeSpan deviation)
    {
        _least = least;
        _most = most;
        _deviation = deviation;
    }

    /// <summary>Always the same.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is negative.</exception>
    public static SimulatedDuration Exactly(TimeSpan time)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero);
        return new(time, time, TimeSpan.Zero);
    }

    /// <summary>Anything from the least to the most, each as likely as the others.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="least"/> is negative, or <paramref name="most"/> is less.</exception>
    public static SimulatedDuration Between(TimeSpan least, TimeSpan most)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(least, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, least);
        return new(least, most, TimeSpan.Zero);
    }

    /// <summary>About normally distributed; never less than zero.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="mean"/> or <paramref name="deviation"/> is negative.</exception>
    public static SimulatedDuration Around(TimeSpan mean, TimeSpan deviation)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(mean, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(deviation, TimeSpan.Zero);
        return new(mean, mean, deviation);
    }

    /// <summary>For people: <c>2s</c>, <c>1s..3s</c>, <c>2s~0.5s</c>.</summary>
    public override string ToString() => _deviation > TimeSpan.Zero ? $"{Text(_least)}~{Text(_deviation)}" : _least == _most ? Text(_least) : $"{Text(_least)}..{Text(_most)}";

    internal string Save() => string.Create(CultureInfo.InvariantCulture, $"{_least.Ticks},{_most.Ticks},{_deviation.Ticks}");

    internal static SimulatedDuration Load(string text)
    {
        long[] ticks = [.. text.Split(',').Select(static part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out long read) ? read : -1)];
        if (ticks.Length != 3 || ticks.Contains(-1) || ticks[1] < ticks[0])
            throw new FormatException($"'{text}' is no duration: the least, the most and the deviation in ticks");
        return new(new TimeSpan(ticks[0]), new TimeSpan(ticks[1]), new TimeSpan(ticks[2]));
    }

    internal TimeSpan Draw(SimulationRandom random)
    {
        if (_deviation > TimeSpan.Zero)
            return TimeSpan.FromTicks(Math.Max(0, _least.Ticks + (long)(random.NextNormal() * _deviation.Ticks)));
        return _least == _most ? _least : TimeSpan.FromTicks(_least.Ticks + (long)(random.NextDouble() * (_most.Ticks - _least.Ticks)));
    }

    private static string Text(TimeSpan time) => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:0.#######}s");
}
