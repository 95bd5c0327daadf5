using System.Globalization;
using System.Xml.Linq;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>
/// The last requests about an instance, in its domain's metadata: written before the effect and when it is there, so that whoever asks later, from wherever, finds out. A namespace of its own, so that it is replaced by itself,
/// and so that it is no change of the configuration.
/// </summary>
internal sealed class RequestRecords
{
    public const string Namespace = "urn:hypervisor-sdk:libvirt:requests:1";

    public const string Prefix = "hvsdkr";

    /// <summary>Older ones are dropped: the metadata is written with every change.</summary>
    public const int Kept = 32;

    private static readonly XNamespace s_ns = Namespace;
    private readonly List<RequestRecord> _all = [];

    public IReadOnlyList<RequestRecord> All => _all;

    /// <summary>Whether somebody has stopped the instance since its guest crashed, which libvirt goes on to tell.</summary>
    public bool IsStopped { get; set; }

    public RequestRecord? Find(RequestId id) => _all.FindLast(record => record.Id == id);

    /// <summary>Adds a record, in the place of the one of its id.</summary>
    public void Set(RequestRecord record)
    {
        _all.RemoveAll(known => known.Id == record.Id);
        _all.Add(record);
        if (_all.Count > Kept)
            _all.RemoveRange(0, _all.Count - Kept);
    }

    public static RequestRecords Read(XElement domain)
    {
        var records = new RequestRecords();
        if (domain.Element("metadata")?.Element(s_ns + "requests") is not { } element)
            return records;
        records.IsStopped = element.Attribute("stopped")?.Value == "yes";
        foreach (var child in element.Elements(s_ns + "request"))
        {
            if (RequestId.TryParse(child.Attribute("id")?.Value, null, out var id) && child.Attribute("kind")?.Value is { Length: > 0 } kind)
                records.Set(new RequestRecord(id, kind, child.Attribute("state")?.Value == "done", int.TryParse(child.Attribute("run")?.Value, NumberStyles.None, CultureInfo.InvariantCulture, out int run) ? run : null));
        }

        return records;
    }

    public static void Remove(XElement domain)
    {
        var metadata = domain.Element("metadata");
        metadata?.Element(s_ns + "requests")?.Remove();
        if (metadata is { HasElements: false })
            metadata.Remove();
    }

    public void Write(DomainDocument domain)
    {
        Remove(domain.Root);
        domain.Child("metadata").Add(ToElement());
    }

    public XElement ToElement() => new(
        s_ns + "requests",
        new XAttribute(XNamespace.Xmlns + Prefix, Namespace),
        IsStopped ? new XAttribute("stopped", "yes") : null,
        _all.Select(record => new XElement(
            s_ns + "request",
            new XAttribute("id", record.Id.ToString()),
            new XAttribute("kind", record.Kind),
            new XAttribute("state", record.IsDone ? "done" : "begun"),
            record.Run is { } run ? new XAttribute("run", run.ToString(CultureInfo.InvariantCulture)) : null)));
}

/// <summary>One request about an instance.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Kind">What it asks for.</param>
/// <param name="IsDone">Whether the effect is known to be there.</param>
/// <param name="Run">The daemon's number of the run that it was begun in; another one now is another run.</param>
internal sealed record RequestRecord(RequestId Id, string Kind, bool IsDone, int? Run);
