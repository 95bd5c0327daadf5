namespace Hypervisor.Sdk.Storage.Directory;

/// <summary>Where the pools of a <see cref="DirectoryStorageBackend"/> are, and how it works on them.</summary>
public sealed class DirectoryStorageOptions
{
    /// <summary>The pools: their names, and the directories that they are. A directory exists when the backend is connected; links in its path are followed. One directory may be used by several backends at once, in several processes too.</summary>
    public IDictionary<string, string> Pools { get; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The directory in which <see cref="IStoragePools"/> makes pools, each a directory of its own; those that are there are pools. Default: none, and pools are neither made nor deleted.</summary>
    public string? NewPoolsDirectory { get; set; }

    /// <summary>The node that the directories are on. Default: the name of this machine.</summary>
    public string Node { get; set; } = Environment.MachineName;

    /// <summary>Whether other nodes reach the same directories at the same paths (NFS, CephFS): then they may attach volumes too. The file system must lock for all of them (flock). Default false.</summary>
    public bool IsShared { get; set; }

    /// <summary>The qemu-img program: a path, or a name that is looked up in PATH. Default: <c>qemu-img</c>.</summary>
    public string QemuImg { get; set; } = "qemu-img";

    /// <summary>Who may use the files of volumes, less the umask. Default: the owner may read and write.</summary>
    public UnixFileMode FileMode { get; set; } = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>How long it is remembered what became of a request. Default: 30 days.</summary>
    public TimeSpan RequestRetention { get; set; } = TimeSpan.FromDays(30);

    internal void Validate()
    {
        if (Pools.Count == 0 && NewPoolsDirectory is null)
            throw new ArgumentException($"No pool is named: fill {nameof(Pools)} or set {nameof(NewPoolsDirectory)}.");
        foreach (var (name, path) in Pools)
        {
            if (!PoolNames.Accepts(name, out string? problem))
                throw new ArgumentException($"A pool cannot be called so. {problem}");
            ArgumentException.ThrowIfNullOrEmpty(path);
        }

        if (NewPoolsDirectory is "")
            throw new ArgumentException($"{nameof(NewPoolsDirectory)} is empty.");
        ArgumentException.ThrowIfNullOrEmpty(QemuImg);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(RequestRetention, TimeSpan.Zero);
        _ = NodeName.Parse(Node);
    }

    /// <summary>What a pool may be called: it becomes a directory and the first part of volume ids.</summary>
    internal static NamingRules PoolNames { get; } = new() { MaxLength = 63, CaseSensitive = true, AllowedCharacters = "A-Za-z0-9._-", AllowedFirstCharacters = "A-Za-z0-9" };

    /// <summary>What a volume may be called: with the extension of its format it becomes a file.</summary>
    internal static NamingRules VolumeNames { get; } = new() { MaxLength = 200, CaseSensitive = true, AllowedCharacters = "A-Za-z0-9._-", AllowedFirstCharacters = "A-Za-z0-9" };
}
