using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Driver;

namespace Hypervisor.Sdk.Lxd.Storage;

/// <content>Leases: of this process. A volume that a running container has is seen as used without one.</content>
internal sealed partial class LxdStorage
{
    private const string Managed = "managed";

    public async Task<VolumeLease> AttachAsync(VolumeId id, VolumeConsumer consumer, VolumeAccess access, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        RefuseDefault(id);
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        if (access == VolumeAccess.MigrationHandover)
            throw Refusal.Unsupported("access", LxdCapabilities.NoHandover);
        var facts = await _volumes.RequireAsync(id, null, cancellationToken).ConfigureAwait(false);
        if (!consumer.AcceptedKinds.Contains(Managed, StringComparer.Ordinal))
            throw new HypervisorException($"The volume '{id}' is reached by the server itself ('{Managed}'), which node '{consumer.Node}' does not accept.", ErrorCode.Unsupported, RequestOutcome.Rejected) { Resource = $"volume {id}" };
        if (!parts.Memory.Leases.IsHeld(facts.Id))
            await _volumes.RefuseWrittenAsync(facts, cancellationToken).ConfigureAwait(false);
        return new VolumeLease { Id = parts.Memory.Leases.Take(facts.Id, access, consumer.Node.ToString(), consumer.Instance), Volume = facts.Id, Attachment = new VolumeAttachment.Managed(facts.Id) };
    }

    public Task DetachAsync(string leaseId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseId);
        cancellationToken.ThrowIfCancellationRequested();
        parts.Memory.Leases.End(leaseId);
        return Task.CompletedTask;
    }
}
