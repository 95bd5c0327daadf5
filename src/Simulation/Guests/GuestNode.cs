using System.Collections.Immutable;

namespace Hypervisor.Sdk.Simulation.Guests;

/// <summary>What is at a path in a guest: never changed, only replaced, so that a snapshot of a tree is its root.</summary>
internal sealed record GuestNode
{
    public const UnixFileMode DefaultFileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public const UnixFileMode DefaultDirectoryMode = DefaultFileMode | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    public required GuestNodeKind Kind { get; init; }

    public required UnixFileMode Mode { get; init; }

    public required DateTimeOffset ModifiedAt { get; init; }

    public int UserId { get; init; }

    public int GroupId { get; init; }

    /// <summary>Of a file.</summary>
    public ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>Of a link.</summary>
    public string Target { get; init; } = "";

    /// <summary>Of a directory.</summary>
    public ImmutableSortedDictionary<string, GuestNode> Entries { get; init; } = EmptyEntries;

    public static ImmutableSortedDictionary<string, GuestNode> EmptyEntries { get; } = ImmutableSortedDictionary.Create<string, GuestNode>(StringComparer.Ordinal);

    public bool IsDirectory => Kind == GuestNodeKind.Directory;

    public long Size => Kind switch
    {
        GuestNodeKind.File => Content.Length,
        GuestNodeKind.Link => Target.Length,
        _ => 4096,
    };

    public static GuestNode Directory(DateTimeOffset at, UnixFileMode mode = DefaultDirectoryMode) => new() { Kind = GuestNodeKind.Directory, Mode = mode, ModifiedAt = at };

    public static GuestNode File(ReadOnlyMemory<byte> content, DateTimeOffset at, UnixFileMode mode = DefaultFileMode) => new() { Kind = GuestNodeKind.File, Mode = mode, ModifiedAt = at, Content = content };

    public static GuestNode Link(string target, DateTimeOffset at) => new() { Kind = GuestNodeKind.Link, Mode = (UnixFileMode)0x1FF, ModifiedAt = at, Target = target };
}

/// <summary>What a node is.</summary>
internal enum GuestNodeKind
{
    File,
    Directory,
    Link,
}
