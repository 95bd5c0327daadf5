namespace Hypervisor.Sdk.Libvirt.Storage;

/// <summary>Who has which volume, as far as this process knows: libvirt keeps no leases.</summary>
internal sealed class VolumeLeases
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Lease> _leases = new(StringComparer.Ordinal);

    /// <summary>Takes a volume, or refuses.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="access">How.</param>
    /// <param name="holder">Who, in words: the node, or the work that has it to itself.</param>
    /// <param name="instance">For which instance; the same one gets the lease that it has.</param>
    public Lease Take(VolumeId volume, VolumeAccess access, string holder, InstanceRef? instance = null)
    {
        lock (_lock)
        {
            var others = _leases.Values.Where(lease => lease.Volume == volume).ToList();
            if (instance is not null && others.Find(lease => lease.Instance == instance && lease.Holder == holder && lease.Access == access) is { } same)
                return same;
            if (access == VolumeAccess.MigrationHandover)
            {
                if (others is [])
                    throw new HypervisorException($"The volume '{volume}' is attached nowhere: there is nobody to hand it over.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"volume {volume}" };
                if (others is not [{ Access: not VolumeAccess.ReadOnlyMany }])
                    throw Locked(volume, $"it is not attached to one writer alone but {others.Count} times");
            }
            else if (others.Find(lease => access == VolumeAccess.SingleWriter || lease.Access != VolumeAccess.ReadOnlyMany) is { } other)
            {
                throw Locked(volume, $"'{other.Holder}' has it");
            }

            var lease = new Lease(Guid.NewGuid().ToString("D"), volume, access, holder, instance);
            _leases.Add(lease.Id, lease);
            return lease;
        }
    }

    public bool IsHeld(VolumeId volume)
    {
        lock (_lock)
            return _leases.Values.Any(lease => lease.Volume == volume);
    }

    public void End(string id)
    {
        lock (_lock)
            _leases.Remove(id);
    }

    public static HypervisorException Locked(VolumeId volume, string why) => new($"The volume '{volume}' is in use: {why}.", ErrorCode.Locked, RequestOutcome.Rejected) { Resource = $"volume {volume}" };

    /// <summary>One who has a volume.</summary>
    internal sealed record Lease(string Id, VolumeId Volume, VolumeAccess Access, string Holder, InstanceRef? Instance);
}
