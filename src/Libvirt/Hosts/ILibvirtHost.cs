namespace Hypervisor.Sdk.Libvirt;

/// <summary>What a daemon's host is made of. Got from a <see cref="LibvirtBackend"/>.</summary>
public interface ILibvirtHost
{
    /// <summary>The models of processors that machines of an architecture can be given.</summary>
    Task<IReadOnlyList<string>> ListCpuModelsAsync(Architecture architecture, CancellationToken cancellationToken = default);

    /// <summary>The cells of memory and processors (NUMA); one where the host has no such parts.</summary>
    Task<IReadOnlyList<LibvirtNumaCell>> ListNumaCellsAsync(CancellationToken cancellationToken = default);

    /// <summary>The devices of the host.</summary>
    /// <param name="capability">Those that can do something, in libvirt's words (<c>pci</c>, <c>net</c>, <c>storage</c>, <c>usb_device</c>, <c>mdev_types</c>); null for all.</param>
    /// <param name="cancellationToken">Gives up.</param>
    IAsyncEnumerable<LibvirtNodeDevice> ListDevicesAsync(string? capability = null, CancellationToken cancellationToken = default);
}
