using System.Globalization;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>A snapshot's XML.</summary>
/// <remarks>https://libvirt.org/formatsnapshot.html.</remarks>
internal sealed class SnapshotDocument
{
    private readonly XElement _root;

    private SnapshotDocument(XElement root) => _root = root;

    public string Name => _root.Element("name")?.Value ?? "";

    public string? Description => _root.Element("description")?.Value is { Length: > 0 } description ? description : null;

    public string? Parent => _root.Element("parent")?.Element("name")?.Value;

    /// <summary>In whole seconds, as libvirt keeps it.</summary>
    public DateTimeOffset CreatedAt => DateTimeOffset.FromUnixTimeSeconds(long.TryParse(_root.Element("creationTime")?.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long seconds) ? seconds : 0);

    /// <summary>Whether the memory is in it. Documents of old say nothing of it: then it is in what ran.</summary>
    public bool IncludesMemory => _root.Element("memory")?.Attribute("snapshot")?.Value is { } kept ? kept != "no" : _root.Element("state")?.Value is "running" or "paused";

    /// <summary>What its disks went on in, by disk; empty for a snapshot within the images.</summary>
    public IReadOnlyList<(string Target, string Path)> ExternalImages =>
    [
        .. (_root.Element("disks")?.Elements("disk") ?? []).Where(disk => disk.Attribute("snapshot")?.Value == "external").Select(disk => (disk.Attribute("name")?.Value ?? "", new DomainDisk(disk).Source ?? "")),
    ];

    /// <summary>Whether something of it lies beside the images.</summary>
    public bool IsExternal => ExternalImages.Count > 0 || _root.Element("memory")?.Attribute("snapshot")?.Value == "external";

    public SnapshotNote? Note => SnapshotNote.Read(Domain) is { } note && note.Name == Name ? note : null;

    /// <summary>The disks of the domain as it was, that it could write to, with what they were on.</summary>
    public IEnumerable<DomainDisk> Disks => (Domain?.Element("devices")?.Elements("disk") ?? []).Select(element => new DomainDisk(element)).Where(disk => disk is { IsCd: false, IsFloppy: false, IsReadOnly: false });

    /// <summary>What the domain's next start would have been then.</summary>
    private XElement? Domain => _root.Element("inactiveDomain") ?? _root.Element("domain");

    public static SnapshotDocument Parse(string xml) => new(BoundedXml.Read(xml, "domainsnapshot"));

    /// <summary>What asks for a snapshot within the images of the disks.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="includesMemory">Whether the memory is kept too.</param>
    /// <param name="disks">All disks of the domain.</param>
    public static XElement Internal(string name, string? description, bool includesMemory, IEnumerable<DomainDisk> disks) => new(
        "domainsnapshot",
        new XElement("name", name),
        description is null ? null : new XElement("description", description),
        new XElement("memory", new XAttribute("snapshot", includesMemory ? "internal" : "no")),
        new XElement("disks", disks.Select(disk => new XElement("disk", new XAttribute("name", disk.Target), new XAttribute("snapshot", disk is { IsCd: false, IsFloppy: false, IsReadOnly: false } ? "internal" : "no")))));

    /// <summary>What asks for an image upon one disk.</summary>
    public static string Upon(string target, string path, IEnumerable<DomainDisk> disks) => BoundedXml.Write(new XElement("domainsnapshot", ImagesUpon(disks, new Dictionary<string, string> { [target] = path })));

    /// <summary>What asks for a snapshot beside the images of the disks.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="description">What it is for.</param>
    /// <param name="disks">All disks of the domain.</param>
    /// <param name="images">The images that they go on in, by disk.</param>
    public static string External(string name, string? description, IEnumerable<DomainDisk> disks, IReadOnlyDictionary<string, string> images) => BoundedXml.Write(new XElement(
        "domainsnapshot",
        new XElement("name", name),
        description is null ? null : new XElement("description", description),
        new XElement("memory", new XAttribute("snapshot", "no")),
        ImagesUpon(disks, images)));

    /// <summary>What tells libvirt of a snapshot that its images have already: of the disks alone, as if the domain had been off.</summary>
    public static string Told(XElement asked, string? parent, DateTimeOffset at, XElement domain) => BoundedXml.Write(new XElement(
        "domainsnapshot",
        asked.Elements(),
        new XElement("state", "shutoff"),
        new XElement("creationTime", at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture)),
        parent is null ? null : new XElement("parent", new XElement("name", parent)),
        domain));

    private static XElement ImagesUpon(IEnumerable<DomainDisk> disks, IReadOnlyDictionary<string, string> images) => new(
        "disks",
        disks.Select(disk => images.TryGetValue(disk.Target, out string? path)
            ? new XElement("disk", new XAttribute("name", disk.Target), new XAttribute("snapshot", "external"), new XAttribute("type", "file"), new XElement("driver", new XAttribute("type", "qcow2")), new XElement("source", new XAttribute("file", path)))
            : new XElement("disk", new XAttribute("name", disk.Target), new XAttribute("snapshot", "no"))));
}
