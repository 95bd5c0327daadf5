using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Driver;
using Hypervisor.Sdk.Transport.Http;

namespace Hypervisor.Sdk.Lxd.Storage;

/// <content>Backups and snapshots.</content>
internal sealed partial class LxdStorage
{
    /// <summary>The server deletes a backup by itself that this process could not.</summary>
    private static readonly TimeSpan s_longestBackup = TimeSpan.FromDays(1);

    public async Task<Stream> ExportAsync(VolumeId id, bool withSnapshots = true, CancellationToken cancellationToken = default)
    {
        var facts = await RequireAsync(id, cancellationToken).ConfigureAwait(false);
        var (pool, client) = (facts.Pool.ToString(), parts.Client);
        string backup = $"hvsdk-{Guid.NewGuid():N}";
        string lease = parts.Memory.Leases.Take(id, VolumeAccess.ReadOnlyMany, "a backup");
        try
        {
            var begun = await client.StoragePoolVolumesTypeBackupsPostAsync(
                pool, LxdVolumes.Custom, facts.Name, new LxdStorageVolumeBackupsPost { Name = backup, VolumeOnly = !withSnapshots, ExpiresAt = TimeProvider.System.GetUtcNow() + s_longestBackup }, cancellationToken: cancellationToken).ConfigureAwait(false);
            try
            {
                await client.EndAsync(begun, $"Making a backup of '{id}'", cancellationToken).ConfigureAwait(false);
                var response = await client.StoragePoolVolumesTypeBackupExportGetAsync(pool, LxdVolumes.Custom, facts.Name, backup, cancellationToken: cancellationToken).ConfigureAwait(false);
                return new BackupStream(new ResponseStream(response), EndAsync);
            }
            catch
            {
                await DeleteAsync().ConfigureAwait(false);
                throw;
            }
        }
        catch
        {
            parts.Memory.Leases.End(lease);
            throw;
        }

        async Task EndAsync()
        {
            await DeleteAsync().ConfigureAwait(false);
            parts.Memory.Leases.End(lease);
        }

        async Task DeleteAsync()
        {
            try
            {
                await client.EndAsync(await client.StoragePoolVolumesTypeBackupDeleteAsync(pool, LxdVolumes.Custom, facts.Name, backup, cancellationToken: CancellationToken.None).ConfigureAwait(false), "Deleting a backup", CancellationToken.None).ConfigureAwait(false);
            }
            catch (Exception error) when (error is HypervisorException or ObjectDisposedException)
            {
                // It was never made, or the server is gone: it is deleted there when its day is over.
            }
        }
    }

