using System.Runtime.Versioning;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// Tells who watches of what happens to machines, each thing once: what this process does and hears from QEMU, and what it finds that others did. Remembers what was said last, which is the state that the next change is from.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed class MachineNews(EventHub events, StateDirectory state)
{
    private readonly Lock _lock = new();
    private readonly HashSet<string> _coming = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Said> _said = new(StringComparer.Ordinal);

    /// <summary>The machines of which something was said.</summary>
    public IReadOnlyList<string> Ids()
    {
        lock (_lock)
            return [.. _said.Keys];
    }

    /// <summary>Takes what is there when a backend connects for known: nobody watches yet.</summary>
    public void Know(MachineConfig config, PowerState power)
    {
        lock (_lock)
            _said[config.Id] = new Said(config.Revision, SnapshotsOf(config.Id), power);
    }

    /// <summary>A machine was made, which is stopped at first.</summary>
    public void Created(MachineConfig config)
    {
        lock (_lock)
        {
            _coming.Remove(config.Id);
            Appear(config, EventOrigin.Native);
        }
    }

    /// <summary>A machine is on its way here: nothing is said of it until it is created or did not come.</summary>
    public void Expect(string id)
    {
        lock (_lock)
            _coming.Add(id);
    }

    /// <summary>A machine that was expected does not come.</summary>
    public void Unexpect(string id)
    {
        lock (_lock)
            _coming.Remove(id);
    }

    /// <summary>A machine was deleted.</summary>
    public void Deleted(string id)
    {
        lock (_lock)
            Disappear(id, EventOrigin.Native);
    }

    /// <summary>Something about a machine has changed that is not its power state.</summary>
    public void Changed(MachineConfig config)
    {
        lock (_lock)
            Change(config, EventOrigin.Native);
    }

    /// <summary>The power state of a machine; nothing is said when it was said before.</summary>
    public void Power(string id, PowerState to, string? reason)
    {
        lock (_lock)
            Enter(id, to, reason, EventOrigin.Native);
    }

    /// <summary>What was found of a machine after somebody has changed something.</summary>
    /// <param name="id">The machine.</param>
    /// <param name="config">Its configuration; null when it is no longer there.</param>
    /// <param name="power">Its power state; null when that is not certain, or said by who knows it.</param>
    /// <param name="reason">Why it is in that state, when somebody knows.</param>
    public void Found(string id, MachineConfig? config, PowerState? power, string? reason = null)
    {
        lock (_lock)
        {
            bool isKnown = _said.TryGetValue(id, out var said);
            if (config is null)
            {
                if (isKnown)
                    Disappear(id, EventOrigin.Polled);
                return;
            }

            if (!isKnown)
                Appear(config, EventOrigin.Polled);
            else if (said!.Revision != config.Revision || said.Snapshots != SnapshotsOf(id))
                Change(config, EventOrigin.Polled);
            if (power is { } now)
                Enter(id, now, reason, EventOrigin.Polled);
        }
    }

    private void Appear(MachineConfig config, EventOrigin origin)
    {
        _said[config.Id] = new Said(config.Revision, SnapshotsOf(config.Id), PowerState.Stopped);
        events.Publish((at, position) => new InstanceCreated { At = at, Position = position, Origin = origin, Id = InstanceId.Parse(config.Id) });
    }

    private void Disappear(string id, EventOrigin origin)
    {
        _said.Remove(id);
        events.Publish((at, position) => new InstanceDeleted { At = at, Position = position, Origin = origin, Id = InstanceId.Parse(id) });
    }

    private void Change(MachineConfig config, EventOrigin origin)
    {
        _said[config.Id] = new Said(config.Revision, SnapshotsOf(config.Id), _said.GetValueOrDefault(config.Id)?.Power);
        events.Publish((at, position) => new InstanceChanged { At = at, Position = position, Origin = origin, Id = InstanceId.Parse(config.Id), Revision = InstanceView.RevisionOf(config) });
    }

    private void Enter(string id, PowerState to, string? reason, EventOrigin origin)
    {
        var said = _said.GetValueOrDefault(id) ?? new Said(0, default, null);
        if (said.Power == to || _coming.Contains(id))
            return;
        _said[id] = said with { Power = to };
        events.Publish((at, position) => new InstanceStateChanged { At = at, Position = position, Origin = origin, Id = InstanceId.Parse(id), From = said.Power, To = to, Reason = reason });
    }

    /// <summary>Which file the snapshots are in: every change of them is another one.</summary>
    private (ulong Inode, DateTimeOffset ModifiedAt) SnapshotsOf(string id) => state.Root.Find(StateDirectory.SnapshotsFile(id)) is { } facts ? (facts.Inode, facts.ModifiedAt) : default;

    private sealed record Said(long Revision, (ulong Inode, DateTimeOffset ModifiedAt) Snapshots, PowerState? Power);
}
