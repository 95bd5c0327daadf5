namespace Hypervisor.Sdk.Libvirt;

/// <summary>Makes and keeps the virtual networks of a daemon, with their DHCP. Got from a <see cref="LibvirtBackend"/>; what instances can join is listed by <see cref="INetworks"/>.</summary>
public interface ILibvirtNetworks
{
    /// <summary>All networks, those that are not up included.</summary>
    IAsyncEnumerable<LibvirtNetwork> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>One network; null when there is none of that name.</summary>
    Task<LibvirtNetwork?> FindAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Makes a network that the daemon keeps, and brings it up.</summary>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>), a field is not acceptable (<see cref="ErrorCode.InvalidArgument"/>), or it cannot be brought up: nothing is left of it then.</exception>
    Task<LibvirtNetwork> CreateAsync(LibvirtNetworkSpec spec, CancellationToken cancellationToken = default);

    /// <summary>Brings a network up. One that is up is left alone.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task StartAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Takes a network down: devices in it lose it until it is up again. One that is down is left alone.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task StopAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Takes a network down and forgets it.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task DeleteAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>The addresses that the network's DHCP server has handed out.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<IReadOnlyList<LibvirtLease>> ListLeasesAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Gives a hardware address an IP address of its own, at once and for good.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), it has no DHCP server, or one of both addresses has another already.</exception>
    Task AddHostAsync(string name, LibvirtStaticHost host, CancellationToken cancellationToken = default);

    /// <summary>Takes that back.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or the address is not among its hosts.</exception>
    Task RemoveHostAsync(string name, MacAddress mac, CancellationToken cancellationToken = default);
}
