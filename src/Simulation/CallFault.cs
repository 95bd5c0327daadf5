using System.Globalization;
using Hypervisor.Sdk.Simulation.Faults;
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

    internal CallFault(World world, string kind, SimulatedDuration duration)
    {
        _world = world;
        Kind = kind;
        _duration = duration;
        _random = world.Random($"fault/{kind}");
    }

    internal string Kind { get; }

    /// <summary>The how-manieth that was announced, from 1 on; 0 before.</summary>
    internal long Number { get; private set; }

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
    public void End() => _world.Loop.Post(() =>
    {
        if (IsOver)
            return;
        _left = 0;
        // One that no call has met yet is announced as one that happens no more.
        if (Number > 0)
            _world.Note("end-calls", "", Number.ToString(CultureInfo.InvariantCulture));
    });

    internal bool IsOver => _left <= 0 || _world.Clock.Elapsed > _until;

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
        if (Number > 0)
            return;
        Number = _world.Calls.NumberFault();
        _world.Note("plan-calls", "", string.Create(
            CultureInfo.InvariantCulture,
            $"{Kind} {_duration.Save()} on={string.Join(',', _actions)} chance={_chance:R} times={_left} from={_from.Ticks} until={_until.Ticks} of={_subject}"));
    }

    /// <summary>Reads back what <see cref="Announce"/> wrote.</summary>
    /// <exception cref="FormatException">It is not that; the message says which value.</exception>
    internal static CallFault Parse(World world, string text)
    {
        string[] words = text.Split(' ', 8);
        if (words.Length < 8)
            throw new FormatException($"'{text}' does not say all of a fault of calls: its kind, how long it takes, on=, chance=, times=, from=, until=, of=");
        if (!FaultKind.OfCalls.Contains(words[0]))
            throw new FormatException($"'{words[0]}' is no fault of calls");
        string[] actions = Value(2, "on").Split(',', StringSplitOptions.RemoveEmptyEntries);
        return new CallFault(world, words[0], SimulatedDuration.Load(words[1]))
        {
            _actions = actions,
            _chance = FaultText.Chance(Value(3, "chance")),
            _left = int.TryParse(Value(4, "times"), NumberStyles.None, CultureInfo.InvariantCulture, out int times) ? times : throw new FormatException($"'{words[4]}' is no number of times"),
            _from = FaultText.Ticks(Value(5, "from")),
            _until = FaultText.Ticks(Value(6, "until")),
            _subject = Value(7, "of") is { Length: > 0 } subject ? subject : null,
        };

        string Value(int index, string name) => words[index].StartsWith($"{name}=", StringComparison.Ordinal) ? words[index][(name.Length + 1)..] : throw new FormatException($"'{words[index]}' is not the setting '{name}='");
    }

    internal TimeSpan Draw() => _duration.Draw(_random);

    private static bool IsRead(string action) =>
        action is "find" or "watch" or "plan" or "health" or "look-up" or "resume-operation" || action.StartsWith("list", StringComparison.Ordinal) || action.StartsWith("find", StringComparison.Ordinal) || action.StartsWith("check", StringComparison.Ordinal);
}
