using Hypervisor.Sdk.DiskImages;

namespace Hypervisor.Sdk.Storage.Directory;

public sealed partial class DirectoryStorageBackend
{
    private const string FileKind = "file";

    /// <inheritdoc />
    /// <remarks>
    /// The lease is on the disk and outlives this process. Attaching again for the same instance, node and access gives the lease that there is. A handover needs one writer, beside whom it writes; once that one has
    /// detached, it is the writer.
    /// </remarks>
    public async Task<VolumeLease> AttachAsync(VolumeId id, VolumeConsumer consumer, VolumeAccess access, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        var (pool, file) = PlaceOf(id);
        if (!consumer.AcceptedKinds.Contains(FileKind))
            throw new HypervisorException($"The volume '{id}' is reached as '{FileKind}', which node '{consumer.Node}' does not accept.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        if (!_options.IsShared && consumer.Node != _node)
            throw new HypervisorException($"The volume '{id}' is on node '{_node}' and cannot be reached from node '{consumer.Node}'.", ErrorCode.Unsupported, RequestOutcome.Rejected);
        using var hold = await pool.EnterAsync(cancellationToken).ConfigureAwait(false);
        await UndoDeadAsync(pool, cancellationToken).ConfigureAwait(false);
        _ = Existing(pool, file, null);
        var leases = pool.Leases.Of(file);
        if (consumer.Instance is { } instance && leases.FirstOrDefault(lease => lease.Instance == instance.ToString() && lease.Node == consumer.Node.ToString() && lease.Access == access) is { } same)
            return ToLease(pool, same);
        CheckAccess(pool, file, leases, access);

        // The whole chain must be beneath the pool before a hypervisor opens it by its names.
        using (ImageChain.Open(pool.Directory, file, VolumeFile.FormatOf(file)))
        using (pool.TryLockVolume(file, exclusive: access != VolumeAccess.ReadOnlyMany) ?? throw Locked($"The volume '{id}' is being copied or changed."))
        {
            var lease = new LeaseRecord
            {
                Id = Guid.CreateVersion7(_timeProvider.GetUtcNow()),
                File = file,
                Node = consumer.Node.ToString(),
                Instance = consumer.Instance?.ToString(),
                Access = access,
                Since = _timeProvider.GetUtcNow(),
            };
            pool.Leases.Add(lease);
            return ToLease(pool, lease);
        }
    }

    /// <inheritdoc />
    /// <exception cref="ArgumentException">The id is not one of this backend's leases.</exception>
    public async Task DetachAsync(string leaseId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseId);
        int slash = leaseId.IndexOf('/');
        if (slash < 1 || !PoolName.TryParse(leaseId.AsSpan(0, slash), null, out var name) || !Guid.TryParseExact(leaseId.AsSpan(slash + 1), "D", out var id))
            throw new ArgumentException("This is not the id of a lease of this backend.", nameof(leaseId));
        if (FindPool(name) is not { HasState: true } pool)
            return;
        using var hold = await pool.EnterAsync(cancellationToken).ConfigureAwait(false);
        pool.Leases.Remove(id);
    }

    private static void CheckAccess(DirectoryPool pool, string file, IReadOnlyList<LeaseRecord> leases, VolumeAccess access)
    {
        var id = VolumeFile.IdOf(pool.Name, file);
        if (access == VolumeAccess.ReadOnlyMany)
        {
            if (leases.FirstOrDefault(lease => lease.Access != VolumeAccess.ReadOnlyMany) is { } writer)
                throw Locked($"The volume '{id}' is attached for writing on node '{writer.Node}'.");
            return;
        }

        if (pool.Dependents(file) is [var first, ..])
            throw new HypervisorException($"The volume '{id}' cannot be written to: '{VolumeFile.IdOf(pool.Name, first)}' is a linked clone of it.", ErrorCode.InvalidState, RequestOutcome.Rejected);
        if (access == VolumeAccess.SingleWriter && leases is [var other, ..])
            throw Locked($"The volume '{id}' is attached on node '{other.Node}'.");
        if (access == VolumeAccess.MigrationHandover && leases is [])
            throw new HypervisorException($"The volume '{id}' is attached nowhere: there is nobody to hand it over.", ErrorCode.InvalidState, RequestOutcome.Rejected);
        if (access == VolumeAccess.MigrationHandover && leases is not [{ Access: not VolumeAccess.ReadOnlyMany }])
            throw Locked($"The volume '{id}' is not attached to one writer alone: it is attached {leases.Count} times.");
    }

    private static VolumeLease ToLease(DirectoryPool pool, LeaseRecord lease) => new()
    {
        Id = $"{pool.Name}/{lease.Id:D}",
        Volume = VolumeFile.IdOf(pool.Name, lease.File),
        Attachment = new VolumeAttachment.File(pool.Directory.PathOf(lease.File), VolumeFile.FormatOf(lease.File)),
    };
}
