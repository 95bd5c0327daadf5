using System.Runtime.CompilerServices;
using System.Text;
using Hypervisor.Sdk.Simulation.Calls;
using Hypervisor.Sdk.Simulation.Works;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Storage;

/// <summary>Volumes in pools; see the other part for leases.</summary>
internal sealed partial class StorageService(SimulationClient client) : IStorageBackend, IVolumeFlattening
{
    private World World => client.World;

    public async IAsyncEnumerable<StoragePool> ListPoolsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var pools = await World.Calls.EnterAsync(client, "list-pools", "", null, () => Task.FromResult(World.Pools.Values.Select(ViewOf).ToArray())).ConfigureAwait(false);
        foreach (var pool in pools)
            yield return pool;
    }

    public PagedList<Volume> ListVolumes(PoolName pool)
    {
        if (pool.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(pool));
        return new VolumeList(client, pool);
    }

    public Task<Volume?> FindAsync(VolumeId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return EnterAsync("find-volume", id, null, null, () => Task.FromResult(World.Volumes.TryGetValue(id, out var volume) ? ViewOf(volume) : null), cancellationToken);
    }

    public Task<Operation<Volume>> CreateAsync(VolumeSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var kept = Copy(spec);
        return World.Calls.EnterAsync(client, WorkKinds.CreateVolume, kept.Pool.ToString(), () => CallText.Of(World, request, Json(kept)), _ =>
        {
            var requestId = request?.RequestId ?? World.Works.NewRequestId();
            if (World.Works.Repeated<Volume>(requestId, WorkKinds.CreateVolume) is { } again)
                return Task.FromResult(again);
            var (pool, name) = Check(kept, kept.Size.Bytes);
            var volume = World.MakeVolume(pool, name, kept.Size.Bytes, kept.Thin, 0, null, null);
            return Task.FromResult(Make(WorkKinds.CreateVolume, request, requestId, volume, TimeSpan.Zero));
        }, cancellationToken);
    }

    public Task<Operation<Volume>> CloneAsync(VolumeId source, VolumeSpec target, CloneMode mode, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        var kept = Copy(target);
        return EnterAsync(WorkKinds.CloneVolume, source, request, $"{(mode == CloneMode.Linked ? "linked" : "full")} {Json(kept)}", () =>
        {
            var requestId = request?.RequestId ?? World.Works.NewRequestId();
            if (World.Works.Repeated<Volume>(requestId, WorkKinds.CloneVolume) is { } again)
                return Task.FromResult(again);
            var origin = Require(source);
            RefuseWritten(origin, "cloned");
            long bytes = kept.Size == ByteSize.Zero ? origin.SizeBytes : kept.Size.Bytes;
            if (bytes < origin.SizeBytes)
                throw World.Invalid("size", $"a clone is at least as large as its source, which is {new ByteSize(origin.SizeBytes)}");
            var (pool, name) = Check(kept, bytes);
            if (mode == CloneMode.Linked && pool != origin.Pool)
                throw World.Unsupported("pool", "a linked clone is in the pool of its source");
            var volume = World.MakeVolume(pool, name, bytes, kept.Thin, mode == CloneMode.Full ? origin.WrittenBytes : 0, null, mode == CloneMode.Linked ? origin : null);
            if (mode == CloneMode.Full)
                volume.Content = ContentOf(origin)?.Share();
            return Task.FromResult(Make(WorkKinds.CloneVolume, request, requestId, volume, mode == CloneMode.Full ? pool.TimeFor(origin.WrittenBytes) : TimeSpan.Zero));
        }, cancellationToken);
    }

    public Task<Operation<Volume>> ResizeAsync(VolumeId id, ByteSize size, RequestOptions? request = null, CancellationToken cancellationToken = default) => ChangeAsync(
        WorkKinds.ResizeVolume, id, request, size.ToString(),
        volume =>
        {
            if (size.Bytes < volume.SizeBytes)
                throw World.Invalid("size", $"the volume is {new ByteSize(volume.SizeBytes)}; smaller would cut off data");
            if (size.Bytes % 512 != 0)
                throw World.Invalid("size", "a volume is a multiple of 512 bytes");
            World.Fit(volume.Pool, size.Bytes - volume.SizeBytes, volume.Pool.WrittenBytes(size.Bytes - volume.SizeBytes, thin: true), volume.Name);
        },
        (_, volume) =>
        {
            long more = size.Bytes - volume.SizeBytes;
            long written = volume.Pool.WrittenBytes(more, thin: true);
            volume.Pool.Take(more, written);
            volume.SizeBytes = size.Bytes;
            volume.WrittenBytes += written;
            volume.Revision++;
            volume.Owner?.Touch();
            return Task.CompletedTask;
        }, cancellationToken);

    public Task<Operation<Volume>> FlattenAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => ChangeAsync(
        WorkKinds.FlattenVolume, id, request, null,
        volume => World.Fit(volume.Pool, 0, volume.ClonedFrom?.WrittenBytes ?? 0, volume.Name),
        async (work, volume) =>
        {
            if (volume.ClonedFrom is not { } source)
                return;
            await work.Take(volume.Pool.TimeFor(source.WrittenBytes), "copying");
            World.Write(volume, source.WrittenBytes);
            volume.Content ??= ContentOf(source)?.Share();
            source.Clones--;
            volume.ClonedFrom = null;
            volume.Revision++;
        }, cancellationToken);

    public Task<Operation> DeleteAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default) => EnterAsync<Operation>(WorkKinds.DeleteVolume, id, request, null, () =>
    {
        var requestId = request?.RequestId ?? World.Works.NewRequestId();
        if (World.Works.Repeated<bool>(requestId, WorkKinds.DeleteVolume) is { } again)
            return Task.FromResult<Operation>(again);
        var volume = Require(id);
        if (volume.Owner is { } owner)
            throw World.Refused(ErrorCode.Locked, $"The volume '{id}' is a disk of '{owner.Name}'.");
        if (volume.Leases is { Count: > 0 })
            throw World.Refused(ErrorCode.Locked, $"The volume '{id}' is attached to {string.Join(", ", volume.Leases.Select(static lease => $"'{lease.Node}'"))}.");
        if (volume.Clones > 0)
            throw World.Refused(ErrorCode.InvalidState, $"The volume '{id}' has {volume.Clones} linked clones that need it: flatten or delete them first.");
        return Task.FromResult<Operation>(World.Works.Begin<bool>(WorkKinds.DeleteVolume, request, requestId, work => work.VolumeId = id, async work =>
        {
            await work.Take(World.Draw(World.Options.Durations.Volume, "volume"), "deleting");
            World.RemoveVolume(volume);
            return true;
        }));
    }, cancellationToken);

    private Task<Operation<Volume>> ChangeAsync(string kind, VolumeId id, RequestOptions? request, string? arguments, Action<SimVolume> accept, Func<Work, SimVolume, Task> run, CancellationToken cancellationToken) => EnterAsync(kind, id, request, arguments, () =>
    {
        var requestId = request?.RequestId ?? World.Works.NewRequestId();
        if (World.Works.Repeated<Volume>(requestId, kind) is { } again)
            return Task.FromResult(again);
        var volume = Require(id);
        if (request?.IfRevision is { } revision && revision != World.RevisionOf(volume.Revision))
            throw World.Refused(ErrorCode.Conflict, $"The volume '{id}' was not changed: it is at revision {volume.Revision}, not {revision}.");
        accept(volume);
        return Task.FromResult(World.Works.Begin<Volume>(kind, request, requestId, work => work.VolumeId = id, async work =>
        {
            await work.Take(World.Draw(World.Options.Durations.Volume, "volume"), "changing");
            await run(work, volume).ConfigureAwait(false);
            return ViewOf(volume);
        }));
    }, cancellationToken);

    /// <summary>A volume that takes its space already, and is there for others when the work has ended.</summary>
    private Operation<Volume> Make(string kind, RequestOptions? request, RequestId requestId, SimVolume volume, TimeSpan copying) => World.Works.Begin<Volume>(
        kind, request, requestId, work => work.VolumeId = volume.Id,
        async work =>
        {
            try
            {
                await work.Take(World.Draw(World.Options.Durations.Volume, "volume"), "making");
                await work.Take(copying, "copying");
                return ViewOf(volume);
            }
            catch (HypervisorException)
            {
                World.RemoveVolume(volume);
                throw;
            }
        }, canCancel: true);

    private Task<T> EnterAsync<T>(string action, VolumeId id, RequestOptions? request, string? arguments, Func<Task<T>> body, CancellationToken cancellationToken = default)
    {
        if (id.IsDefault)
            throw new ArgumentException("A volume id is needed.", nameof(id));
        return World.Calls.EnterAsync(client, action, id.ToString(), () => CallText.Of(World, request, arguments), _ => body(), cancellationToken);
    }

    private (SimPool Pool, string? Name) Check(VolumeSpec spec, long sizeBytes)
    {
        if (!World.Pools.TryGetValue(spec.Pool.ToString(), out var pool))
            throw World.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no pool '{spec.Pool}'", null, "pool");
        if (sizeBytes <= 0 || sizeBytes % 512 != 0)
            throw World.Invalid("size", "a volume is a multiple of 512 bytes, and more than none");
        if (spec.Format is { } format && format != "raw")
            throw World.Unsupported("format", $"volumes are raw here, not '{format[..Math.Min(format.Length, 64)]}'");
        if (spec.Name is not { } name)
            return (pool, null);
        bool isAcceptable = name.Length is > 0 and <= 128 && name[0] is not ('-' or '.') && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');
        return isAcceptable ? (pool, name) : throw World.Invalid("name", "a volume is called by 1 to 128 letters, digits, '-', '_' and '.', the first a letter or digit");
    }

    private SimVolume Require(VolumeId id) => World.Volumes.GetValueOrDefault(id) ?? throw World.Refused(ErrorCode.NotFound, $"There is no volume '{id}'.");

    private void RefuseWritten(SimVolume volume, string what)
    {
        if (volume.Owner is { IsUp: true } owner)
            throw World.Refused(ErrorCode.Locked, $"The volume '{volume.Id}' cannot be {what}: '{owner.Name}' writes to it.");
        if (volume.Leases?.Find(static lease => lease.Access != VolumeAccess.ReadOnlyMany) is { } writer)
            throw World.Refused(ErrorCode.Locked, $"The volume '{volume.Id}' cannot be {what}: '{writer.Node}' may write to it.");
    }

    private static VolumeSpec Copy(VolumeSpec spec)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Pool.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(spec));
        return new VolumeSpec { Pool = spec.Pool, Name = spec.Name, Size = spec.Size, Format = spec.Format, Thin = spec.Thin, Owner = spec.Owner };
    }

    private string? Json(VolumeSpec spec) => World.Options.TraceCalls ? Encoding.UTF8.GetString(ModelJson.Default.Write(spec)) : null;

    private static StoragePool ViewOf(SimPool pool) => new()
    {
        Name = pool.Name,
        Kind = pool.Kind,
        Capacity = new ByteSize(pool.CapacityBytes),
        Used = new ByteSize(pool.UsedBytes),
        Available = new ByteSize(Math.Max(0, pool.CapacityBytes - pool.UsedBytes)),
        Node = pool.Node,
        IsShared = pool.Node is null,
    };

    private static Volume ViewOf(SimVolume volume) => new()
    {
        Id = volume.Id,
        Pool = volume.Pool.Name,
        Name = volume.Name,
        Size = new ByteSize(volume.SizeBytes),
        Allocated = new ByteSize(volume.WrittenBytes),
        Format = volume.Format,
        ClonedFrom = volume.ClonedFrom?.Id,
        Revision = World.RevisionOf(volume.Revision),
        CreatedAt = volume.CreatedAt,
    };

    /// <summary>The volumes of a pool, in the order of their ids.</summary>
    private sealed class VolumeList(SimulationClient client, PoolName pool) : PagedList<Volume>
    {
        public override Task<Page<Volume>> GetPageAsync(string? continuation, int maxItems, CancellationToken cancellationToken = default)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(maxItems, 1);
            cancellationToken.ThrowIfCancellationRequested();
            if (continuation is not null && !continuation.StartsWith($"{pool}/", StringComparison.Ordinal))
                throw new ArgumentException("The continuation continues no list of this pool.", nameof(continuation));
            return client.World.Calls.EnterAsync(client, "list-volumes", pool.ToString(), null, () =>
            {
                if (!client.World.Pools.TryGetValue(pool.ToString(), out var found))
                    throw client.World.Refused(ErrorCode.NotFound, $"There is no pool '{pool}'.");
                var rest = client.World.Volumes.Values.Where(volume => volume.Pool == found && string.CompareOrdinal(volume.Id.ToString(), continuation) > 0)
                    .OrderBy(static volume => volume.Id.ToString(), StringComparer.Ordinal).Take(maxItems + 1).ToList();
                var items = rest.Take(maxItems).Select(ViewOf).ToArray();
                return Task.FromResult(new Page<Volume> { Items = items, Continuation = rest.Count > maxItems ? items[^1].Id.ToString() : null });
            });
        }
    }
}
