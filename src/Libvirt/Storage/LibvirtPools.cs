using System.Xml.Linq;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Storage;

/// <summary>
/// Makes and deletes a daemon's pools. Settings: <c>path</c>, a directory of the daemon's host (default: one of the pool's name where libvirt keeps its images), or <c>xml</c>, libvirt's own definition of a pool of any kind.
/// </summary>
internal sealed class LibvirtPools(LibvirtParts parts) : IStoragePools
{
    private const string Images = "/var/lib/libvirt/images/";

    /// <summary>What is reached from one machine only; a pool of any other kind is the same from everywhere.</summary>
    private static readonly string[] s_local = ["dir", "fs", "logical", "disk", "scsi", "mpath", "zfs"];

    public static async Task<StoragePool> ViewAsync(LibvirtParts parts, LibvirtConnection libvirt, VirStoragePool pool, CancellationToken cancellationToken)
    {
        var info = await libvirt.StoragePoolGetInfoAsync(pool, cancellationToken).ConfigureAwait(false);
        string kind = await LibvirtVolumes.KindOfAsync(libvirt, pool, cancellationToken).ConfigureAwait(false);
        // Of one that is not up nothing is known.
        bool isUp = (VirStoragePoolState)info.State is VirStoragePoolState.Running or VirStoragePoolState.Degraded && info.Capacity > 0;
        bool isShared = !s_local.Contains(kind);
        return new StoragePool
        {
            Name = PoolName.Parse(pool.Name),
            Kind = kind switch
            {
                "dir" => "directory",
                "logical" => "lvm",
                "" => "unknown",
                _ => kind,
            },
            Capacity = isUp ? SizeOf(info.Capacity) : null,
            Used = isUp ? SizeOf(info.Allocation) : null,
            Available = isUp ? SizeOf(info.Available) : null,
            Node = !isShared && NodeName.TryParse(parts.Host.HostName, null, out var node) ? node : null,
            IsShared = isShared,
        };
    }

