using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Numbers the durable effects, and at one of them is the end of the process: from there on nothing has an effect any more.</summary>
internal sealed class CrashSeam : IDurableSeam
{
    private readonly Lock _lock = new();
    private readonly List<string> _effects = [];
    private int _crashAt = int.MaxValue;
    private int _counted;
    private string? _countFrom;
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

    /// <summary>Begins to count.</summary>
    /// <param name="crashAt">The effect before which the process ends, from 1; a number beyond the last one: never.</param>
    /// <param name="from">The effect that is the first, by a part of its words; null for whichever comes first.</param>
    public void Arm(int crashAt, string? from = null)
    {
        lock (_lock)
        {
            _effects.Clear();
            _counted = 0;
            _crashAt = crashAt;
            _countFrom = from;
        }
    }

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
            if (_counted > 0 || _countFrom is null || effect.Contains(_countFrom, StringComparison.Ordinal))
                _counted++;
            if (_notBefore is not null)
                return;
            if (_counted < _crashAt && (_crashBefore is null || !effect.Contains(_crashBefore, StringComparison.Ordinal)))
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
