using System.Globalization;
using Hypervisor.Sdk.Simulation.Randomness;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation;

/// <summary>Something that befalls calls, from the moment that it is made until it has happened often enough or is ended. Restrict it before the first call.</summary>
public sealed class CallFault
{
    private readonly World _world;
    private readonly SimulationRandom _random;
    private readonly SimulatedDuration _duration;
    private string[] _actions = [];
    private string? _subject;
    private double _chance = 1;
    private int _left = int.MaxValue;
    private TimeSpan _from = TimeSpan.MinValue;
    private TimeSpan _until = TimeSpan.MaxValue;
    private bool _isAnnounced;

    internal CallFault(World world, string kind, SimulatedDuration duration)
    {
        _world = world;
        Kind = kind;
        _duration = duration;
        _random = world.Random($"fault/{kind}");
    }

    internal string Kind { get; }

    /// <summary>Only these calls, by the words that the trace has for them: <c>create</c>, <c>start</c>, <c>apply</c>, <c>find</c>, <c>list</c>. Default: all that change something.</summary>
    public CallFault On(params string[] actions)
    {
        ArgumentNullException.ThrowIfNull(actions);
        _actions = [.. actions];
        return this;
    }

    /// <summary>Only calls about this: an instance's id, or the name of the one that a create makes. Default: about anything.</summary>
    public CallFault Of(string subject)
    {
        ArgumentException.ThrowIfNullOrEmpty(subject);
        _subject = subject;
        return this;
    }

    /// <summary>How likely each of those calls is to be befallen. Default 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="chance"/> is not from 0 to 1.</exception>
    public CallFault WithChance(double chance)
    {
        if (chance is not (>= 0 and <= 1))
            throw new ArgumentOutOfRangeException(nameof(chance), chance, "A chance is from 0 to 1.");
        _chance = chance;
        return this;
    }

    /// <summary>How often it happens at most. Default: no limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is less than 1.</exception>
    public CallFault Times(int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        _left = count;
        return this;
    }

    /// <summary>Only within this span of the simulation's time.</summary>
    public CallFault Between(TimeSpan from, TimeSpan until)
    {
        _from = from;
        _until = until;
        return this;
    }

    /// <summary>It does not happen any more.</summary>
    public void End() => Volatile.Write(ref _left, 0);

    internal bool IsOver => Volatile.Read(ref _left) <= 0 || _world.Clock.Elapsed > _until;

    /// <summary>Whether it befalls a call; then it has happened.</summary>
    internal bool Strikes(string action, string subject)
    {
        if (IsOver || _world.Clock.Elapsed < _from || (_subject is not null && _subject != subject))
            return false;
        if (_actions.Length > 0 ? !_actions.Contains(action) : IsRead(action))
            return false;
        if (_chance < 1 && !_random.Chance(_chance))
            return false;
        _left--;
        _world.Note("fault", subject, $"{Kind} {action}");
        return true;
    }

    /// <summary>Leaves its line in the trace before the first call that it could befall.</summary>
    internal void Announce()
    {
        if (_isAnnounced)
            return;
        _isAnnounced = true;
        _world.Note("plan-calls", "", string.Create(
            CultureInfo.InvariantCulture,
            $"{Kind} {_duration.Save()} on={string.Join(',', _actions)} chance={_chance:R} times={_left} from={_from.Ticks} until={_until.Ticks} of={_subject}"));
    }

    /// <summary>Reads back what <see cref="Announce"/> wrote.</summary>
    internal static CallFault Parse(World world, string text)
    {
        string[] words = text.Split(' ', 8);
        string[] actions = Value(words[2]).Split(',', StringSplitOptions.RemoveEmptyEntries);
        return new CallFault(world, words[0], SimulatedDuration.Load(words[1]))
        {
            _actions = actions,
            _chance = double.Parse(Value(words[3]), CultureInfo.InvariantCulture),
            _left = int.Parse(Value(words[4]), CultureInfo.InvariantCulture),
            _from = new TimeSpan(long.Parse(Value(words[5]), CultureInfo.InvariantCulture)),
            _until = new TimeSpan(long.Parse(Value(words[6]), CultureInfo.InvariantCulture)),
            _subject = Value(words[7]) is { Length: > 0 } subject ? subject : null,
        };

        static string Value(string word) => word[(word.IndexOf('=', StringComparison.Ordinal) + 1)..];
    }

    internal TimeSpan Draw() => _duration.Draw(_random);

    private static bool IsRead(string action) =>
        action is "find" or "watch" or "plan" or "health" or "look-up" or "resume-operation" || action.StartsWith("list", StringComparison.Ordinal) || action.StartsWith("find", StringComparison.Ordinal) || action.StartsWith("check", StringComparison.Ordinal);
}
