using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Backups;

/// <summary>The checkpoints of a domain: from which moment on the daemon knows what was written.</summary>
internal static class Checkpoints
{
    /// <summary>How many of ours are kept; each costs a little at every write of the guest.</summary>
    private const int Kept = 4;

    /// <summary>A longer name is none of a checkpoint: the daemon keeps each in a file of that name.</summary>
    private const int MaxNameLength = 200;

    public static async Task<IReadOnlyList<VirDomainCheckpoint>> ListAsync(LibvirtConnection libvirt, VirDomain domain, CancellationToken cancellationToken) =>
        (await libvirt.DomainListAllCheckpointsAsync(domain, 1, (uint)VirDomainCheckpointListFlags.Topological, cancellationToken).ConfigureAwait(false)).Checkpoints;

    /// <summary>The disks that a checkpoint knows.</summary>
    /// <exception cref="HypervisorException">There is none of that name (<see cref="ErrorCode.NotFound"/>), or a disk cannot have any.</exception>
    public static async Task<IReadOnlySet<string>> RequireAsync(DomainChange change, string name, CancellationToken cancellationToken)
    {
        if (await FindDiskWithoutAsync(change, cancellationToken).ConfigureAwait(false) is { } raw)
            throw Unknown(change.Before, name, $"the disk '{raw.Target}' is on no qcow2 image of the version 3, and what has changed in it is kept track of nowhere, so that no checkpoints are made");
        try
        {
            // What cannot be a name is not sent: it is none of a checkpoint's.
            if (name.Length is > 0 and <= MaxNameLength && name[0] != '.' && !name.Contains('/', StringComparison.Ordinal) && BoundedXml.CanHold(name))
            {
                var found = await change.Libvirt.DomainCheckpointLookupByNameAsync(change.Domain, name, 0, cancellationToken).ConfigureAwait(false);
                return BackupDocument.DisksOfCheckpoint(await change.Libvirt.DomainCheckpointGetXmlDescAsync(found, (uint)VirDomainCheckpointXMLFlags.NoDomain, cancellationToken).ConfigureAwait(false));
            }
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrNoDomainCheckpoint or VirErrorNumber.ErrInvalidDomainCheckpoint)
        {
            // It is not there.
        }

        throw Unknown(change.Before, name, $"it was never made, or is older than the {Kept} that are kept, or its machine has gone back to a snapshot or has moved since");
    }

    /// <summary>A disk in which what has changed is kept track of nowhere; null where there is none.</summary>
    public static async Task<DomainDisk?> FindDiskWithoutAsync(DomainChange change, CancellationToken cancellationToken)
    {
        foreach (var disk in BackupDocument.DisksOf(change.Before.Live!))
        {
            if (disk.Format != "qcow2" || (disk.Source is { } path && await IsOldAsync(change.Libvirt, path, cancellationToken).ConfigureAwait(false)))
                return disk;
        }

        return null;
    }

    /// <summary>Whether an image is of the version 2 of qcow2, which has no room for it. What is no volume is believed to be of the one that has been the tools' own since QEMU 1.7.</summary>
    private static async Task<bool> IsOldAsync(LibvirtConnection libvirt, string path, CancellationToken cancellationToken)
    {
        try
        {
            var volume = await libvirt.StorageVolLookupByPathAsync(path, cancellationToken).ConfigureAwait(false);
            return BoundedXml.Read(await libvirt.StorageVolGetXmlDescAsync(volume, 0, cancellationToken).ConfigureAwait(false), "volume").Element("target")?.Element("compat")?.Value == "0.10";
        }
        catch (LibvirtException error) when (error.Code == ErrorCode.NotFound)
        {
            return false;
        }
    }

    /// <summary>Deletes one. What cannot be deleted stays: it costs, and does no harm.</summary>
    /// <returns>Whether it is gone.</returns>
    public static async Task<bool> TryDeleteAsync(LibvirtConnection libvirt, VirDomain domain, string name, CancellationToken cancellationToken)
    {
        try
        {
            await libvirt.DomainCheckpointDeleteAsync(new VirDomainCheckpoint { Name = name, Dom = domain }, 0, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrNoDomainCheckpoint or VirErrorNumber.ErrInvalidDomainCheckpoint or VirErrorNumber.ErrNoDomain)
        {
            return true;
        }
        catch (LibvirtException)
        {
            return false;
        }
    }

    /// <summary>Deletes the oldest of ours beyond those that are kept.</summary>
    public static async Task PruneAsync(LibvirtConnection libvirt, VirDomain domain, CancellationToken cancellationToken)
    {
        var ours = (await ListAsync(libvirt, domain, cancellationToken).ConfigureAwait(false)).Select(checkpoint => checkpoint.Name).Where(BackupMark.IsName).OrderDescending(StringComparer.Ordinal);
        foreach (string old in ours.Skip(Kept).Reverse())
            await TryDeleteAsync(libvirt, domain, old, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Forgets those of a domain whose disks are put back: what comes back was not written by the guest.</summary>
    /// <exception cref="HypervisorException">Some are not ours, or what does not run has some: the daemon takes them out of what runs only (<see cref="ErrorCode.InvalidState"/>).</exception>
    public static async Task DropAsync(DomainChange change, CancellationToken cancellationToken)
    {
        var all = await ListAsync(change.Libvirt, change.Domain, cancellationToken).ConfigureAwait(false);
        if (all.Count == 0)
            return;
        var (id, name) = (change.Before.Id, change.Before.View.Name);
        if (all.FirstOrDefault(checkpoint => !BackupMark.IsName(checkpoint.Name)) is { Name: { } foreign })
            throw Refusal.InvalidState(id, $"'{name}' has the checkpoint '{foreign}', which others have made, and which would say what is not so after going back: delete it first.");
        if (!change.Before.IsActive)
            throw Refusal.InvalidState(id, $"'{name}' has checkpoints of backups, which going back ends, and which the daemon takes out of what runs only: start it first.");
        foreach (var checkpoint in all)
            await change.DoAsync(change.Libvirt.DomainCheckpointDeleteAsync(checkpoint, 0, cancellationToken)).ConfigureAwait(false);
    }

    public static HypervisorException Unknown(DomainFacts facts, string checkpoint, string why, LibvirtException? error = null)
    {
        string shown = string.Concat(checkpoint.Take(MaxNameLength).Select(static c => char.IsControl(c) ? '?' : c));
        return new($"'{facts.View.Name}' has no checkpoint '{shown}' to go on from: {why}. Take a full backup.", ErrorCode.NotFound, RequestOutcome.Rejected, error)
        {
            Resource = $"instance {facts.Id}", BackendCode = error?.BackendCode, BackendMessage = error?.BackendMessage,
        };
    }
}
