using System.Globalization;
using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>
/// What libvirt does not keep of a snapshot. It is written into the domain's metadata just before the snapshot is taken, and so stands in the copy of the domain that the snapshot holds: the two are there together or not at all.
/// </summary>
/// <param name="Name">The snapshot's name; a note of another one was left by an earlier snapshot.</param>
/// <param name="Request">The request that made it.</param>
/// <param name="ExpiresAt">When it may be deleted.</param>
/// <param name="IsQuiesced">Whether the guest's file systems were at rest.</param>
internal sealed record SnapshotNote(string Name, RequestId? Request, DateTimeOffset? ExpiresAt, bool IsQuiesced)
{
    public const string Namespace = "urn:hypervisor-sdk:libvirt:snapshot:1";

    private const string Prefix = "hvsdks";

    private static readonly XNamespace s_ns = Namespace;

    /// <summary>The last note in a domain; null when there is none.</summary>
    public static SnapshotNote? Read(XElement? domain) => domain?.Element("metadata")?.Element(s_ns + "snapshot") is not { } element || element.Attribute("name")?.Value is not { } name ? null : new SnapshotNote(
        name,
        RequestId.TryParse(element.Attribute("request")?.Value, null, out var request) ? request : null,
        DateTimeOffset.TryParse(element.Attribute("expires")?.Value, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var expires) ? expires : null,
        element.Attribute("quiesced")?.Value == "yes");

    public static void Remove(XElement domain)
    {
        var metadata = domain.Element("metadata");
        metadata?.Element(s_ns + "snapshot")?.Remove();
        if (metadata is { HasElements: false })
            metadata.Remove();
    }

    /// <summary>Puts it into a domain's metadata, in the place of the one before.</summary>
    public ValueTask WriteAsync(LibvirtConnection libvirt, VirDomain domain, VirDomainModificationImpact impact, CancellationToken cancellationToken) =>
        libvirt.DomainSetMetadataAsync(domain, (int)VirDomainMetadataType.Element, BoundedXml.Write(BoundedXml.Bare(ToElement())), Prefix, Namespace, (uint)impact, cancellationToken);

    private XElement ToElement() => new(
        s_ns + "snapshot",
        new XAttribute("name", Name),
        Request is { } request ? new XAttribute("request", request.ToString()) : null,
        ExpiresAt is { } expires ? new XAttribute("expires", expires.ToString("O", CultureInfo.InvariantCulture)) : null,
        IsQuiesced ? new XAttribute("quiesced", "yes") : null);
}
