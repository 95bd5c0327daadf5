using System.Net;

namespace Hypervisor.Sdk.Lxd;

/// <summary>Makes and keeps the networks of a server, with what belongs to them: leases, forwards of addresses, access control lists, DNS zones. Got from an <see cref="LxdBackend"/>; what containers can join is listed by <see cref="INetworks"/>.</summary>
/// <remarks>
/// Each call fails with <see cref="ErrorCode.Unsupported"/>, and nothing is sent, where the server does not have the API extension for it. Peers and load balancers, which the networks of OVN alone have, are calls of
/// <see cref="LxdBackend.Client"/>.
/// </remarks>
public interface ILxdNetworks
{
    /// <summary>One network that the server manages; null when there is none of that name.</summary>
    Task<LxdNetwork?> FindAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Makes a bridge, with its addresses, its DHCP and its DNS.</summary>
    /// <exception cref="HypervisorException">The name is taken (<see cref="ErrorCode.AlreadyExists"/>), or a field is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<LxdNetwork> CreateAsync(LxdNetworkSpec spec, CancellationToken cancellationToken = default);

    /// <summary>Changes a network's configuration while it is used; what is not mentioned stays.</summary>
    /// <remarks>What another has changed since this call looked is kept. Of two that are at it in the very same moment one may be lost: the servers compare first and write then.</remarks>
    /// <param name="name">The network.</param>
    /// <param name="settings">Keys of a network's configuration, as the servers know them, with their new values; null takes a key away.</param>
    /// <param name="description">What it is for, in words. Default: as it is.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or a key or value is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<LxdNetwork> ChangeAsync(string name, IReadOnlyDictionary<string, string?> settings, string? description = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes a network, and its forwards with it.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or instances or profiles have it (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task DeleteAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>The addresses of a network that are handed out or fixed, the host's own among them.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<IReadOnlyList<LxdLease>> ListLeasesAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>The forwards of a network.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<IReadOnlyList<LxdNetworkForward>> ListForwardsAsync(string network, CancellationToken cancellationToken = default);

    /// <summary>Has what comes to an address of the host go to instances in a network.</summary>
    /// <param name="network">The network.</param>
    /// <param name="listen">The address, outside the network.</param>
    /// <param name="ports">Which ports lead where. Empty: none.</param>
    /// <param name="others">Where all other ports lead. Default: nowhere.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">There is no such network (<see cref="ErrorCode.NotFound"/>), the address has a forward already (<see cref="ErrorCode.AlreadyExists"/>), or a port or target is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<LxdNetworkForward> AddForwardAsync(string network, IPAddress listen, IReadOnlyList<LxdForwardedPorts> ports, IPAddress? others = null, CancellationToken cancellationToken = default);

    /// <summary>Ends a forward.</summary>
    /// <exception cref="HypervisorException">There is no such network or forward (<see cref="ErrorCode.NotFound"/>).</exception>
    Task RemoveForwardAsync(string network, IPAddress listen, CancellationToken cancellationToken = default);

    /// <summary>The access control lists.</summary>
    Task<IReadOnlyList<LxdNetworkAcl>> ListAclsAsync(CancellationToken cancellationToken = default);

    /// <summary>Makes an access control list, or replaces the rules of the one of that name: what it guards follows at once.</summary>
    /// <param name="name">The name: a letter, then letters, digits and '-', 63 characters at most.</param>
    /// <param name="ingress">What comes in.</param>
    /// <param name="egress">What goes out.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">A rule or the name is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<LxdNetworkAcl> SetAclAsync(string name, IReadOnlyList<LxdNetworkAclRule> ingress, IReadOnlyList<LxdNetworkAclRule> egress, CancellationToken cancellationToken = default);

    /// <summary>Deletes an access control list.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or it guards something (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task DeleteAclAsync(string name, CancellationToken cancellationToken = default);

    /// <summary>Says which lists guard a network. What no rule of them allows is refused.</summary>
    /// <param name="network">The network.</param>
    /// <param name="acls">The lists; none to guard it no more.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">There is no such network (<see cref="ErrorCode.NotFound"/>) or list.</exception>
    Task GuardAsync(string network, IReadOnlyList<string> acls, CancellationToken cancellationToken = default);

    /// <summary>The DNS zones that the server can hand out to name servers.</summary>
    Task<IReadOnlyList<LxdNetworkZone>> ListZonesAsync(CancellationToken cancellationToken = default);

    /// <summary>Makes a zone.</summary>
    /// <exception cref="HypervisorException">It is there already (<see cref="ErrorCode.AlreadyExists"/>), or the name is no domain (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task<LxdNetworkZone> CreateZoneAsync(string zone, string? description = null, CancellationToken cancellationToken = default);

    /// <summary>Deletes a zone.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or a network has it (<see cref="ErrorCode.InvalidState"/>).</exception>
    Task DeleteZoneAsync(string zone, CancellationToken cancellationToken = default);

    /// <summary>The records of a zone that somebody has written, beside those of its instances.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>).</exception>
    Task<IReadOnlyList<LxdNetworkZoneRecord>> ListRecordsAsync(string zone, CancellationToken cancellationToken = default);

    /// <summary>Writes a record, in the place of the one of that name; no entries take it away.</summary>
    /// <param name="zone">The zone.</param>
    /// <param name="name">The name within it: <c>www</c>.</param>
    /// <param name="entries">What it says.</param>
    /// <param name="cancellationToken">Ends the wait for the answer.</param>
    /// <exception cref="HypervisorException">There is no such zone (<see cref="ErrorCode.NotFound"/>), or an entry is not acceptable (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    Task SetRecordAsync(string zone, string name, IReadOnlyList<LxdNetworkZoneRecordEntry> entries, CancellationToken cancellationToken = default);
}
