using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Storage;

/// <summary>A volume as the daemon described it at one moment.</summary>
internal sealed class VolumeFacts
{
    private VolumeFacts(VirStorageVol volume) => Native = volume;

    public VirStorageVol Native { get; }

    public required VolumeId Id { get; init; }

    public required string Path { get; init; }

    public required long CapacityBytes { get; init; }

    public long? AllocatedBytes { get; init; }

    public required string Format { get; init; }

    /// <summary>Whether it is a device of the daemon's host.</summary>
    public bool IsBlock { get; init; }

    /// <summary>Whether it is a file of the daemon's host.</summary>
    public bool IsFile { get; init; }

    /// <summary>The path of what it lies upon; null when it stands alone.</summary>
    public string? Backing { get; init; }

    public DateTimeOffset? CreatedAt { get; init; }

    /// <summary>Reads the document of a volume (storagevol.rng: capacity and allocation are in bytes where the daemon writes them).</summary>
    public static VolumeFacts Read(VirStorageVol volume, string document)
    {
        var xml = BoundedXml.Read(document, "volume");
        var target = xml.Element("target");
        string type = xml.Attribute("type")?.Value ?? "file";
        return new VolumeFacts(volume)
        {
            Id = IdOf(volume.Pool, volume.Name),
            Path = target?.Element("path")?.Value ?? volume.Key,
            CapacityBytes = Number(xml.Element("capacity")?.Value) ?? 0,
            AllocatedBytes = Number(xml.Element("allocation")?.Value),
            Format = target?.Element("format")?.Attribute("type")?.Value is { } format && format != "unknown" ? format : "raw",
            IsBlock = type == "block",
            IsFile = type == "file",
            Backing = xml.Element("backingStore")?.Element("path")?.Value,
            CreatedAt = TimeOf(target?.Element("timestamps")?.Element("btime")?.Value),
        };
    }

    public static VolumeId IdOf(string pool, string name) => VolumeId.Parse($"{pool}/{name}");

    /// <summary>The model's volume.</summary>
    /// <param name="clonedFrom">What it lies upon, where that is a volume.</param>
    public Volume View(VolumeId? clonedFrom) => new()
    {
        Id = Id,
        Pool = PoolName.Parse(Native.Pool),
        Name = Native.Name,
        Size = new ByteSize(CapacityBytes),
        Allocated = AllocatedBytes is { } allocated ? new ByteSize(allocated) : null,
        Format = Format,
        ClonedFrom = clonedFrom,
        Revision = Revision,
        CreatedAt = CreatedAt,
    };

    /// <summary>libvirt has none: what is its configuration, as a hash.</summary>
    public Revision Revision
    {
        get
        {
            byte[] all = Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Native.Key}\n{CapacityBytes}\n{Format}\n{Backing}\n{CreatedAt?.UtcTicks}"));
            return Revision.Parse(Convert.ToHexStringLower(SHA256.HashData(all).AsSpan(0, 12)));
        }
    }

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;

    /// <summary>Seconds since 1970, a dot, nanoseconds.</summary>
    private static DateTimeOffset? TimeOf(string? text) => long.TryParse(text?.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out long seconds) && seconds is > 0 and < 253402300800
        ? DateTimeOffset.FromUnixTimeSeconds(seconds) : null;
}
