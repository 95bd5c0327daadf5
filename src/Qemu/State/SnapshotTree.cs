namespace Hypervisor.Sdk.Qemu.State;

/// <summary>The snapshots of a machine, in <c>snapshots.json</c>. Immutable: a change writes another one.</summary>
internal sealed record SnapshotTree
{
    /// <summary>The form of the file. A file of a later form is refused, not guessed at.</summary>
    public const int CurrentVersion = 1;

    /// <summary>What a machine without the file has.</summary>
    public static SnapshotTree Empty { get; } = new();

    public int Version { get; init; } = CurrentVersion;

    /// <summary>The tag of the snapshot that the machine's state descends from; null when there is none.</summary>
    public string? Current { get; init; }

    /// <summary>The snapshots in the order in which they were made: parents before their children.</summary>
    public IReadOnlyList<SnapshotRecord> Items { get; init; } = [];

    public SnapshotRecord? Find(SnapshotName name) => Items.FirstOrDefault(item => item.Name == name.ToString());

    public SnapshotRecord? FindTag(string tag) => Items.FirstOrDefault(item => item.Tag == tag);

    /// <summary>The snapshots that need a file of the machine's own.</summary>
    public IEnumerable<SnapshotRecord> Holding(string file) => Items.Where(item => item.Config.Disks.Any(disk => disk.File == file && !disk.ReadOnly));

    public SnapshotTree With(SnapshotRecord added) => this with { Current = added.Tag, Items = [.. Items, added] };

    /// <summary>Without a snapshot: its children become children of its parent, and so does the machine's state.</summary>
    public SnapshotTree Without(SnapshotRecord removed) => this with
    {
        Current = Current == removed.Tag ? removed.Parent : Current,
        Items = [.. Items.Where(item => item.Tag != removed.Tag).Select(item => item.Parent == removed.Tag ? item with { Parent = removed.Parent } : item)],
    };
}
