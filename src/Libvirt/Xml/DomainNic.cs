using System.Xml.Linq;

namespace Hypervisor.Sdk.Libvirt.Xml;

/// <summary>A network device of a domain, over its element.</summary>
/// <param name="element">The interface.</param>
/// <param name="index">Which one of the domain's it is, from 0.</param>
internal sealed class DomainNic(XElement element, int index)
{
    public XElement Element => element;

    public MacAddress? Mac => MacAddress.TryParse(element.Element("mac")?.Attribute("address")?.Value, null, out var mac) ? mac : null;

    /// <summary>The network, the bridge or the host's device that it is in; for any other kind the kind: user, ethernet.</summary>
    public string? Network => element.Element("source") is { } source
        ? source.Attribute("network")?.Value ?? (source.Attribute("bridge")?.Value is { } bridge ? Driver.DomainMaker.BridgePrefix + bridge : null) ?? source.Attribute("dev")?.Value ?? element.Attribute("type")?.Value : element.Attribute("type")?.Value;

    /// <summary>By its address, which stays when others come and go.</summary>
    public DeviceId Id => DeviceId.Parse(Mac is { } mac ? "nic-" + mac.ToString().Replace(":", "", StringComparison.Ordinal) : FormattableString.Invariant($"nic-{index}"));
}
