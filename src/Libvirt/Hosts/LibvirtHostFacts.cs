using System.Globalization;
using System.Runtime.CompilerServices;
using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Hosts;

/// <summary>A daemon's host (capability.rng, nodedev.rng).</summary>
internal sealed class LibvirtHostFacts(LibvirtParts parts) : ILibvirtHost
{
    private const long KiB = 1024;

    public async Task<IReadOnlyList<string>> ListCpuModelsAsync(Architecture architecture, CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        return (await libvirt.ConnectGetCpuModelNamesAsync(architecture.ToString(), 1, 0, cancellationToken).ConfigureAwait(false)).Models;
    }

    public async Task<IReadOnlyList<LibvirtNumaCell>> ListNumaCellsAsync(CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var cells = BoundedXml.Read(await libvirt.ConnectGetCapabilitiesAsync(cancellationToken).ConfigureAwait(false), "capabilities").Element("host")?.Element("topology")?.Element("cells")?.Elements("cell").ToList() ?? [];
        var found = new List<LibvirtNumaCell>();
        foreach (var cell in cells)
        {
            if (Number(cell.Attribute("id")?.Value) is not { } id)
                continue;
            ulong[] free = await libvirt.NodeGetCellsFreeMemoryAsync((int)id, 1, cancellationToken).ConfigureAwait(false);
            found.Add(new LibvirtNumaCell
            {
                Id = (int)id,
                Memory = Number(cell.Element("memory")?.Value) is { } memory ? new ByteSize(memory * KiB) : null,
                FreeMemory = free is [var bytes, ..] ? new ByteSize((long)bytes) : null,
                Cpus = [.. cell.Elements("cpus").Elements("cpu").Select(cpu => (int?)Number(cpu.Attribute("id")?.Value)).OfType<int>()],
            });
        }

        return found;
    }

    public async IAsyncEnumerable<LibvirtNodeDevice> ListDevicesAsync(string? capability = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        int count = await libvirt.NodeNumOfDevicesAsync(capability, 0, cancellationToken).ConfigureAwait(false);
        if (count == 0)
            yield break;
        foreach (string name in await libvirt.NodeListDevicesAsync(capability, count, 0, cancellationToken).ConfigureAwait(false))
        {
            if (await ReadAsync(libvirt, name, cancellationToken).ConfigureAwait(false) is { } device)
                yield return device;
        }
    }

    private static async Task<LibvirtNodeDevice?> ReadAsync(LibvirtConnection libvirt, string name, CancellationToken cancellationToken)
    {
        XElement xml;
        try
        {
            xml = BoundedXml.Read(await libvirt.NodeDeviceGetXmlDescAsync(name, 0, cancellationToken).ConfigureAwait(false), "device");
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoNodeDevice)
        {
            // It was pulled between the list and the look at it.
            return null;
        }

        return new LibvirtNodeDevice
        {
            Name = name,
            Parent = xml.Element("parent")?.Value,
            Capability = xml.Element("capability")?.Attribute("type")?.Value ?? "",
            Driver = xml.Element("driver")?.Element("name")?.Value,
            Path = xml.Element("path")?.Value,
            Product = xml.Element("capability")?.Element("product")?.Value is { Length: > 0 } product ? product : null,
        };
    }

    private static long? Number(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : null;
}
