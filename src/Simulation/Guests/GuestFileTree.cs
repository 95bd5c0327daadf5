using System.Collections.Immutable;
using System.Text;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>The files of one guest. Guests that have changed nothing share one tree; a snapshot keeps a root, and going back to it puts the root back.</summary>
internal sealed class GuestFileTree(GuestNode root, long capacityBytes, Func<DateTimeOffset> now)
{
    private const int MaxLinks = 40;
    private const int MaxName = 255;
    private const int MaxPath = 4096;

    private long? _usedBytes;

    /// <summary>All of it, at this moment.</summary>
    public GuestNode Root { get; private set; } = root;

    public long CapacityBytes { get; } = capacityBytes;

    public long UsedBytes => _usedBytes ??= Measure(Root);

    /// <summary>Goes back to what was kept.</summary>
    public void Restore(GuestNode kept)
    {
        Root = kept;
        _usedBytes = null;
    }

    /// <summary>The node at a path; null when there is none.</summary>
    /// <param name="path">Absolute.</param>
    /// <param name="follow">Whether a link at its end is followed.</param>
    public GuestNode? Find(string path, bool follow = true)
    {
        try
        {
            return Locate(path, follow).Node;
        }
        catch (GuestFileException error) when (error.Error is GuestFileError.NotFound or GuestFileError.NotDirectory)
        {
            return null;
        }
    }

    public GuestNode Get(string path, bool follow = true) => Locate(path, follow).Node ?? throw new GuestFileException(GuestFileError.NotFound, path);

    public ReadOnlyMemory<byte> Read(string path)
    {
        var node = Get(path);
        return node.IsDirectory ? throw new GuestFileException(GuestFileError.IsDirectory, path) : node.Content;
    }

    public ImmutableSortedDictionary<string, GuestNode> List(string path)
    {
        var node = Get(path);
        return node.IsDirectory ? node.Entries : throw new GuestFileException(GuestFileError.NotDirectory, path);
    }

    /// <summary>Writes a file, in place of the one that is there or behind its content.</summary>
    public void Write(string path, ReadOnlyMemory<byte> content, bool append = false, GuestFileAttributes? attributes = null)
    {
        var (parts, node) = Locate(path, follow: true);
        if (node is { IsDirectory: true })
            throw new GuestFileException(GuestFileError.IsDirectory, path);
        var whole = append && node is not null ? Join(node.Content, content) : content.ToArray();
        var file = (node ?? GuestNode.File(default, now())) with { Content = whole, ModifiedAt = now() };
        if (attributes is not null)
            file = file with { Mode = attributes.Mode ?? file.Mode, UserId = attributes.UserId ?? file.UserId, GroupId = attributes.GroupId ?? file.GroupId };
        Put(parts, file, path);
    }

    public void MakeDirectory(string path, bool withParents)
    {
        var (parts, node) = Locate(path, follow: true, allowMissingParents: withParents);
        if (node is not null)
        {
            if (withParents && node.IsDirectory)
                return;
            throw new GuestFileException(GuestFileError.Exists, path);
        }

        for (int length = 1; length <= parts.Count; length++)
        {
            if (At(parts, length) is null)
                Put(parts.Take(length).ToList(), GuestNode.Directory(now()), path);
        }
    }

    public void MakeLink(string path, string target)
    {
        var (parts, node) = Locate(path, follow: false);
        if (node is not null)
            throw new GuestFileException(GuestFileError.Exists, path);
        Put(parts, GuestNode.Link(target, now()), path);
    }

    /// <summary>Puts a node, with all beneath it, at a path; what is there is replaced.</summary>
    public void Put(string path, GuestNode node)
    {
        var (parts, there) = Locate(path, follow: false);
        if (there is { IsDirectory: true, Entries.Count: > 0 })
            throw new GuestFileException(GuestFileError.NotEmpty, path);
        Put(parts, node, path);
    }

    /// <summary>Changes what is said of a node.</summary>
    public void Change(string path, Func<GuestNode, GuestNode> change)
    {
        var (parts, node) = Locate(path, follow: true);
        Put(parts, change(node ?? throw new GuestFileException(GuestFileError.NotFound, path)), path);
    }

