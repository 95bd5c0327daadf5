using System.Globalization;
using System.Runtime.CompilerServices;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Lxd.Driver;

namespace Hypervisor.Sdk.Lxd.Storage;

/// <summary>
/// The custom volumes of a server's pools. A volume's id is <c>POOL/NAME</c>. What a request made or changed stands at the volume, as it does at containers; a deletion leaves nothing, and leases are of this process: which
/// container has a volume is seen at the container.
/// </summary>
internal sealed partial class LxdStorage(LxdParts parts, ContainerWork work) : IStorageBackend, ILxdStorage
{
    /// <summary>Both servers round a disk up to it (<c>MinBlockBoundary</c>).</summary>
    private const int BlockBytes = 8192;

    private readonly LxdVolumes _volumes = new(parts.Client, parts.Containers);

    public async IAsyncEnumerable<StoragePool> ListPoolsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        foreach (var pool in (await parts.Client.StoragePoolsGetRecursion1Async(cancellationToken: cancellationToken).ConfigureAwait(false)).Value ?? [])
        {
            if (PoolName.TryParse(pool.Name, null, out _) && await ViewAsync(pool, cancellationToken).ConfigureAwait(false) is { } view)
                yield return view;
        }
    }

    public PagedList<Volume> ListVolumes(PoolName pool)
    {
        if (pool.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(pool));
        return new OrderedList<Volume>(
            async token =>
            {
                work.RefuseClosed();
                return await _volumes.ViewAsync(pool, await _volumes.ListAsync(pool, token).ConfigureAwait(false), token).ConfigureAwait(false);
            },
            volume => volume.Id.ToString());
    }

    public async Task<Volume?> FindAsync(VolumeId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        return await _volumes.FindAsync(id, cancellationToken).ConfigureAwait(false) is { } found ? await _volumes.ViewAsync(found, cancellationToken).ConfigureAwait(false) : null;
    }

    public async Task<Operation<Volume>> CreateAsync(VolumeSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        request = Checked(spec, request, isZeroGood: false, out var id);
        var post = new LxdStorageVolumesPost { Name = NameOf(id), Type = LxdVolumes.Custom, ContentType = FormatOf(spec.Format), Config = ConfigOf(VolumeKinds.Create, spec.Size, request) };
        RefuseSize(spec.Size, post.ContentType);
        return await BeginAsync(VolumeKinds.Create, id, request, token => RequireFreeAsync(id, token), token => MakeAsync(id, post, request, token), cancellationToken).ConfigureAwait(false);
    }

    public async Task<Operation<Volume>> CloneAsync(VolumeId source, VolumeSpec target, CloneMode mode, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        RefuseDefault(source);
        request = Checked(target, request, isZeroGood: true, out var id);
        if (mode == CloneMode.Linked)
            throw Refusal.Unsupported("mode", LxdCapabilities.NoLinkedClones);
        var (size, format) = (target.Size, target.Format is null ? null : FormatOf(target.Format));
        return await BeginAsync(
            VolumeKinds.Clone, id, request,
            async token =>
            {
                await RequireSourceAsync(source, size, format, request, token).ConfigureAwait(false);
                await RequireFreeAsync(id, token).ConfigureAwait(false);
            },
            async token =>
            {
                var origin = await RequireSourceAsync(source, size, format, null, token).ConfigureAwait(false);
                string lease = parts.Memory.Leases.Take(origin.Id, VolumeAccess.ReadOnlyMany, "a clone that is being made");
                try
                {
                    // What a request does not mention is copied only where it mentions nothing.
                    var config = origin.Config.Where(entry => !entry.Key.StartsWith("volatile.", StringComparison.Ordinal) && !entry.Key.StartsWith(ContainerRules.OwnPrefix, StringComparison.Ordinal)).ToDictionary();
                    foreach (var (key, value) in ConfigOf(VolumeKinds.Clone, size, request))
                        config[key] = value;
                    var post = new LxdStorageVolumesPost
                    {
                        Name = NameOf(id), Type = LxdVolumes.Custom, ContentType = origin.ContentType, Config = config, Description = origin.Own.Description,
                        Source = new LxdStorageVolumeSource { Type = "copy", Pool = origin.Pool.ToString(), Name = origin.Name, VolumeOnly = true },
                    };
                    return await MakeAsync(id, post, request, token).ConfigureAwait(false);
                }
                finally
                {
                    parts.Memory.Leases.End(lease);
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<Operation<Volume>> ResizeAsync(VolumeId id, ByteSize size, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        RefuseDefault(id);
        request = Identified(request);
        return await BeginAsync(
            VolumeKinds.Resize, id, request, token => RequireSmallerAsync(id, size, request, token),
            async token =>
            {
                while (true)
                {
                    var facts = await RequireSmallerAsync(id, size, null, token).ConfigureAwait(false);
                    string lease = parts.Memory.Leases.Take(id, VolumeAccess.SingleWriter, "work that makes it larger");
                    try
                    {
                        await PutAsync(facts, VolumeKinds.Resize, request, config => config[VolumeFacts.Size] = Text(size), token).ConfigureAwait(false);
                        return await _volumes.ViewAsync(await _volumes.RequireAsync(id, null, token).ConfigureAwait(false), token).ConfigureAwait(false);
                    }
                    catch (LxdException error) when (error.Status == 412)
                    {
                        // Somebody was faster.
                        await Task.Yield();
                    }
                    finally
                    {
                        parts.Memory.Leases.End(lease);
                    }
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<Operation> DeleteAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        RefuseDefault(id);
        request = Identified(request);
        return await BeginAsync<object>(
            VolumeKinds.Delete, id, request, token => RequireUnusedAsync(id, request, token),
            async token =>
            {
                await RequireUnusedAsync(id, null, token).ConfigureAwait(false);
                LxdVolumes.TrySplit(id, out var pool, out string name);
                string lease = parts.Memory.Leases.Take(id, VolumeAccess.SingleWriter, "work that deletes it");
                try
                {
                    await parts.Client.StoragePoolVolumeTypeDeleteAsync(pool.ToString(), LxdVolumes.Custom, name, cancellationToken: token).ConfigureAwait(false);
                    return id;
                }
                finally
                {
                    parts.Memory.Leases.End(lease);
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<VolumeFacts> RequireSourceAsync(VolumeId source, ByteSize size, string? format, RequestOptions? request, CancellationToken cancellationToken)
    {
        var origin = await _volumes.RequireAsync(source, request, cancellationToken).ConfigureAwait(false);
        if (size.Bytes != 0 && size < origin.Limit)
            throw Refusal.Invalid("size", $"a clone is at least as large as its source, which is {origin.Limit}.");
        if (size.Bytes != 0)
            RefuseSize(size, origin.ContentType);
        if (format is not null && format != origin.ContentType)
            throw Refusal.Unsupported("format", $"a clone is what its source is, '{origin.ContentType}'.");
        await _volumes.RefuseWrittenAsync(origin, cancellationToken).ConfigureAwait(false);
        return origin;
    }

    private async Task<VolumeFacts> RequireSmallerAsync(VolumeId id, ByteSize size, RequestOptions? request, CancellationToken cancellationToken)
    {
        var facts = await _volumes.RequireAsync(id, request, cancellationToken).ConfigureAwait(false);
        if (size.Bytes <= 0)
            throw Refusal.Invalid("size", "a volume is more than nothing.");
        RefuseSize(size, facts.ContentType);
        if (size < facts.Limit)
            throw Refusal.Invalid("size", $"the volume '{id}' is of {facts.Limit}; smaller would cut off data.");
        return facts;
    }

    private async Task RequireUnusedAsync(VolumeId id, RequestOptions? request, CancellationToken cancellationToken)
    {
        var facts = await _volumes.RequireAsync(id, request, cancellationToken).ConfigureAwait(false);
        if (parts.Memory.Leases.IsHeld(facts.Id))
            throw VolumeLeases.Locked(id, "it is attached, or being copied");
        LxdVolumes.RefuseUsed(facts);
    }

    private async Task RequireFreeAsync(VolumeId id, CancellationToken cancellationToken)
    {
        if (await _volumes.FindAsync(id, cancellationToken).ConfigureAwait(false) is not null)
            throw Taken(id);
    }

    private async Task<Volume> MakeAsync(VolumeId id, LxdStorageVolumesPost post, RequestOptions request, CancellationToken cancellationToken)
    {
        LxdVolumes.TrySplit(id, out var pool, out _);
        try
        {
            var operation = await parts.Client.StoragePoolVolumesTypePostAsync(pool.ToString(), LxdVolumes.Custom, post, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (operation?.Id is { Length: > 0 } background)
                await parts.Client.WaitAsync(background, $"Making the volume '{id}'", cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.AlreadyExists || error.Code == ErrorCode.NotFound)
        {
            // Made by another process that was given the same request, perhaps; or the operation has ended, and the server has dropped it before it was asked.
            if (await _volumes.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } made || !IsBy(made, request))
                {
                if (error.Code == ErrorCode.AlreadyExists)
                    throw Taken(id);
                throw;
            }
        }

        return await _volumes.ViewAsync(await _volumes.RequireAsync(id, null, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Replaces the configuration of a volume, with what the request leaves, as long as it is what was looked at.</summary>
    private async Task PutAsync(VolumeFacts facts, string kind, RequestOptions request, Action<Dictionary<string, string>> change, CancellationToken cancellationToken)
    {
        var config = facts.Config.ToDictionary();
        change(config);
        RequestRecord.Write(config, kind, request.RequestId!.Value);
        await parts.Client.StoragePoolVolumeTypePutAsync(
            facts.Pool.ToString(), LxdVolumes.Custom, facts.Name, new LxdStorageVolumePut { Config = config, Description = facts.Own.Description }, new LxdCall { IfMatch = facts.Tag }, cancellationToken).ConfigureAwait(false);
    }

    private async Task<Operation<T>> BeginAsync<T>(string kind, VolumeId id, RequestOptions request, Func<CancellationToken, Task> check, Func<CancellationToken, Task<T>> effect, CancellationToken cancellationToken)
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        work.RefuseClosed();
        var requestId = request.RequestId!.Value;
        if (await work.Ledger.LookUpAsync(requestId, cancellationToken).ConfigureAwait(false) is not { State: RequestState.Running or RequestState.Succeeded })
        {
            if (await HasHappenedAsync(requestId, kind, id, cancellationToken).ConfigureAwait(false))
                return new TrackedOperation<T>(null, requestId, ResultAsync<T>(id, cancellationToken), new WorkProgress());
            await check(cancellationToken).ConfigureAwait(false);
            parts.Memory.Remember(requestId, new LxdMemory.Effect(kind, default, null) { Volume = id });
        }

        return await work.Ledger.BeginAsync(
            kind, request, parts.Options.DefaultDeadline, () => default,
            (progress, token) =>
            {
                progress.Say(kind);
                return effect(token);
            },
            cancellationToken, canCancel: false).ConfigureAwait(false);
    }

    /// <summary>Whether a request about a volume has had its effect: by what stands at it, and of a deletion that this process began by what is there no more.</summary>
    /// <exception cref="HypervisorException">The id stands for another effect (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public async Task<bool> HasHappenedAsync(RequestId request, string kind, VolumeId id, CancellationToken cancellationToken)
    {
        if (kind == VolumeKinds.Delete)
            return parts.Memory.EffectOf(request) is { Kind: VolumeKinds.Delete, Volume: { } gone } && gone == id && await _volumes.FindAsync(id, cancellationToken).ConfigureAwait(false) is null;
        if (await _volumes.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } facts || RequestRecord.Find(facts.Own.Config, LxdRequestLog.KeyOf(request)) is not { } record)
            return false;
        if (record.Kind != kind)
            throw new HypervisorException($"The request {request} was '{record.Kind}' before and cannot be '{kind}' now. A request id stands for one effect.", ErrorCode.InvalidArgument, RequestOutcome.Rejected);
        return true;
    }

    /// <summary>What became of a request that stands at some volume; null where it stands at none.</summary>
    public async Task<RequestLookup?> LookUpAsync(RequestId request, CancellationToken cancellationToken)
    {
        if (await _volumes.FindAsync(request, cancellationToken).ConfigureAwait(false) is not { } facts)
            return null;
        bool isBeingMade = await _volumes.IsAnyBeingMadeAsync(cancellationToken).ConfigureAwait(false);
        // A copy that failed is gone again.
        return await _volumes.FindAsync(facts.Id, cancellationToken).ConfigureAwait(false) is null ? null : new RequestLookup { State = isBeingMade ? RequestState.Running : RequestState.Succeeded, Volume = facts.Id };
    }

    private async Task<T> ResultAsync<T>(VolumeId id, CancellationToken cancellationToken)
        where T : class =>
        await FindAsync(id, cancellationToken).ConfigureAwait(false) as T ?? (T)(object)id;

    private static bool IsBy(VolumeFacts facts, RequestOptions request) => RequestRecord.Find(facts.Own.Config, LxdRequestLog.KeyOf(request.RequestId!.Value)) is not null;

    private static HypervisorException Taken(VolumeId id) => new($"There is a volume '{id}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"volume {id}" };

    private static RequestOptions Checked(VolumeSpec spec, RequestOptions? request, bool isZeroGood, out VolumeId id)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Pool.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(spec));
        if (spec.Size.Bytes < 0 || (spec.Size.Bytes == 0 && !isZeroGood))
            throw Refusal.Invalid("size", "a volume is more than nothing.");
        if (!spec.Thin)
            throw Refusal.Unsupported("thin", "whether space is given at once is a matter of the pool here.");
        request = Identified(request);
        id = IdOf(spec.Pool, spec.Name ?? $"hvsdk-{request.RequestId:D}");
        return request;
    }

    private static VolumeId IdOf(PoolName pool, string name) => StorageRules.IsName(name) && VolumeId.TryParse($"{pool}/{name}", null, out var id) ? id : throw Refusal.Invalid("name", $"a volume's name is {StorageRules.Names}.");

    private static RequestOptions Identified(RequestOptions? request) => request?.RequestId is { IsDefault: false } ? request : new RequestOptions { RequestId = RequestId.New(), IfRevision = request?.IfRevision, Deadline = request?.Deadline };

    private static void RefuseDefault(VolumeId id)
    {
        if (id.IsDefault)
            throw new ArgumentException("A volume id is needed.", nameof(id));
    }

    private static void RefuseSize(ByteSize size, string? format)
    {
        if (format == LxdVolumes.Block && size.Bytes % BlockBytes != 0)
            throw Refusal.Invalid("size", $"a disk is a multiple of {BlockBytes} bytes here; {size.Bytes} is not.");
    }

    private static string FormatOf(string? asked) => asked switch
    {
        null or LxdVolumes.Files => LxdVolumes.Files,
        LxdVolumes.Block => LxdVolumes.Block,
        _ => throw Refusal.Unsupported("format", $"'{asked}' is not what a volume can be here: '{LxdVolumes.Files}', a tree of files for containers, or '{LxdVolumes.Block}', a disk for virtual machines."),
    };

    private static Dictionary<string, string> ConfigOf(string kind, ByteSize size, RequestOptions request)
    {
        var config = new Dictionary<string, string> { [LxdRequestLog.KeyOf(request.RequestId!.Value)] = new RequestRecord(kind, true, null).ToString() };
        if (size.Bytes != 0)
            config[VolumeFacts.Size] = Text(size);
        return config;
    }

    private static string Text(ByteSize size) => size.Bytes.ToString(CultureInfo.InvariantCulture);

    private static string NameOf(VolumeId id) => LxdVolumes.TrySplit(id, out _, out string name) ? name : throw new ArgumentException($"'{id}' is no volume.", nameof(id));

    private async Task<StoragePool?> ViewAsync(LxdStoragePool pool, CancellationToken cancellationToken)
    {
        try
        {
            return await LxdPools.ViewAsync(parts.Client, pool, cancellationToken).ConfigureAwait(false);
        }
        catch (LxdException error) when (error.Code == ErrorCode.NotFound)
        {
            // It went between the list and the look at it.
            return null;
        }
    }
}
