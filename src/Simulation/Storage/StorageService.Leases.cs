using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Storage;

/// <content>Attaching and detaching.</content>
internal sealed partial class StorageService
{
    private const string Managed = "managed";

    public Task<VolumeLease> AttachAsync(VolumeId id, VolumeConsumer consumer, VolumeAccess access, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(consumer);
        cancellationToken.ThrowIfCancellationRequested();
        return EnterAsync("attach", id, null, World.Options.TraceCalls ? $"{access} {Calls.CallText.Json(World, consumer)}" : null, () =>
        {
            var volume = Require(id);
            if (!consumer.AcceptedKinds.Contains(Managed))
                throw World.Refused(ErrorCode.Unsupported, $"The node '{consumer.Node}' accepts {string.Join(", ", consumer.AcceptedKinds)}; volumes here are reached as '{Managed}'.");
            if (!World.Nodes.ContainsKey(consumer.Node.ToString()))
                throw World.Refused(ErrorCode.NotFound, $"There is no node '{consumer.Node}'.");
            if (volume.Pool.Node is { } node && node != consumer.Node)
                throw World.Refused(ErrorCode.Unsupported, $"The pool '{volume.Pool.Text}' is on the node '{node}'; '{consumer.Node}' does not reach it.");
            if (access == VolumeAccess.MigrationHandover && World.Personality.Answer(Capability.MigrationHandover) is { Support: CapabilitySupport.No } no)
                throw World.Refused(ErrorCode.Unsupported, no.Reason!);
            RefuseExcluded(volume, access);
            var lease = new SimLease(World.NextLeaseId(), volume, consumer.Node, access, consumer.Instance);
            (volume.Leases ??= []).Add(lease);
            World.Leases.Add(lease.Id, lease);
            return Task.FromResult(new VolumeLease { Id = lease.Id, Volume = id, Attachment = new VolumeAttachment.Managed(id) });
        }, cancellationToken);
    }

    public Task DetachAsync(string leaseId, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(leaseId);
        cancellationToken.ThrowIfCancellationRequested();
        return World.Calls.EnterAsync(client, "detach", leaseId, null, () =>
        {
            if (World.Leases.Remove(leaseId, out var lease))
                lease.Volume.Leases!.Remove(lease);
            return Task.FromResult(true);
        });
    }

    /// <summary>One writer, or any number of readers; two writers only while an instance moves from the one to the other.</summary>
    private void RefuseExcluded(SimVolume volume, VolumeAccess access)
    {
        var leases = volume.Leases ?? [];
        int writers = leases.Count(static lease => lease.Access != VolumeAccess.ReadOnlyMany);
        bool isFree = access switch
        {
            VolumeAccess.ReadOnlyMany => writers == 0,
            VolumeAccess.MigrationHandover => writers == leases.Count && writers <= 1,
            _ => leases.Count == 0,
        };
        if (!isFree)
            throw World.Refused(ErrorCode.Locked, $"The volume '{volume.Id}' is attached to {string.Join(", ", leases.Select(static lease => $"'{lease.Node}' ({lease.Access})"))}.");
    }
}
