using Hypervisor.Sdk.Libvirt.Protocol;

namespace Hypervisor.Sdk.Libvirt;

/// <summary>The secrets that a daemon keeps for its disks, pools and targets. Got from a <see cref="LibvirtBackend"/>. What a secret is, is never read back.</summary>
public interface ILibvirtSecrets
{
    /// <summary>All secrets, without what they are.</summary>
    Task<IReadOnlyList<LibvirtSecret>> ListAsync(CancellationToken cancellationToken = default);

    /// <summary>Makes a secret, or replaces what the one for that use is.</summary>
    /// <param name="usage">What it is for.</param>
    /// <param name="usageId">Which one of those: a volume's path, the name of a Ceph user, an iSCSI target. 1 to 255 characters.</param>
    /// <param name="value">What it is.</param>
    /// <param name="isEphemeral">Whether the daemon forgets it when it ends, instead of writing it to its disk. Default false.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The id by which documents refer to it.</returns>
    Task<Guid> SetAsync(VirSecretUsageType usage, string usageId, Secret value, bool isEphemeral = false, CancellationToken cancellationToken = default);

    /// <summary>Deletes a secret.</summary>
    /// <exception cref="HypervisorException">There is none of that id (<see cref="ErrorCode.NotFound"/>).</exception>
    Task DeleteAsync(Guid id, CancellationToken cancellationToken = default);
}