    public void Delete(string path, bool recursive)
    {
        var (parts, node) = Locate(path, follow: false);
        if (node is null)
            throw new GuestFileException(GuestFileError.NotFound, path);
        if (parts.Count == 0)
            throw new GuestFileException(GuestFileError.Invalid, path);
        if (!recursive && node is { IsDirectory: true, Entries.Count: > 0 })
            throw new GuestFileException(GuestFileError.NotEmpty, path);
        Root = Replace(Root, parts, 0, null);
        _usedBytes = null;
    }

    /// <summary>A path as the kernel sees it from a directory: absolute, without <c>.</c> and <c>..</c>.</summary>
    public static string Resolve(string directory, string path)
    {
        var parts = new List<string>();
        foreach (string part in (path.StartsWith('/') ? path : $"{directory}/{path}").Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (part == "..")
                parts.RemoveRange(Math.Max(0, parts.Count - 1), Math.Min(1, parts.Count));
            else if (part != ".")
                parts.Add(part);
        }

        return "/" + string.Join('/', parts);
    }

    private static ReadOnlyMemory<byte> Join(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> tail)
    {
        byte[] whole = new byte[head.Length + tail.Length];
        head.CopyTo(whole);
        tail.CopyTo(whole.AsMemory(head.Length));
        return whole;
    }

    private static long Measure(GuestNode node) => node.IsDirectory ? node.Entries.Values.Sum(Measure) : node.Size;

    private static GuestNode Replace(GuestNode directory, List<string> parts, int depth, GuestNode? node)
    {
        if (depth == parts.Count)
            return node!;
        string name = parts[depth];
        if (depth == parts.Count - 1)
            return directory with { Entries = node is null ? directory.Entries.Remove(name) : directory.Entries.SetItem(name, node) };
        return directory with { Entries = directory.Entries.SetItem(name, Replace(directory.Entries[name], parts, depth + 1, node)) };
    }

    private GuestNode? At(List<string> parts, int length)
    {
        var node = Root;
        for (int i = 0; i < length; i++)
        {
            if (!node.Entries.TryGetValue(parts[i], out node!))
                return null;
        }

        return node;
    }

    private void Put(List<string> parts, GuestNode node, string path)
    {
        long before = At(parts, parts.Count) is { } there ? Measure(there) : 0;
        long used = UsedBytes - before + Measure(node);
        if (used > CapacityBytes && used > UsedBytes)
            throw new GuestFileException(GuestFileError.NoSpace, path);
        Root = Replace(Root, parts, 0, node);
        _usedBytes = used;
    }

    /// <summary>The names from the root to what a path leads to, links followed, and the node there, if there is one. Every directory on the way must be there.</summary>
    private (List<string> Parts, GuestNode? Node) Locate(string path, bool follow, bool allowMissingParents = false)
    {
        if (!path.StartsWith('/') || path.Contains('\0', StringComparison.Ordinal))
            throw new GuestFileException(GuestFileError.Invalid, path);
        if (Encoding.UTF8.GetByteCount(path) >= MaxPath)
            throw new GuestFileException(GuestFileError.NameTooLong, path);
        var rest = new LinkedList<string>(path.Split('/', StringSplitOptions.RemoveEmptyEntries));
        var parts = new List<string>();
        GuestNode? node = Root;
        int links = 0;
        while (rest.First is { } first)
        {
            rest.RemoveFirst();
            string name = first.Value;
            if (name == ".")
                continue;
            if (name == "..")
            {
                parts.RemoveRange(Math.Max(0, parts.Count - 1), Math.Min(1, parts.Count));
                node = At(parts, parts.Count);
                continue;
            }

            if (Encoding.UTF8.GetByteCount(name) > MaxName)
                throw new GuestFileException(GuestFileError.NameTooLong, path);
            if (node is null && !allowMissingParents)
                throw new GuestFileException(GuestFileError.NotFound, path);
            if (node is { IsDirectory: false })
                throw new GuestFileException(GuestFileError.NotDirectory, path);
            var next = node?.Entries.GetValueOrDefault(name);
            if (next is { Kind: GuestNodeKind.Link } && (follow || rest.Count > 0))
            {
                if (++links > MaxLinks)
                    throw new GuestFileException(GuestFileError.TooManyLinks, path);
                foreach (string part in next.Target.Split('/', StringSplitOptions.RemoveEmptyEntries).Reverse())
                    rest.AddFirst(part);
                if (next.Target.StartsWith('/'))
                {
                    parts.Clear();
                    node = Root;
                }

                continue;
            }

            parts.Add(name);
            node = next;
        }

        return (parts, node);
    }
}