    public async Task<Volume> ImportAsync(PoolName pool, string name, Stream backup, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(backup);
        if (pool.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(pool));
        request = Identified(request);
        var id = IdOf(pool, name);
        var operation = await BeginAsync(
            VolumeKinds.Import, id, request, token => RequireFreeAsync(id, token),
            async token =>
            {
                using var either = CancellationTokenSource.CreateLinkedTokenSource(token, cancellationToken);
                var begun = await parts.Client.StoragePoolVolumesTypePostAsync(pool.ToString(), LxdVolumes.Custom, HttpRequestBody.FromStream(backup), name, cancellationToken: either.Token).ConfigureAwait(false);
                // From here on the server goes on by itself: who gives up now would leave what it makes.
                await parts.Client.EndAsync(begun, $"Importing '{id}'", token).ConfigureAwait(false);
                return await SignAsync(id, request, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
        try
        {
            return await operation.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (HypervisorException error) when (error.Code == ErrorCode.Cancelled && cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(error.Message, error, cancellationToken);
        }
    }

    public async Task<IReadOnlyList<LxdVolumeSnapshot>> ListSnapshotsAsync(VolumeId id, CancellationToken cancellationToken = default)
    {
        var facts = await RequireAsync(id, cancellationToken).ConfigureAwait(false);
        var all = (await parts.Client.StoragePoolVolumesTypeSnapshotsGetRecursion1Async(facts.Pool.ToString(), LxdVolumes.Custom, facts.Name, cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? [];
        return [.. all.Select(ViewOf).OrderBy(snapshot => snapshot.Name, StringComparer.Ordinal)];
    }

    public async Task<LxdVolumeSnapshot> TakeSnapshotAsync(VolumeId id, string name, DateTimeOffset? expiresAt = null, CancellationToken cancellationToken = default)
    {
        RefuseSnapshotName(name);
        var facts = await RequireAsync(id, cancellationToken).ConfigureAwait(false);
        if ((await ListSnapshotsAsync(id, cancellationToken).ConfigureAwait(false)).Any(snapshot => snapshot.Name == name))
            throw new HypervisorException($"The volume '{id}' has a snapshot '{name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"volume {id}" };
        var begun = await parts.Client.StoragePoolVolumesTypeSnapshotsPostAsync(facts.Pool.ToString(), LxdVolumes.Custom, facts.Name, new LxdStorageVolumeSnapshotsPost { Name = name, ExpiresAt = expiresAt }, cancellationToken: cancellationToken).ConfigureAwait(false);
        await parts.Client.EndAsync(begun, $"Taking a snapshot of '{id}'", cancellationToken).ConfigureAwait(false);
        return ViewOf((await parts.Client.StoragePoolVolumesTypeSnapshotGetAsync(facts.Pool.ToString(), LxdVolumes.Custom, facts.Name, name, cancellationToken: cancellationToken).ConfigureAwait(false)).Value);
    }

    public async Task RestoreSnapshotAsync(VolumeId id, string name, CancellationToken cancellationToken = default)
    {
        var facts = await RequireSnapshotAsync(id, name, cancellationToken).ConfigureAwait(false);
        await _volumes.RefuseWrittenAsync(facts, cancellationToken).ConfigureAwait(false);
        string lease = parts.Memory.Leases.Take(id, VolumeAccess.SingleWriter, "work that restores it");
        try
        {
            await parts.Client.StoragePoolVolumeTypePutAsync(facts.Pool.ToString(), LxdVolumes.Custom, facts.Name, new LxdStorageVolumePut { Restore = name }, cancellationToken: cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            parts.Memory.Leases.End(lease);
        }
    }

    public async Task DeleteSnapshotAsync(VolumeId id, string name, CancellationToken cancellationToken = default)
    {
        var facts = await RequireSnapshotAsync(id, name, cancellationToken).ConfigureAwait(false);
        var begun = await parts.Client.StoragePoolVolumesTypeSnapshotDeleteAsync(facts.Pool.ToString(), LxdVolumes.Custom, facts.Name, name, cancellationToken: cancellationToken).ConfigureAwait(false);
        await parts.Client.EndAsync(begun, $"Deleting a snapshot of '{id}'", cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Leaves the request at an imported volume, in the place of those that its source had.</summary>
    private async Task<Volume> SignAsync(VolumeId id, RequestOptions request, CancellationToken cancellationToken)
    {
        while (true)
        {
            var facts = await _volumes.RequireAsync(id, null, cancellationToken).ConfigureAwait(false);
            try
            {
                await PutAsync(
                    facts, VolumeKinds.Import, request,
                    config =>
                    {
                        foreach (string key in config.Keys.Where(key => key.StartsWith(ContainerRules.OwnPrefix, StringComparison.Ordinal)).ToList())
                            config.Remove(key);
                    },
                    cancellationToken).ConfigureAwait(false);
                return await _volumes.ViewAsync(await _volumes.RequireAsync(id, null, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
            }
            catch (LxdException error) when (error.Status == 412)
            {
                // Somebody was faster.
                await Task.Yield();
            }
        }
    }

    private async Task<VolumeFacts> RequireAsync(VolumeId id, CancellationToken cancellationToken)
    {
        RefuseDefault(id);
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        return await _volumes.RequireAsync(id, null, cancellationToken).ConfigureAwait(false);
    }

    private async Task<VolumeFacts> RequireSnapshotAsync(VolumeId id, string name, CancellationToken cancellationToken)
    {
        RefuseSnapshotName(name);
        var facts = await RequireAsync(id, cancellationToken).ConfigureAwait(false);
        return (await ListSnapshotsAsync(id, cancellationToken).ConfigureAwait(false)).Any(snapshot => snapshot.Name == name) ? facts
            : throw new HypervisorException($"The volume '{id}' has no snapshot '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"volume {id}" };
    }

    private static void RefuseSnapshotName(string name)
    {
        if (!StorageRules.IsName(name))
            throw Refusal.Invalid("name", $"a snapshot's name is {StorageRules.Names}.");
    }

    /// <summary>Both servers list a snapshot as <c>VOLUME/SNAPSHOT</c>.</summary>
    private static LxdVolumeSnapshot ViewOf(LxdStorageVolumeSnapshot own) => new()
    {
        Name = own.Name is { } name ? name[(name.IndexOf('/', StringComparison.Ordinal) + 1)..] : "", Description = own.Description is { Length: > 0 } words ? words : null,
        CreatedAt = own.CreatedAt is { Year: > 1970 } at ? at : null, ExpiresAt = own.ExpiresAt is { Year: > 1970 } end ? end : null,
    };
}
