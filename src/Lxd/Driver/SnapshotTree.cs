using System.Globalization;

namespace Hypervisor.Sdk.Lxd.Driver;

/// <summary>
/// The snapshots of a container as a tree, which the servers do not keep: to them each stands alone. A key of the configuration has the way from the first snapshot to the container's state, as <c>NAME@ID</c> each. A snapshot
/// has the configuration as it was, so its own way is in it, and going back to it brings the way back. What is no longer there is left out of ways: so the children of what was deleted have its parent.
/// </summary>
internal sealed class SnapshotTree
{
    /// <summary>The way, in the configuration of a container and of its snapshots.</summary>
    public const string Way = ContainerRules.OwnPrefix + "snapshots";

    /// <summary>What a snapshot is for, in words; the servers keep none.</summary>
    public const string Note = ContainerRules.OwnPrefix + "snapshot-note";

    private readonly Dictionary<string, Entry> _byKey;
    private readonly Entry? _current;

    private SnapshotTree(IReadOnlyList<Entry> all, string[] way)
    {
        _byKey = all.ToDictionary(entry => entry.Key, StringComparer.Ordinal);
        _current = Last(way);
        All = Ordered(all);
    }

    /// <summary>All of them, parents before their children.</summary>
    public IReadOnlyList<Entry> All { get; }

    public static async Task<SnapshotTree> ReadAsync(LxdClient client, ContainerFacts facts, CancellationToken cancellationToken)
    {
        IList<LxdInstanceSnapshot> all;
        try
        {
            all = (await client.InstanceSnapshotsGetRecursion1Async(facts.Id.ToString(), cancellationToken: cancellationToken).ConfigureAwait(false)).Value;
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            // The container is gone by now, and they with it.
            all = [];
        }

        return new SnapshotTree([.. (all ?? []).Where(own => own.Name is { Length: > 0 }).OrderBy(own => own.CreatedAt).Select(own => new Entry(own))], WayOf(facts.Own.Config));
    }

    public Entry? Find(string name) => All.FirstOrDefault(entry => entry.Name == name);

    public Entry? FindKey(string key) => _byKey.GetValueOrDefault(key);

    /// <summary>The one that a request has made.</summary>
    public Entry? FindRequest(RequestId request) => All.FirstOrDefault(entry => entry.Key.EndsWith($"@{request}", StringComparison.Ordinal));

    /// <summary>The way to one that is made now by a request.</summary>
    public string WayToNew(string name, RequestId request) => string.Join(',', [.. (_current is { } current ? WayTo(current) : []), KeyOf(name, request)]);

    /// <summary>The way to one that there is, without those that are gone.</summary>
    public string WayBackTo(Entry entry) => string.Join(',', WayTo(entry));

    public Snapshot ViewOf(Entry entry) => new()
    {
        Name = entry.Name, Parent = ParentOf(entry)?.Name, IsCurrent = entry == _current, CreatedAt = entry.Own.CreatedAt ?? default, IncludesMemory = entry.Own.Stateful is true,
        Size = entry.Own.Size is > 0 and var bytes ? new ByteSize(bytes) : null, ExpiresAt = entry.Own.ExpiresAt is { Year: > 1 } at ? at : null,
        Description = entry.IsOurs && entry.Own.Config!.TryGetValue(Note, out string? words) && words.Length > 0 ? words : null,
    };

    private static string KeyOf(string name, RequestId request) => $"{name}@{request}";

    private static string[] WayOf(IDictionary<string, string>? config) => config is not null && config.TryGetValue(Way, out string? way) ? way.Split(',', StringSplitOptions.RemoveEmptyEntries) : [];

    private IEnumerable<string> WayTo(Entry entry) => [.. entry.Before.Where(_byKey.ContainsKey), entry.Key];

    private Entry? ParentOf(Entry entry) => Last(entry.Before);

    private Entry? Last(string[] way) => way.Reverse().Select(FindKey).FirstOrDefault(entry => entry is not null);

    private List<Entry> Ordered(IReadOnlyList<Entry> all)
    {
        var (rest, ordered) = (all.ToList(), new List<Entry>());
        while (rest.Count > 0)
        {
            // One that somebody has made up to be its own ancestor waits for nobody.
            var next = rest.Find(entry => ParentOf(entry) is not { } parent || ordered.Contains(parent)) ?? rest[0];
            ordered.Add(next);
            rest.Remove(next);
        }

        return ordered;
    }

    /// <summary>A snapshot. Whose way ends with another name than its own, others have made: it is known by its time then.</summary>
    internal sealed class Entry
    {
        public Entry(LxdInstanceSnapshot own)
        {
            Own = own;
            Name = own.Name![(own.Name!.LastIndexOf('/') + 1)..];
            string[] way = WayOf(own.Config);
            IsOurs = way.Length > 0 && way[^1].StartsWith(Name + "@", StringComparison.Ordinal);
            Key = IsOurs ? way[^1] : string.Create(CultureInfo.InvariantCulture, $"{Uri.EscapeDataString(Name)}@{(own.CreatedAt ?? default).UtcTicks:x}");
            Before = IsOurs ? way[..^1] : way;
        }

        public LxdInstanceSnapshot Own { get; }

        public string Name { get; }

        public bool IsOurs { get; }

        /// <summary>Identifies it for good: of those that were ever made of one name.</summary>
        public string Key { get; }

        /// <summary>The way to it.</summary>
        public string[] Before { get; }
    }
}
