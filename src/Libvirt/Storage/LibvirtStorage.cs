using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Xml.Linq;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Storage;

/// <summary>
/// The volumes of a daemon's pools. A volume's id is <c>pool/name</c>. A daemon keeps neither requests nor leases of volumes: both are known in this process, and what others use is seen by the machines that have it.
/// </summary>
internal sealed partial class LibvirtStorage(LibvirtParts parts) : IStorageBackend
{
    private const int SectorBytes = 512;
    private const int MaxNameBytes = 200;

    private readonly LibvirtVolumes _volumes = new(parts);

    public async IAsyncEnumerable<StoragePool> ListPoolsAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        foreach (var pool in (await libvirt.ConnectListAllStoragePoolsAsync(1, 0, cancellationToken).ConfigureAwait(false)).Pools)
        {
            if (PoolName.TryParse(pool.Name, null, out _) && await ViewAsync(libvirt, pool, cancellationToken).ConfigureAwait(false) is { } view)
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
                var libvirt = await parts.Link.GetAsync(token).ConfigureAwait(false);
                return await LibvirtVolumes.ViewAsync(libvirt, await LibvirtVolumes.ListAsync(libvirt, pool.ToString(), token).ConfigureAwait(false), token).ConfigureAwait(false);
            },
            volume => volume.Id.ToString());
    }

    public async Task<Volume?> FindAsync(VolumeId id, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return await _volumes.FindAsync(id, cancellationToken).ConfigureAwait(false) is { } found ? await _volumes.ViewAsync(found, cancellationToken).ConfigureAwait(false) : null;
    }

    public async Task<Operation<Volume>> CreateAsync(VolumeSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        request = Checked(spec, request, isZeroGood: false, out var id);
        var copy = Copy(spec);
        return await BeginAsync(
            VolumeKinds.Create, id, request, token => RequireFreeAsync(copy, id, token),
            async (libvirt, _, token) =>
            {
                var (pool, kind) = await PoolOfAsync(libvirt, copy.Pool, token).ConfigureAwait(false);
                string format = FormatOf(copy.Format, kind);
                // What is given to a file at once, its format's own tables with it.
                uint flags = copy.Thin || format == "raw" ? 0 : (uint)VirStorageVolCreateFlags.PreallocMetadata;
                return await libvirt.WithTimeout(Timeout.InfiniteTimeSpan).StorageVolCreateXmlAsync(pool, Describe(id, copy.Size.Bytes, format, copy.Thin, null), flags, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<Operation<Volume>> CloneAsync(VolumeId source, VolumeSpec target, CloneMode mode, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        RefuseDefault(source);
        request = Checked(target, request, isZeroGood: true, out var id);
        var copy = Copy(target);
        return await BeginAsync(
            VolumeKinds.Clone, id, request,
            async token =>
            {
                var origin = await _volumes.RequireAsync(source, request, token).ConfigureAwait(false);
                if (copy.Size.Bytes != 0 && copy.Size.Bytes < origin.CapacityBytes)
                    throw Refusal.Invalid("size", $"a clone is at least as large as its source, which is {new ByteSize(origin.CapacityBytes)}.");
                await _volumes.RefuseUsedAsync(origin, evenByThoseThatAreOff: false, token).ConfigureAwait(false);
                await RequireFreeAsync(copy, id, token).ConfigureAwait(false);
            },
            async (libvirt, again, token) =>
            {
                var origin = await _volumes.RequireAsync(source, null, token).ConfigureAwait(false);
                string lease = parts.Server.Leases.Take(origin.Id, VolumeAccess.ReadOnlyMany, "a clone that is being made");
                try
                {
                    if (again)
                        await RemoveAsync(id, token).ConfigureAwait(false);
                    return await CloneAsync(libvirt, origin, copy, id, mode, token).ConfigureAwait(false);
                }
                finally
                {
                    parts.Server.Leases.End(lease);
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<Operation<Volume>> ResizeAsync(VolumeId id, ByteSize size, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        RefuseDefault(id);
        if (size.Bytes <= 0 || size.Bytes % SectorBytes != 0)
            throw Refusal.Invalid("size", $"a volume is a multiple of {SectorBytes} bytes, and more than none; {size.Bytes} is not.");
        return await BeginAsync(
            VolumeKinds.Resize, id, request,
            async token =>
            {
                var facts = await _volumes.RequireAsync(id, request, token).ConfigureAwait(false);
                if (size.Bytes < facts.CapacityBytes)
                    throw Refusal.Invalid("size", $"the volume '{id}' is of {new ByteSize(facts.CapacityBytes)}; smaller would cut off data.");
                await _volumes.RefuseUsedAsync(facts, evenByThoseThatAreOff: false, token).ConfigureAwait(false);
            },
            async (libvirt, _, token) =>
            {
                var facts = await _volumes.RequireAsync(id, null, token).ConfigureAwait(false);
                string lease = parts.Server.Leases.Take(facts.Id, VolumeAccess.SingleWriter, "work that makes it larger");
                try
                {
                    if (size.Bytes > facts.CapacityBytes)
                        await libvirt.StorageVolResizeAsync(facts.Native, (ulong)size.Bytes, 0, token).ConfigureAwait(false);
                    return facts.Native;
                }
                finally
                {
                    parts.Server.Leases.End(lease);
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<Operation> DeleteAsync(VolumeId id, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        RefuseDefault(id);
        return await BeginAsync<object>(
            VolumeKinds.Delete, id, request, token => RefuseDeletionAsync(id, request, token),
            async (libvirt, _, token) =>
            {
                var facts = await _volumes.RequireAsync(id, null, token).ConfigureAwait(false);
                string lease = parts.Server.Leases.Take(facts.Id, VolumeAccess.SingleWriter, "work that deletes it");
                try
                {
                    await libvirt.StorageVolDeleteAsync(facts.Native, 0, token).ConfigureAwait(false);
                    return facts;
                }
                finally
                {
                    parts.Server.Leases.End(lease);
                }
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What became of a request about a volume whose reply was lost, by what is there; null where that says nothing.</summary>
    public async Task<bool?> HasHappenedAsync(LibvirtServer.Effect effect, CancellationToken cancellationToken) => effect switch
    {
        { Kind: VolumeKinds.Create, Volume: { } made } => await _volumes.FindAsync(made, cancellationToken).ConfigureAwait(false) is not null,
        { Kind: VolumeKinds.Delete, Volume: { } gone } => await _volumes.FindAsync(gone, cancellationToken).ConfigureAwait(false) is null,
        _ => null,
    };

    private async Task RefuseDeletionAsync(VolumeId id, RequestOptions? request, CancellationToken cancellationToken)
    {
        var facts = await _volumes.RequireAsync(id, request, cancellationToken).ConfigureAwait(false);
        if (parts.Server.Leases.IsHeld(facts.Id))
            throw VolumeLeases.Locked(id, "it is attached, or being copied");
        await _volumes.RefuseUsedAsync(facts, evenByThoseThatAreOff: true, cancellationToken).ConfigureAwait(false);
        await _volumes.RefuseClonedAsync(facts, "deleted", cancellationToken).ConfigureAwait(false);
    }

    private static async Task<VirStorageVol> CloneAsync(LibvirtConnection libvirt, VolumeFacts origin, VolumeSpec target, VolumeId id, CloneMode mode, CancellationToken cancellationToken)
    {
        var (pool, kind) = await PoolOfAsync(libvirt, target.Pool, cancellationToken).ConfigureAwait(false);
        long size = Math.Max(target.Size.Bytes, origin.CapacityBytes);
        libvirt = libvirt.WithTimeout(Timeout.InfiniteTimeSpan);
        if (mode == CloneMode.Linked)
        {
            if (!LibvirtVolumes.IsFiles(kind) || origin.Native.Pool != pool.Name || !origin.IsFile)
                throw Refusal.Unsupported("mode", "a linked clone is a qcow2 file in the pool of its source.");
            if (FormatOf(target.Format, kind) != "qcow2" || !target.Thin)
                throw Refusal.Invalid("format", "a linked clone is qcow2, and thin.");
            return await libvirt.StorageVolCreateXmlAsync(pool, Describe(id, size, "qcow2", true, origin), 0, cancellationToken).ConfigureAwait(false);
        }

        // libvirt's copies of Ceph's images share what they were made of.
        if (kind == "rbd")
            throw Refusal.Unsupported("mode", "libvirt makes no full clones in pools of the kind 'rbd'.");
        string format = FormatOf(target.Format ?? (LibvirtVolumes.IsFiles(kind) && origin.Format == "raw" ? "raw" : null), kind);
        var made = await libvirt.StorageVolCreateXmlFromAsync(pool, Describe(id, origin.CapacityBytes, format, target.Thin, null), origin.Native, 0, cancellationToken).ConfigureAwait(false);
        if (size > origin.CapacityBytes)
            await libvirt.StorageVolResizeAsync(made, (ulong)size, 0, cancellationToken).ConfigureAwait(false);
        return made;
    }

    /// <summary>Deletes what an attempt before has left.</summary>
    private async Task RemoveAsync(VolumeId id, CancellationToken cancellationToken)
    {
        if (await _volumes.FindAsync(id, cancellationToken).ConfigureAwait(false) is not { } left)
            return;
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        await libvirt.StorageVolDeleteAsync(left.Native, 0, cancellationToken).ConfigureAwait(false);
    }

    private async Task RequireFreeAsync(VolumeSpec spec, VolumeId id, CancellationToken cancellationToken)
    {
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var (_, kind) = await PoolOfAsync(libvirt, spec.Pool, cancellationToken).ConfigureAwait(false);
        FormatOf(spec.Format, kind);
        if (await _volumes.FindAsync(id, cancellationToken).ConfigureAwait(false) is not null)
            throw new HypervisorException($"There is a volume '{id}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"volume {id}" };
    }

    private Task<Operation<Volume>> BeginAsync(
        string kind, VolumeId id, RequestOptions? request, Func<CancellationToken, Task> check, Func<LibvirtConnection, bool, CancellationToken, Task<VirStorageVol>> work, CancellationToken cancellationToken, TimeSpan? deadline = null) => BeginAsync<Volume>(
            kind, id, request, check,
            async (libvirt, again, token) =>
            {
                var volume = await work(libvirt, again, token).ConfigureAwait(false);
                return await _volumes.ViewAsync(await _volumes.RequireAsync(VolumeFacts.IdOf(volume.Pool, volume.Name), null, token).ConfigureAwait(false), token).ConfigureAwait(false);
            },
            cancellationToken, deadline);

    /// <param name="kind">The word for the effect.</param>
    /// <param name="id">The volume.</param>
    /// <param name="request">What the caller says about the call.</param>
    /// <param name="check">Refuses by throwing.</param>
    /// <param name="work">Does it; is told whether the same request was begun before and its end is not known.</param>
    /// <param name="cancellationToken">Ends the wait for the acceptance.</param>
    /// <param name="deadline">How long it may take where the request does not say; null for the backend's default.</param>
    private async Task<Operation<T>> BeginAsync<T>(
        string kind, VolumeId id, RequestOptions? request, Func<CancellationToken, Task> check, Func<LibvirtConnection, bool, CancellationToken, Task<T>> work, CancellationToken cancellationToken, TimeSpan? deadline = null)
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        var known = request?.RequestId is { } asked ? await parts.Server.Ledger.LookUpAsync(asked, cancellationToken).ConfigureAwait(false) : null;
        bool again = known is { State: RequestState.Failed, Error.Outcome: RequestOutcome.Unknown or RequestOutcome.FailedMidway };
        if (again && request!.RequestId is { } lost && parts.Server.EffectOf(lost) is { } effect && effect.Kind == kind && effect.Volume == id && await HasHappenedAsync(effect, cancellationToken).ConfigureAwait(false) == true)
            return new TrackedOperation<T>(null, lost, ResultAsync<T>(id, cancellationToken), new WorkProgress());
        if (known is not { State: RequestState.Running or RequestState.Succeeded })
        {
            if (!again)
                await check(cancellationToken).ConfigureAwait(false);
            if (request?.RequestId is { } first)
                parts.Server.Remember(first, new LibvirtServer.Effect(kind, default, id));
        }

        return await parts.Server.Ledger.BeginAsync(
            kind, request, deadline ?? parts.Options.DefaultDeadline, () => default,
            async (progress, token) =>
            {
                progress.Say(kind);
                return await work(await parts.Link.GetAsync(token).ConfigureAwait(false), again, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    private async Task<T> ResultAsync<T>(VolumeId id, CancellationToken cancellationToken)
        where T : class =>
        await FindAsync(id, cancellationToken).ConfigureAwait(false) as T ?? (T)(object)id;

    /// <summary>Refuses what no volume can be made of, and gives the request an id: a name that is made up comes of it.</summary>
    private RequestOptions Checked(VolumeSpec spec, RequestOptions? request, bool isZeroGood, out VolumeId id)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Pool.IsDefault)
            throw new ArgumentException("A pool is needed.", nameof(spec));
        if (spec.Size.Bytes < 0 || spec.Size.Bytes % SectorBytes != 0 || (spec.Size.Bytes == 0 && !isZeroGood))
            throw Refusal.Invalid("size", $"a volume is a multiple of {SectorBytes} bytes, and more than none; {spec.Size.Bytes} is not.");
        if (request?.RequestId is null or { IsDefault: true })
            request = new RequestOptions { RequestId = RequestId.New(parts.Time), IfRevision = request?.IfRevision, Deadline = request?.Deadline };
        string name = spec.Name ?? $"hvsdk-{request.RequestId:D}";
        if (name.Length == 0 || name[0] is '.' or '-' || Encoding.UTF8.GetByteCount(name) > MaxNameBytes || name.Any(c => c is '/' or '\\' || char.IsControl(c)) || name.Trim() != name || !BoundedXml.CanHold(name)
            || !VolumeId.TryParse($"{spec.Pool}/{name}", null, out id))
            throw Refusal.Invalid("name", $"a volume's name has at most {MaxNameBytes} bytes, no slash, backslash or control character, no space at its ends, and begins with neither '.' nor '-'.");
        return request;
    }

    private static void RefuseDefault(VolumeId id)
    {
        if (id.IsDefault)
            throw new ArgumentException("A volume id is needed.", nameof(id));
    }

    private static VolumeSpec Copy(VolumeSpec spec) => new() { Pool = spec.Pool, Name = spec.Name, Size = spec.Size, Format = spec.Format, Thin = spec.Thin, Owner = spec.Owner };

    private static string FormatOf(string? asked, string kind) => (asked, LibvirtVolumes.IsFiles(kind)) switch
    {
        (null, var isFiles) => isFiles ? "qcow2" : "raw",
        ("raw", _) or ("qcow2", true) => asked,
        ("qcow2", false) => throw Refusal.Unsupported("format", $"volumes of a pool of the kind '{kind}' are raw."),
        _ => throw Refusal.Unsupported("format", $"'{asked}' is not a format of volumes here: 'raw' or 'qcow2'."),
    };

    private static async Task<(VirStoragePool Pool, string Kind)> PoolOfAsync(LibvirtConnection libvirt, PoolName name, CancellationToken cancellationToken)
    {
        var pool = await libvirt.StoragePoolLookupByNameAsync(name.ToString(), cancellationToken).ConfigureAwait(false);
        return (pool, await LibvirtVolumes.KindOfAsync(libvirt, pool, cancellationToken).ConfigureAwait(false));
    }

    private static string Describe(VolumeId id, long size, string format, bool isThin, VolumeFacts? backing) => BoundedXml.Write(new XElement(
        "volume",
        new XElement("name", id.ToString()[(id.ToString().IndexOf('/', StringComparison.Ordinal) + 1)..]),
        new XElement("capacity", new XAttribute("unit", "bytes"), size.ToString(CultureInfo.InvariantCulture)),
        new XElement("allocation", new XAttribute("unit", "bytes"), (isThin ? 0 : size).ToString(CultureInfo.InvariantCulture)),
        // Left to itself, the daemon makes images of the version 2, which cannot keep what has changed since a checkpoint.
        new XElement("target", new XElement("format", new XAttribute("type", format)), format == "qcow2" ? new XElement("compat", "1.1") : null),
        backing is null ? null : new XElement("backingStore", new XElement("path", backing.Path), new XElement("format", new XAttribute("type", backing.Format)))));

    private async Task<StoragePool?> ViewAsync(LibvirtConnection libvirt, VirStoragePool pool, CancellationToken cancellationToken)
    {
        try
        {
            return await LibvirtPools.ViewAsync(parts, libvirt, pool, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (LibvirtVolumes.IsMissing(error))
        {
            // It went between the list and the look at it.
            return null;
        }
    }
}
