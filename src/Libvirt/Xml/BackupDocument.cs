using System.Xml.Linq;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>What asks for a backup and its checkpoint, and what the daemon says of them.</summary>
/// <remarks>https://libvirt.org/formatbackup.html, https://libvirt.org/formatcheckpoint.html.</remarks>
internal static class BackupDocument
{
    /// <summary>The bitmap of an export that says what has changed since the checkpoint.</summary>
    public const string Written = "hvsdk-written";

    /// <summary>The disks of a backup: all that the guest can write to.</summary>
    public static IEnumerable<DomainDisk> DisksOf(DomainDocument domain) => domain.Disks.Where(IsBackedUp);

    /// <summary>What asks for a view that is read by a unix socket.</summary>
    /// <param name="socket">Where the emulator is to listen.</param>
    /// <param name="domain">The domain as it runs.</param>
    /// <param name="since">The checkpoint that is gone on from; null for none.</param>
    /// <param name="changed">The disks that the checkpoint knows: of another one, everything belongs to the backup.</param>
    /// <param name="scratchOf">Where what the guest overwrites of a disk is kept: a file that the daemon makes and deletes.</param>
    public static string Pull(string socket, DomainDocument domain, string? since, IReadOnlySet<string> changed, Func<DomainDisk, string> scratchOf) => BoundedXml.Write(new XElement(
        "domainbackup",
        new XAttribute("mode", "pull"),
        new XElement("server", new XAttribute("transport", "unix"), new XAttribute("socket", socket)),
        new XElement("disks", domain.Disks.Select(disk => IsBackedUp(disk)
            ? new XElement(
                "disk", new XAttribute("name", disk.Target), new XAttribute("exportname", disk.Target),
                since is not null && changed.Contains(disk.Target) ? (XAttribute[])[new XAttribute("backupmode", "incremental"), new XAttribute("incremental", since), new XAttribute("exportbitmap", Written)] : [new XAttribute("backupmode", "full")],
                new XAttribute("backup", "yes"), new XAttribute("type", "file"), new XElement("scratch", new XAttribute("file", scratchOf(disk))))
            : new XElement("disk", new XAttribute("name", disk.Target), new XAttribute("backup", "no"))))));

    /// <summary>What asks for a checkpoint of all disks of a backup.</summary>
    public static string Checkpoint(string name, DomainDocument domain) => BoundedXml.Write(new XElement(
        "domaincheckpoint",
        new XElement("name", name),
        new XElement("disks", domain.Disks.Select(disk => new XElement("disk", new XAttribute("name", disk.Target), new XAttribute("checkpoint", IsBackedUp(disk) ? "bitmap" : "no"))))));

    /// <summary>The disks that a checkpoint knows.</summary>
    public static IReadOnlySet<string> DisksOfCheckpoint(string xml) =>
        (BoundedXml.Read(xml, "domaincheckpoint").Element("disks")?.Elements("disk") ?? []).Where(disk => disk.Attribute("checkpoint")?.Value != "no").Select(disk => disk.Attribute("name")?.Value).OfType<string>().ToHashSet(StringComparer.Ordinal);

    /// <summary>The socket by which a backup is read that is under way; null where it has none.</summary>
    public static string? SocketOf(string xml) => BoundedXml.Read(xml, "domainbackup").Element("server")?.Attribute("socket")?.Value;

    private static bool IsBackedUp(DomainDisk disk) => disk is { IsCd: false, IsFloppy: false, IsReadOnly: false, IsSeed: false };
}
