using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Snapshots;

/// <summary>The snapshots of a domain as the daemon described them at one moment.</summary>
internal sealed class SnapshotTree
{
    private SnapshotTree(IReadOnlyList<SnapshotDocument> all, string? current) => (All, Current) = (all, current);

    /// <summary>Parents before their children.</summary>
    public IReadOnlyList<SnapshotDocument> All { get; }

    /// <summary>The name of the one that the domain descends from.</summary>
    public string? Current { get; }

    public SnapshotDocument? Find(string name) => All.FirstOrDefault(snapshot => snapshot.Name == name);

    public SnapshotDocument? FindRequest(RequestId id) => All.FirstOrDefault(snapshot => snapshot.Note?.Request == id);

    public Snapshot ViewOf(SnapshotDocument snapshot) => new()
    {
        Name = snapshot.Name, Parent = snapshot.Parent, IsCurrent = snapshot.Name == Current, CreatedAt = snapshot.CreatedAt, IncludesMemory = snapshot.IncludesMemory, ExpiresAt = snapshot.Note?.ExpiresAt, Description = snapshot.Description,
    };

    public static async Task<SnapshotTree> ReadAsync(LibvirtConnection libvirt, VirDomain domain, CancellationToken cancellationToken)
    {
        var listed = (await libvirt.DomainListAllSnapshotsAsync(domain, 1, 0, cancellationToken).ConfigureAwait(false)).Snapshots;
        if (listed.Length == 0)
            return new SnapshotTree([], null);
        var current = CurrentAsync(libvirt, domain, cancellationToken);
        var documents = await Task.WhenAll(listed.Select(snapshot => ReadAsync(libvirt, snapshot, cancellationToken))).ConfigureAwait(false);
        var left = documents.OfType<SnapshotDocument>().OrderBy(snapshot => snapshot.CreatedAt).ThenBy(snapshot => snapshot.Name, StringComparer.Ordinal).ToList();
        var names = left.Select(snapshot => snapshot.Name).ToHashSet(StringComparer.Ordinal);
        var ordered = new List<SnapshotDocument>(left.Count);
        // The clock may have been put back between two snapshots: the tree decides, not the time.
        while (left.FirstOrDefault(snapshot => snapshot.Parent is not { } parent || !names.Contains(parent)) is { } next)
        {
            ordered.Add(next);
            left.Remove(next);
            names.Remove(next.Name);
        }

        return new SnapshotTree(ordered, await current.ConfigureAwait(false));
    }

    /// <summary>Whether a request has made a snapshot that is still there.</summary>
    public static async Task<bool> HasAsync(LibvirtConnection libvirt, DomainFacts facts, RequestId id, CancellationToken cancellationToken) =>
        (await ReadAsync(libvirt, facts.Domain, cancellationToken).ConfigureAwait(false)).FindRequest(id) is not null;

    private static async Task<SnapshotDocument?> ReadAsync(LibvirtConnection libvirt, VirDomainSnapshot snapshot, CancellationToken cancellationToken)
    {
        try
        {
            return SnapshotDocument.Parse(await libvirt.DomainSnapshotGetXmlDescAsync(snapshot, 0, cancellationToken).ConfigureAwait(false));
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoDomainSnapshot)
        {
            // It went between the list and the look at it.
            return null;
        }
    }

    private static async Task<string?> CurrentAsync(LibvirtConnection libvirt, VirDomain domain, CancellationToken cancellationToken)
    {
        try
        {
            return (await libvirt.DomainSnapshotCurrentAsync(domain, 0, cancellationToken).ConfigureAwait(false)).Name;
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoDomainSnapshot)
        {
            return null;
        }
    }
}