    public async Task<Operation<StoragePool>> CreatePoolAsync(StoragePoolSpec spec, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(spec);
        if (spec.Name.IsDefault)
            throw new ArgumentException("A pool's name is needed.", nameof(spec));
        string document = DocumentOf(spec);
        string name = spec.Name.ToString();
        return await BeginAsync(
            VolumeKinds.CreatePool, request,
            async (libvirt, token) =>
            {
                if (await FindAsync(libvirt, name, token).ConfigureAwait(false) is not null)
                    throw new HypervisorException($"There is a pool '{name}' already.", ErrorCode.AlreadyExists, RequestOutcome.Rejected) { Resource = $"pool {name}" };
            },
            async (libvirt, token) =>
            {
                var pool = await libvirt.StoragePoolDefineXmlAsync(document, 0, token).ConfigureAwait(false);
                try
                {
                    await libvirt.StoragePoolBuildAsync(pool, 0, token).ConfigureAwait(false);
                    await libvirt.StoragePoolCreateAsync(pool, 0, token).ConfigureAwait(false);
                }
                catch (LibvirtException)
                {
                    await libvirt.StoragePoolUndefineAsync(pool, CancellationToken.None).ConfigureAwait(false);
                    throw;
                }

                await libvirt.StoragePoolSetAutostartAsync(pool, 1, token).ConfigureAwait(false);
                return await ViewAsync(parts, libvirt, pool, token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }

    public async Task<Operation> DeletePoolAsync(PoolName name, RequestOptions? request = null, CancellationToken cancellationToken = default)
    {
        if (name.IsDefault)
            throw new ArgumentException("A pool's name is needed.", nameof(name));
        return await BeginAsync<object>(
            VolumeKinds.DeletePool, request, async (libvirt, token) => await EmptyAsync(libvirt, name, token).ConfigureAwait(false),
            async (libvirt, token) =>
            {
                var pool = await EmptyAsync(libvirt, name, token).ConfigureAwait(false);
                bool isKept = await libvirt.StoragePoolIsPersistentAsync(pool, token).ConfigureAwait(false) == 1;
                bool isUp = await libvirt.StoragePoolIsActiveAsync(pool, token).ConfigureAwait(false) == 1;
                if (isUp)
                    await libvirt.StoragePoolDestroyAsync(pool, token).ConfigureAwait(false);
                if (!isKept)
                    return pool;
                try
                {
                    await libvirt.StoragePoolDeleteAsync(pool, 0, token).ConfigureAwait(false);
                }
                catch (LibvirtException) when (isUp)
                {
                    // What it is made of holds something else: it stays as it was.
                    await libvirt.StoragePoolCreateAsync(pool, 0, CancellationToken.None).ConfigureAwait(false);
                    throw;
                }

                await libvirt.StoragePoolUndefineAsync(pool, token).ConfigureAwait(false);
                return pool;
            },
            cancellationToken).ConfigureAwait(false);
    }

    private static async Task<VirStoragePool> EmptyAsync(LibvirtConnection libvirt, PoolName name, CancellationToken cancellationToken)
    {
        var pool = await FindAsync(libvirt, name.ToString(), cancellationToken).ConfigureAwait(false)
            ?? throw new HypervisorException($"There is no pool '{name}'.", ErrorCode.NotFound, RequestOutcome.Rejected) { Resource = $"pool {name}" };
        if (await libvirt.StoragePoolIsActiveAsync(pool, cancellationToken).ConfigureAwait(false) == 1
            && (await libvirt.StoragePoolListAllVolumesAsync(pool, 1, 0, cancellationToken).ConfigureAwait(false)).Vols is [var first, ..] volumes)
            throw new HypervisorException($"The pool '{name}' holds {volumes.Length} volumes, '{first.Name}' for one: delete them first.", ErrorCode.InvalidState, RequestOutcome.Rejected) { Resource = $"pool {name}" };
        return pool;
    }

    private static async Task<VirStoragePool?> FindAsync(LibvirtConnection libvirt, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await libvirt.StoragePoolLookupByNameAsync(name, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (LibvirtVolumes.IsMissing(error))
        {
            return null;
        }
    }

    private static string DocumentOf(StoragePoolSpec spec)
    {
        string name = spec.Name.ToString();
        string? path = null;
        foreach (var (setting, value) in spec.Settings)
        {
            if (!value.TryGetText(out string? text))
                throw Refusal.Invalid($"settings.{setting}", "it is a secret, and a pool's settings have none.");
            if (string.Equals(setting, "xml", StringComparison.OrdinalIgnoreCase))
                return spec.Settings.Count == 1 ? Native(name, text) : throw Refusal.Invalid("settings.xml", "libvirt's own definition says everything: no other setting goes with it.");
            path = string.Equals(setting, "path", StringComparison.OrdinalIgnoreCase) ? text : throw Refusal.Invalid($"settings.{setting}", "there is no such setting: 'path' and 'xml' are.");
        }

        path ??= Images + name;
        if (!path.StartsWith('/') || path.Split('/').Contains("..") || !BoundedXml.CanHold(path + name))
            throw Refusal.Invalid("settings.path", $"'{path}' is not the whole path of a directory.");
        return BoundedXml.Write(new XElement("pool", new XAttribute("type", "dir"), new XElement("name", name), new XElement("target", new XElement("path", path))));
    }

    private static string Native(string name, string document)
    {
        XElement xml;
        try
        {
            xml = BoundedXml.Read(document, "pool");
        }
        catch (HypervisorException error)
        {
            throw Refusal.Invalid("settings.xml", error.Message);
        }

        return xml.Element("name")?.Value == name ? BoundedXml.Write(xml) : throw Refusal.Invalid("settings.xml", $"its name is '{xml.Element("name")?.Value}' and not '{name}'.");
    }

    private static ByteSize SizeOf(ulong bytes) => new((long)Math.Min(bytes, long.MaxValue));

    private async Task<Operation<T>> BeginAsync<T>(string kind, RequestOptions? request, Func<LibvirtConnection, CancellationToken, Task> check, Func<LibvirtConnection, CancellationToken, Task<T>> work, CancellationToken cancellationToken)
        where T : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        var libvirt = await parts.Link.GetAsync(cancellationToken).ConfigureAwait(false);
        if (request?.RequestId is not { } asked || await parts.Server.Ledger.LookUpAsync(asked, cancellationToken).ConfigureAwait(false) is not { State: RequestState.Running or RequestState.Succeeded })
            await check(libvirt, cancellationToken).ConfigureAwait(false);
        return await parts.Server.Ledger.BeginAsync(
            kind, request, parts.Options.DefaultDeadline, () => default,
            async (progress, token) =>
            {
                progress.Say(kind);
                return await work(await parts.Link.GetAsync(token).ConfigureAwait(false), token).ConfigureAwait(false);
            },
            cancellationToken).ConfigureAwait(false);
    }
}
