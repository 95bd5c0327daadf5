using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Numbers the durable effects, and at one of them is the end of the process: from there on nothing has an effect any more.</summary>
internal sealed class CrashSeam : IDurableSeam
{
    private readonly Lock _lock = new();
    private readonly List<string> _effects = [];
    private int _crashAt = int.MaxValue;

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
    public void Arm(int crashAt)
    {
        lock (_lock)
        {
            _effects.Clear();
            _crashAt = crashAt;
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
            if (_effects.Count < _crashAt)
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
        }
    }
}
