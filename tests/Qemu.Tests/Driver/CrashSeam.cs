using System.Text.RegularExpressions;
using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Numbers the durable effects, and at one of them is the end of the process: from there on nothing has an effect any more.</summary>
internal sealed partial class CrashSeam : IDurableSeam
{
    private readonly Lock _lock = new();
    private readonly List<string> _effects = [];
    private int _crashAt = int.MaxValue;
    private string? _counted;
    private int _met;
    private bool _countsOn;
    private string? _crashBefore;
    private string? _notBefore;

    /// <summary>The effects that were begun since <see cref="Arm"/>, in order.</summary>
    public IReadOnlyList<string> Effects
    {
        get
        {
            lock (_lock)
                return [.. _effects];
        }
    }

    public bool HasCrashed { get; private set; }

    /// <summary>Begins to note, and never ends the process.</summary>
    public void Arm() => Arm(int.MaxValue);

    /// <summary>Begins to count.</summary>
    /// <param name="crashAt">The effect before which the process ends, from 1; a number beyond the last one: never.</param>
    /// <param name="from">The effect that is the first, by a part of its words; null for whichever comes first.</param>
    public void Arm(int crashAt, string? from = null)
    {
        lock (_lock)
        {
            _effects.Clear();
            (_met, _crashAt, _counted, _countsOn) = (0, crashAt, from, true);
        }
    }

    /// <summary>Begins to wait for an effect that is met for the given time: before it the process ends.</summary>
    /// <param name="words">The effect, as <see cref="Plain"/> says it.</param>
    /// <param name="time">Which of those, from 1.</param>
    public void ArmAt(string words, int time)
    {
        lock (_lock)
        {
            _effects.Clear();
            (_met, _crashAt, _counted, _countsOn) = (0, time, words, false);
        }
    }

    /// <summary>An effect without what is called otherwise in each run: ids and numbers.</summary>
    public static string Plain(string effect) => OfOneRun().Replace(effect, "#");

    [GeneratedRegex("vm-[a-z0-9]{13}|[0-9a-f]{32}|[0-9a-f]*[0-9][0-9a-f]*")]
    private static partial Regex OfOneRun();

    /// <summary>Begins to wait for an effect, by a part of its words: before it the process ends.</summary>
    /// <param name="crashBefore">The effect.</param>
    /// <param name="after">One that must be over; null for none.</param>
    public void Arm(string crashBefore, string? after = null)
    {
        lock (_lock)
        {
            _effects.Clear();
            _crashBefore = crashBefore;
            _notBefore = after;
        }
    }

    /// <summary>Ends the process now.</summary>
    public void Crash()
    {
        lock (_lock)
            HasCrashed = true;
    }

    public void Before(string effect)
    {
        lock (_lock)
        {
            if (HasCrashed)
                throw new CrashException(effect);
            _effects.Add(effect);
            if (_countsOn ? _met > 0 || _counted is null || effect.Contains(_counted, StringComparison.Ordinal) : Plain(effect) == _counted)
                _met++;
            if (_notBefore is not null)
                return;
            if (_met < _crashAt && (_crashBefore is null || !effect.Contains(_crashBefore, StringComparison.Ordinal)))
                return;
            HasCrashed = true;
            throw new CrashException(effect);
        }
    }

    public void After(string effect)
    {
        lock (_lock)
        {
            if (HasCrashed)
                throw new CrashException(effect);
            if (_notBefore is not null && effect.Contains(_notBefore, StringComparison.Ordinal))
                _notBefore = null;
        }
    }
}
