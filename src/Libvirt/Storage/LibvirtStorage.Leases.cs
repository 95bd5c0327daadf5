namespace Hypervisor.Sdk.Libvirt.Storage;

/// <content>Leases: of this process. A volume that a running machine has is seen as used without one.</content>
internal sealed partial class LibvirtStorage
{
    public async Task<VolumeLease> AttachAsync(VolumeId id, VolumeConsumer consumer, VolumeAccess access, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        RefuseDefault(id);
        cancellationToken.ThrowIfCancellationRequested();
        var facts = await _volumes.RequireAsync(id, null, cancellationToken).ConfigureAwait(false);
        var attachment = AttachmentOf(facts, consumer);
        if (access != VolumeAccess.ReadOnlyMany)
            await _volumes.RefuseClonedAsync(facts, "written to", cancellationToken).ConfigureAwait(false);
        if (access != VolumeAccess.MigrationHandover && !parts.Server.Leases.IsHeld(facts.Id))
            await _volumes.RefuseUsedAsync(facts, evenByThoseThatAreOff: false, cancellationToken).ConfigureAwait(false);
        string lease = parts.Server.Leases.Take(facts.Id, access, consumer.Node.ToString(), consumer.Instance);
        return new VolumeLease { Id = lease, Volume = facts.Id, Attachment = attachment };
    }

    public Task DetachAsync(string leaseId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseId);
        cancellationToken.ThrowIfCancellationRequested();
        parts.Server.Leases.End(leaseId);
        return Task.CompletedTask;
    }

    /// <summary>The first of the ways that the consumer prefers which leads to the volume: by the daemon itself, or by its path on the daemon's host.</summary>
    private static VolumeAttachment AttachmentOf(VolumeFacts facts, VolumeConsumer consumer)
    {
        foreach (string kind in consumer.AcceptedKinds)
        {
            switch (kind)
            {
                case "managed":
                    return new VolumeAttachment.Managed(facts.Id);
                case "file" when facts.IsFile:
                    return new VolumeAttachment.File(facts.Path, facts.Format);
                case "block" when facts.IsBlock:
                    return new VolumeAttachment.BlockDevice(facts.Path);
            }
        }

        throw new HypervisorException($"The volume '{facts.Id}' is reached by the daemon itself ('managed'){(facts.IsFile ? " or as a 'file'" : facts.IsBlock ? " or as a 'block' device" : "")}, which node '{consumer.Node}' does not accept.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"volume {facts.Id}" };
    }
}
