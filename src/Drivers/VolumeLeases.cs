namespace Hypervisor.Sdk.Drivers;

/// <summary>Who has which volume, as far as this process knows: for backends that keep no leases themselves. One writer alone, or any number of readers. Safe to use from several threads.</summary>
public sealed class VolumeLeases
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Lease> _leases = new(StringComparer.Ordinal);

    /// <summary>Takes a volume, or refuses.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="access">How.</param>
    /// <param name="holder">Who, in words: the node, or the work that has it to itself.</param>
    /// <param name="instance">For which instance; the same one gets the lease that it has.</param>
    /// <returns>The lease's id, for <see cref="End"/>.</returns>
    /// <exception cref="HypervisorException">Somebody has it in a way that excludes this (<see cref="ErrorCode.Locked"/>), or there is nobody to hand it over (<see cref="ErrorCode.InvalidState"/>).</exception>
    public string Take(VolumeId volume, VolumeAccess access, string holder, InstanceRef? instance = null)
    {
        lock (_lock)
        {
            var others = _leases.Where(lease => lease.Value.Volume == volume).ToList();
            if (instance is not null && others.Find(lease => lease.Value.Instance == instance && lease.Value.Holder == holder && lease.Value.Access == access) is { Key: { } same })
                return same;
            if (access == VolumeAccess.MigrationHandover)
            {
                if (others is [])
                    throw new HypervisorException($"The volume '{volume}' is attached nowhere: there is nobody to hand it over.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"volume {volume}" };
                if (others is not [{ Value.Access: not VolumeAccess.ReadOnlyMany }])
                    throw Locked(volume, $"it is not attached to one writer alone but {others.Count} times");
            }
            else if (others.Find(lease => access == VolumeAccess.SingleWriter || lease.Value.Access != VolumeAccess.ReadOnlyMany) is { Value: { } other })
            {
                throw Locked(volume, $"'{other.Holder}' has it");
            }

            string id = Guid.NewGuid().ToString("D");
            _leases.Add(id, new Lease(volume, access, holder, instance));
            return id;
        }
    }

    /// <summary>Whether anybody has a volume.</summary>
    public bool IsHeld(VolumeId volume)
    {
        lock (_lock)
            return _leases.Values.Any(lease => lease.Volume == volume);
    }

    /// <summary>Ends a lease. Ending one that has ended does nothing.</summary>
    public void End(string id)
    {
        lock (_lock)
            _leases.Remove(id);
    }

    /// <summary>The refusal of a volume that somebody has.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="why">Who has it: "'n1' has it".</param>
    public static HypervisorException Locked(VolumeId volume, string why) => new($"The volume '{volume}' is in use: {why}.", ErrorCode.Locked, RequestOutcome.Rejected) { Resource = $"volume {volume}" };

    /// <summary>One who has a volume.</summary>
    private sealed record Lease(VolumeId Volume, VolumeAccess Access, string Holder, InstanceRef? Instance);
}
