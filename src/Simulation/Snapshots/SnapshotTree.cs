using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Snapshots;

/// <summary>The snapshots of an instance, parents before their children.</summary>
internal sealed class SnapshotTree
{
    private readonly List<SnapshotRecord> _items = [];

    public IReadOnlyList<SnapshotRecord> Items => _items;

    /// <summary>The one that the instance's state descends from.</summary>
    public string? Current { get; set; }

    public SnapshotRecord? Find(string name) => _items.Find(record => string.Equals(record.Name, name, StringComparison.Ordinal));

    public void Add(SnapshotRecord record)
    {
        _items.Add(record);
        Current = record.Name;
    }

    /// <summary>Its children become children of its parent.</summary>
    public void Remove(SnapshotRecord record)
    {
        _items.Remove(record);
        foreach (var child in _items.Where(child => child.Parent == record.Name))
            child.Parent = record.Parent;
        if (Current == record.Name)
            Current = record.Parent;
    }

    /// <summary>The names of the snapshots that need a disk.</summary>
    public IReadOnlyList<string> Holding(DiskConfig disk) => [.. _items.Where(record => record.Config.Disks.Any(kept => kept.Volume is not null && kept.Volume == disk.Volume)).Select(static record => record.Name)];
}
