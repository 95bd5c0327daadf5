using System.Xml.Linq;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>What a daemon is and what it can run, as it said when it was connected.</summary>
internal sealed class LibvirtHost
{
    private readonly XElement _capabilities;

    private LibvirtHost(XElement capabilities) => _capabilities = capabilities;

    /// <summary>libvirt's name of the driver: QEMU, TEST, LXC.</summary>
    public required string Driver { get; init; }

    public required Version Version { get; init; }

    public required string HostName { get; init; }

    /// <summary>Whether what it runs is containers, and no machines.</summary>
    public bool RunsContainers => Driver == "LXC";

    /// <summary>What was opened: qemu:///system.</summary>
    public required string OpenedUri { get; init; }

    /// <summary>Whether the daemon takes backups of what runs, with checkpoints.</summary>
    public bool HasBackups { get; private init; }

    /// <summary>Whether the daemon says that it goes back to snapshots beside images, as it deletes them.</summary>
    public bool RevertsExternalSnapshots => _capabilities.Elements("guest").Any(guest => guest.Element("features")?.Element("externalSnapshot") is not null);

    /// <summary>The host's processor architecture.</summary>
    public string Architecture => _capabilities.Element("host")?.Element("cpu")?.Element("arch")?.Value ?? "";

    /// <summary>The daemon's own id, where it has one, and what was opened: the same by whatever way it is reached.</summary>
    public string Identity => $"{_capabilities.Element("host")?.Element("uuid")?.Value ?? HostName} {OpenedUri}";

    public static async Task<LibvirtHost> ProbeAsync(LibvirtConnection libvirt, CancellationToken cancellationToken)
    {
        ulong version = await libvirt.ConnectGetLibVersionAsync(cancellationToken).ConfigureAwait(false);
        string driver = await libvirt.ConnectGetTypeAsync(cancellationToken).ConfigureAwait(false);
        return new LibvirtHost(BoundedXml.Read(await libvirt.ConnectGetCapabilitiesAsync(cancellationToken).ConfigureAwait(false), "capabilities"))
        {
            Driver = driver,
            HasBackups = driver == "QEMU" && await HasBackupsAsync(libvirt, cancellationToken).ConfigureAwait(false),
            // LIBVIR_VERSION_NUMBER: a million for each major version, a thousand for each minor one.
            Version = new Version((int)(version / 1_000_000), (int)(version / 1_000 % 1_000), (int)(version % 1_000)),
            HostName = await libvirt.ConnectGetHostnameAsync(cancellationToken).ConfigureAwait(false),
            OpenedUri = await libvirt.ConnectGetUriAsync(cancellationToken).ConfigureAwait(false),
        };
    }

    /// <summary>What the daemon says of its emulator for the host's own architecture.</summary>
    private static async Task<bool> HasBackupsAsync(LibvirtConnection libvirt, CancellationToken cancellationToken)
    {
        try
        {
            var offered = BoundedXml.Read(await libvirt.ConnectGetDomainCapabilitiesAsync(null, null, null, null, 0, cancellationToken).ConfigureAwait(false), "domainCapabilities");
            return offered.Element("features")?.Element("backup")?.Attribute("supported")?.Value == "yes";
        }
        catch (LibvirtException)
        {
            // It has no emulator for it, or does not know the question.
            return false;
        }
    }

    /// <summary>The types of domains of an architecture that the daemon runs: kvm, qemu; empty when it runs none of it.</summary>
    public IReadOnlyList<string> DomainTypes(string architecture) =>
    [
        .. _capabilities.Elements("guest").Where(guest => guest.Element("os_type")?.Value == "hvm").SelectMany(guest => guest.Elements("arch")).Where(arch => arch.Attribute("name")?.Value == architecture)
            .SelectMany(arch => arch.Elements("domain")).Select(domain => domain.Attribute("type")?.Value).OfType<string>().Distinct(),
    ];

    /// <summary>The machines of an architecture that the daemon's emulators have: pc-i440fx-7.2, q35.</summary>
    public IReadOnlySet<string> Machines(string architecture) =>
        _capabilities.Elements("guest").SelectMany(guest => guest.Elements("arch")).Where(arch => arch.Attribute("name")?.Value == architecture).SelectMany(arch => arch.Descendants("machine")).Select(machine => machine.Value).ToHashSet(StringComparer.Ordinal);
}
