using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt;

/// <content>Calls whose results are looked at where they lie.</content>
public sealed partial class LibvirtConnection
{
    /// <summary>virConnectListAllDomains for a visitor: a warm call allocates nothing, however many domains there are.</summary>
    /// <param name="visitor">Is shown each domain.</param>
    /// <param name="flags">Those of <see cref="VirConnectListAllDomainsFlags"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>How many there are.</returns>
    /// <exception cref="HypervisorException">What a call throws; or the visitor has thrown, which is the inner exception.</exception>
    public ValueTask<int> ConnectListAllDomainsAsync(LibvirtDomainVisitor visitor, uint flags = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(visitor);
        return CallAsync(RemoteProcedures.ConnectListAllDomains, new ConnectListAllDomainsArgs { NeedResults = 1, Flags = flags }, visitor.ReadDomains, cancellationToken);
    }

    /// <summary>virConnectGetAllDomainStats for a visitor: a warm call allocates nothing, however many domains and statistics there are.</summary>
    /// <param name="visitor">Is shown each domain, and after it each of its statistics.</param>
    /// <param name="stats">Which statistics, of <see cref="VirDomainStatsTypes"/>; 0 for all.</param>
    /// <param name="flags">Those of <see cref="VirConnectGetAllDomainStatsFlags"/>.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>How many domains there are.</returns>
    /// <exception cref="HypervisorException">What a call throws; or the visitor has thrown, which is the inner exception.</exception>
    public ValueTask<int> ConnectGetAllDomainStatsAsync(LibvirtDomainVisitor visitor, uint stats = 0, uint flags = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(visitor);
        return CallAsync(RemoteProcedures.ConnectGetAllDomainStats, new ConnectGetAllDomainStatsArgs { Doms = [], Stats = stats, Flags = flags }, visitor.ReadStatistics, cancellationToken);
    }
}
