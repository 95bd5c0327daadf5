using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Driver;

namespace Hypervisor.Sdk.Lxd.Storage;

/// <summary>Finds custom volumes, and who has them. Those that the servers keep for instances and images are none of them.</summary>
internal sealed class LxdVolumes(LxdClient client, ContainerLook containers)
{
    public const string Custom = "custom";

    /// <summary>A tree of files.</summary>
    public const string Files = "filesystem";

    /// <summary>A disk for virtual machines.</summary>
    public const string Block = "block";

    private const string Working = "storage volume";

    /// <summary>The volume that an id addresses; null when there is none.</summary>
    public async Task<VolumeFacts?> FindAsync(VolumeId id, CancellationToken cancellationToken)
    {
        if (!TrySplit(id, out var pool, out string name))
            return null;
        try
        {
            var answer = await client.StoragePoolVolumeTypeGetAsync(pool.ToString(), Custom, name, cancellationToken: cancellationToken).ConfigureAwait(false);
            return VolumeFacts.Of(pool, answer.Value, answer.Revision) is { } facts && facts.Id == id ? facts : null;
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            return null;
        }
    }

    /// <summary>The same where it must be there.</summary>
    /// <exception cref="HypervisorException">It is not (<see cref="ErrorCode.NotFound"/>), or not at the revision that is expected (<see cref="ErrorCode.Conflict"/>).</exception>
    public async Task<VolumeFacts> RequireAsync(VolumeId id, RequestOptions? request, CancellationToken cancellationToken)
    {
        var facts = await FindAsync(id, cancellationToken).ConfigureAwait(false)
            ?? throw new HypervisorException($"There is no volume '{id}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"volume {id}" };
        return request?.IfRevision is { } revision && revision != facts.Revision
            ? throw new HypervisorException($"The volume '{id}' is not at revision {revision} any more but at {facts.Revision}.", ErrorCode.Conflict, RequestOutcome.Rejected) { Resource = $"volume {id}" }
            : facts;
    }

    /// <summary>The volumes of a pool, in one request.</summary>
    /// <exception cref="HypervisorException">There is no such pool (<see cref="ErrorCode.NotFound"/>).</exception>
    public async Task<IReadOnlyList<VolumeFacts>> ListAsync(PoolName pool, CancellationToken cancellationToken)
    {
        var all = (await client.StoragePoolVolumesTypeGetRecursion1Async(pool.ToString(), Custom, cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? [];
        // Some servers list snapshots beside the volumes: VOLUME/SNAPSHOT.
        return [.. all.Where(volume => volume.Name?.Contains('/', StringComparison.Ordinal) is false).Select(volume => VolumeFacts.Of(pool, volume, null)).OfType<VolumeFacts>()];
    }

    /// <summary>The model's volumes. What a pool can hold is asked only where that is the size of one.</summary>
    public async Task<IReadOnlyCollection<Volume>> ViewAsync(PoolName pool, IReadOnlyList<VolumeFacts> volumes, CancellationToken cancellationToken)
    {
        var capacity = volumes.Any(volume => volume.Limit is null) ? (await LxdPools.SpaceAsync(client, pool.ToString(), cancellationToken).ConfigureAwait(false)).Total : null;
        return [.. volumes.Select(volume => volume.View(capacity))];
    }

    public async Task<Volume> ViewAsync(VolumeFacts volume, CancellationToken cancellationToken) => (await ViewAsync(volume.Pool, [volume], cancellationToken).ConfigureAwait(false)).Single();

    /// <summary>Refuses a volume that a running container may be writing to.</summary>
    /// <exception cref="HypervisorException">One may (<see cref="ErrorCode.Locked"/>).</exception>
    public async Task RefuseWrittenAsync(VolumeFacts volume, CancellationToken cancellationToken)
    {
        var users = Users(volume).ToHashSet(StringComparer.Ordinal);
        if (users.Count == 0)
            return;
        var known = (await containers.ListAsync(cancellationToken).ConfigureAwait(false)).Where(facts => users.Contains(facts.Id.ToString())).ToList();
        if (known.Find(facts => facts.IsActive && facts.View.Disks.Any(disk => disk.Volume == volume.Id && !disk.ReadOnly)) is { } writer)
            throw VolumeLeases.Locked(volume.Id, $"'{writer.Id}' has it and runs");
        if (users.FirstOrDefault(user => known.TrueForAll(facts => facts.Id.ToString() != user)) is { } other)
            throw VolumeLeases.Locked(volume.Id, $"'{other}' has it, which is no container of this project");
    }

    /// <summary>Refuses a volume that anything has: an instance, or a profile of instances.</summary>
    /// <exception cref="HypervisorException">Something has (<see cref="ErrorCode.Locked"/>).</exception>
    public static void RefuseUsed(VolumeFacts volume)
    {
        if (volume.Own.UsedBy is [{ } path, ..])
            throw VolumeLeases.Locked(volume.Id, $"'{LxdRequestLog.NameOf(path) ?? path}' has it");
    }

    /// <summary>The volume at which a request stands, wherever it is; null when at none.</summary>
    public async Task<VolumeFacts?> FindAsync(RequestId request, CancellationToken cancellationToken)
    {
        string key = LxdRequestLog.KeyOf(request);
        foreach (string pool in (await client.StoragePoolsGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value.Select(pool => pool.Name).OfType<string>())
        {
            if (PoolName.TryParse(pool, null, out var name) && await ListOrNothingAsync(name, cancellationToken).ConfigureAwait(false) is { } volumes && volumes.FirstOrDefault(volume => RequestRecord.Find(volume.Own.Config, key) is not null) is { } found)
                return found;
        }

        return null;
    }

    /// <summary>Whether the server makes a volume just now, a copy perhaps, which is listed before it is whole.</summary>
    public async Task<bool> IsAnyBeingMadeAsync(CancellationToken cancellationToken) =>
        (await client.OperationsGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value.SelectMany(state => state.Value ?? [])
            .Any(operation => operation.StatusCode is >= 100 and < 200 && operation.Description?.Contains(Working, StringComparison.OrdinalIgnoreCase) is true);

    /// <summary>The pool and the name of an id; false for what can be none.</summary>
    public static bool TrySplit(VolumeId id, out PoolName pool, out string name)
    {
        string text = id.ToString();
        int slash = text.IndexOf('/', StringComparison.Ordinal);
        (pool, name) = (default, "");
        if (slash <= 0 || !PoolName.TryParse(text.AsSpan(0, slash), null, out pool))
            return false;
        name = text[(slash + 1)..];
        return name.Length > 0 && name is not ("." or "..") && !name.Contains('/', StringComparison.Ordinal);
    }

    private static IEnumerable<string> Users(VolumeFacts volume) => (volume.Own.UsedBy ?? []).Select(LxdRequestLog.NameOf).OfType<string>();

    private async Task<IReadOnlyList<VolumeFacts>?> ListOrNothingAsync(PoolName pool, CancellationToken cancellationToken)
    {
        try
        {
            return await ListAsync(pool, cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException)
        {
            // A pool that went since it was listed, or that is not up.
            return null;
        }
    }
}
