using System.Globalization;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>What we keep about an instance in its domain's metadata, in a namespace of our own: labels, what disks are, how often it was changed.</summary>
internal sealed class InstanceRecord
{
    public const string Namespace = "urn:hypervisor-sdk:libvirt:instance:1";

    public const string Prefix = "hvsdk";

    /// <summary>What a volume is for that a disk lies upon.</summary>
    public static string LayerOf(string volume) => "layer:" + volume;

    /// <summary>What the volume is for that cloud-init reads.</summary>
    public const string Seed = "cloud-init";

    private static readonly XNamespace s_ns = Namespace;

    public Dictionary<string, string> Labels { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, DiskRecord> Disks { get; } = new(StringComparer.Ordinal);

    /// <summary>Volumes of the instance's own beside its disks, by what they are for.</summary>
    public Dictionary<string, DiskRecord> Files { get; } = new(StringComparer.Ordinal);

    /// <summary>How often we have changed the configuration.</summary>
    public long Changes { get; set; }

    public DateTimeOffset? CreatedAt { get; set; }

    public string? GuestOs { get; set; }

    /// <summary>Reads it; an empty one where there is none.</summary>
    public static InstanceRecord Read(XElement domain)
    {
        var record = new InstanceRecord();
        if (domain.Element("metadata")?.Element(s_ns + "instance") is not { } element)
            return record;
        record.Changes = long.TryParse(element.Attribute("changes")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long changes) ? changes : 0;
        record.CreatedAt = DateTimeOffset.TryParse(element.Attribute("created")?.Value, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var created) ? created : null;
        record.GuestOs = element.Attribute("os")?.Value;
        foreach (var label in element.Elements(s_ns + "label"))
        {
            if (label.Attribute("key")?.Value is { Length: > 0 } key)
                record.Labels[key] = label.Attribute("value")?.Value ?? "";
        }

        foreach (var disk in element.Elements(s_ns + "disk"))
        {
            if (disk.Attribute("target")?.Value is { Length: > 0 } target)
                record.Disks[target] = DiskRecord.Read(disk);
        }

        foreach (var file in element.Elements(s_ns + "file"))
        {
            if (file.Attribute("target")?.Value is { Length: > 0 } purpose)
                record.Files[purpose] = DiskRecord.Read(file);
        }

        return record;
    }

    /// <summary>Writes it in the place of the one before.</summary>
    public void Write(DomainDocument domain)
    {
        var metadata = domain.Child("metadata");
        metadata.Element(s_ns + "instance")?.Remove();
        metadata.Add(new XElement(
            s_ns + "instance",
            new XAttribute(XNamespace.Xmlns + Prefix, Namespace),
            new XAttribute("changes", Changes.ToString(CultureInfo.InvariantCulture)),
            CreatedAt is { } created ? new XAttribute("created", created.ToString("O", CultureInfo.InvariantCulture)) : null,
            GuestOs is null ? null : new XAttribute("os", GuestOs),
            Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => new XElement(s_ns + "label", new XAttribute("key", label.Key), new XAttribute("value", label.Value))),
            Disks.OrderBy(disk => disk.Key, StringComparer.Ordinal).Select(disk => disk.Value.Write(s_ns + "disk", disk.Key)),
            Files.OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => file.Value.Write(s_ns + "file", file.Key))));
    }

    /// <summary>What a domain's XML does not say of a disk.</summary>
    /// <param name="SizeBytes">What the guest sees, where we have made or been told it.</param>
    /// <param name="Pool">The pool of the volume that we made for it; null where we made none.</param>
    /// <param name="Volume">That volume's name.</param>
    /// <param name="IsDeletedWithInstance">Whether the volume goes with the instance.</param>
    internal sealed record DiskRecord(long? SizeBytes, string? Pool, string? Volume, bool IsDeletedWithInstance)
    {
        public static DiskRecord Read(XElement element) => new(
            long.TryParse(element.Attribute("size")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : null,
            element.Attribute("pool")?.Value, element.Attribute("volume")?.Value, element.Attribute("disposal")?.Value == "deleted");

        public XElement Write(XName name, string target) => new(
            name,
            new XAttribute("target", target),
            SizeBytes is { } size ? new XAttribute("size", size.ToString(CultureInfo.InvariantCulture)) : null,
            Pool is null ? null : new XAttribute("pool", Pool),
            Volume is null ? null : new XAttribute("volume", Volume),
            new XAttribute("disposal", IsDeletedWithInstance ? "deleted" : "kept"));
    }
}
