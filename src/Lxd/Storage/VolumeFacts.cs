using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Lxd.Driver;

namespace Hypervisor.Sdk.Lxd.Storage;

/// <summary>A custom volume as the server described it.</summary>
/// <param name="Id"><c>POOL/NAME</c>.</param>
/// <param name="Pool">The pool that it is in.</param>
/// <param name="Own">What the server said.</param>
/// <param name="Tag">The server's ETag; null where it came with a list.</param>
internal sealed record VolumeFacts(VolumeId Id, PoolName Pool, LxdStorageVolume Own, Revision? Tag)
{
    /// <summary>The key of a volume's limit.</summary>
    public const string Size = "size";

    private static readonly string[] s_notOfTheRevision = ["volatile.", ContainerRules.OwnPrefix];

    public string Name => Own.Name!;

    public IDictionary<string, string> Config => Own.Config ?? new Dictionary<string, string>();

    /// <summary>How large it may become; null where nothing limits it but its pool.</summary>
    public ByteSize? Limit => ContainerRules.BytesOf(Config.TryGetValue(Size, out string? size) ? size : null);

    public string ContentType => Own.ContentType is { Length: > 0 } type ? type : LxdVolumes.Files;

    public static VolumeFacts? Of(PoolName pool, LxdStorageVolume own, Revision? tag) => own is { Type: LxdVolumes.Custom, Name.Length: > 0 } && VolumeId.TryParse($"{pool}/{own.Name}", null, out var id) ? new VolumeFacts(id, pool, own, tag) : null;

    /// <summary>The model's volume.</summary>
    /// <param name="capacity">What its pool can hold: the size of one that nothing else limits.</param>
    public Volume View(ByteSize? capacity) => new()
    {
        Id = Id, Pool = Pool, Name = Name, Size = Limit ?? capacity ?? ByteSize.Zero, Format = ContentType, Revision = Revision, CreatedAt = Own.CreatedAt is { Year: > 1970 } at ? at : null,
    };

    /// <summary>The version of the configuration: what the server notes for itself and what requests leave is none of it.</summary>
    public Revision Revision
    {
        get
        {
            var text = new StringBuilder();
            text.Append(Id).Append('\0').Append(ContentType).Append('\0').Append(Own.Description);
            foreach (var (key, value) in Config.Where(entry => !Array.Exists(s_notOfTheRevision, prefix => entry.Key.StartsWith(prefix, StringComparison.Ordinal))).OrderBy(entry => entry.Key, StringComparer.Ordinal))
                text.Append('\0').Append(key).Append('\0').Append(value);
            return Revision.Parse(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())).AsSpan(0, 12)));
        }
    }
}
