using System.Xml.Linq;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Networks;

/// <summary>The filters of a daemon (nwfilter.rng, nwfilterbinding.rng).</summary>
internal sealed class LibvirtFilters(LibvirtParts parts) : ILibvirtFilters
{
    /// <summary>libvirt wants an address in a binding; a filter that asks for none does not look at it.</summary>
    private const string NoAddress = "02:00:00:00:00:00";

    public async Task<IReadOnlyList<string>> ListAsync(CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return [.. (await libvirt.ConnectListAllNwfiltersAsync(1, 0, cancellationToken).ConfigureAwait(false)).Filters.Select(filter => filter.Name)];
    }

    public async Task<string> GetDocumentAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return await libvirt.NwfilterGetXmlDescAsync(await libvirt.NwfilterLookupByNameAsync(name, cancellationToken).ConfigureAwait(false), 0, cancellationToken).ConfigureAwait(false);
    }

    public async Task<string> DefineAsync(string document, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(document);
        XElement filter;
        try
        {
            filter = BoundedXml.Read(document, "filter");
        }
        catch (HypervisorException error)
        {
            throw Refusal.Invalid("document", error.Message);
        }

        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return (await libvirt.NwfilterDefineXmlAsync(BoundedXml.Write(filter), cancellationToken).ConfigureAwait(false)).Name;
    }

    public async Task DeleteAsync(string name, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        await libvirt.NwfilterUndefineAsync(await libvirt.NwfilterLookupByNameAsync(name, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    public async Task<IReadOnlyList<LibvirtFilterBinding>> ListBindingsAsync(CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var found = new List<LibvirtFilterBinding>();
        foreach (var binding in (await libvirt.ConnectListAllNwfilterBindingsAsync(1, 0, cancellationToken).ConfigureAwait(false)).Bindings)
        {
            var xml = BoundedXml.Read(await libvirt.NwfilterBindingGetXmlDescAsync(binding, 0, cancellationToken).ConfigureAwait(false), "filterbinding");
            found.Add(new LibvirtFilterBinding
            {
                Device = binding.Portdev,
                Filter = binding.Filtername,
                Owner = xml.Element("owner")?.Element("name")?.Value,
                OwnerId = Guid.TryParse(xml.Element("owner")?.Element("uuid")?.Value, out var owner) ? owner : null,
                Mac = MacAddress.TryParse(xml.Element("mac")?.Attribute("address")?.Value, null, out var mac) ? mac : null,
                Parameters = xml.Elements("filterref").Elements("parameter").Where(parameter => parameter.Attribute("name") is not null).GroupBy(parameter => parameter.Attribute("name")!.Value)
                    .ToDictionary(group => group.Key, group => group.First().Attribute("value")?.Value ?? ""),
            });
        }

        return found;
    }

    public async Task BindAsync(LibvirtFilterBinding binding, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(binding);
        if (binding.Parameters.Any(parameter => !BoundedXml.CanHold(parameter.Key + parameter.Value)) || !BoundedXml.CanHold(binding.Device + binding.Filter + binding.Owner))
            throw Refusal.Invalid("parameters", "a name or value has characters that no document can have.");
        string document = BoundedXml.Write(new XElement(
            "filterbinding",
            new XElement("owner", new XElement("name", binding.Owner ?? "hypervisor-sdk"), new XElement("uuid", binding.OwnerId ?? Guid.NewGuid())),
            new XElement("portdev", new XAttribute("name", binding.Device)),
            new XElement("mac", new XAttribute("address", binding.Mac?.ToString() ?? NoAddress)),
            new XElement(
                "filterref", new XAttribute("filter", binding.Filter),
                binding.Parameters.Select(parameter => new XElement("parameter", new XAttribute("name", parameter.Key), new XAttribute("value", parameter.Value))))));
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        await libvirt.NwfilterBindingCreateXmlAsync(document, 0, cancellationToken).ConfigureAwait(false);
    }

    public async Task UnbindAsync(string device, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(device);
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        await libvirt.NwfilterBindingDeleteAsync(await libvirt.NwfilterBindingLookupByPortDevAsync(device, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }
}
