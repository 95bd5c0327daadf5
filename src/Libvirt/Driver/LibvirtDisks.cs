using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Makes the disks of machines out of specs: volumes of the daemon's pools, and what is there already.</summary>
internal sealed class LibvirtDisks(LibvirtBackendOptions options, LibvirtHost host)
{
    private static readonly string[] s_filePools = ["dir", "fs", "netfs", "gluster", "vstorage"];

    private bool IsTestDriver => host.Driver == "TEST";

    /// <summary>Refuses what no disk can be made of, before anything is sent.</summary>
    /// <param name="field">The field of the request.</param>
    /// <param name="spec">The disk.</param>
    public static void Refuse(string field, DiskSpec spec)
    {
        if (spec.Passphrase is not null)
            throw Refusal.Unsupported(field + ".passphrase", "encrypted disks are not supported over libvirt.");
        if (spec.DetectZeroes != ZeroDetection.Off)
            throw Refusal.Unsupported(field + ".detectZeroes", "zeros that a guest writes are not looked for over libvirt.");
        if (spec.Disposal == DiskDisposal.DeletedWithInstance && spec.Content is DiskContent.Existing or DiskContent.Attached or DiskContent.Cd)
            throw Refusal.Invalid(field + ".disposal", "what the create does not make is not deleted with the instance.");
        if (spec.Limits is { } limits && !limits.IsConsistent(out string? member, out string? problem))
            throw Refusal.Invalid($"{field}.limits.{member}", problem);
        if (spec.Limits is not null && spec.Content is DiskContent.Cd)
            throw Refusal.Invalid(field + ".limits", "a CD drive has no limits.");
        if (spec.Bus is { } bus && bus is not ("virtio" or "scsi" or "sata" or "ide" or "usb"))
            throw Refusal.Invalid(field + ".bus", $"'{bus}' is none of virtio, scsi, sata, ide, usb.");
        if (spec.Serial is { } serial && (serial.Length > 36 || serial.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.' or '+' or ' '))))
            throw Refusal.Invalid(field + ".serial", "a serial number has at most 36 letters, digits, '-', '_', '.', '+' and spaces.");
        switch (spec.Content)
        {
            case DiskContent.Blank { Size.Bytes: <= 0 }:
                throw Refusal.Invalid(field + ".size", "a disk has a size.");
            case DiskContent.Attached { Attachment: not (VolumeAttachment.File or VolumeAttachment.BlockDevice) } attached:
                throw Refusal.Unsupported(field, $"an attachment of the kind '{attached.Attachment.Kind}' is not supported over libvirt; a file or a block device of the daemon's host is.");
            case DiskContent.Attached { Attachment: VolumeAttachment.File { Path: var path } } when !path.StartsWith('/'):
                throw Refusal.Invalid(field, $"'{path}' is not the whole path of a file.");
        }
    }

    /// <summary>Makes a disk, and adds it to a configuration with what is to be kept about it.</summary>
    /// <returns>The device.</returns>
    public async Task<XElement> AddAsync(DomainChangeScope scope, DomainDocument config, InstanceRecord record, DiskSpec spec, CancellationToken cancellationToken)
    {
        bool isCd = spec.Content is DiskContent.Cd;
        string bus = spec.Bus ?? (isCd ? DriveBusOf(config) : "virtio");
        string target = NextTarget(config, bus);
        var source = await SourceAsync(scope, config, target, spec, cancellationToken).ConfigureAwait(false);
        var element = new XElement(
            "disk",
            new XAttribute("type", source.IsBlock ? "block" : "file"),
            new XAttribute("device", isCd ? "cdrom" : "disk"),
            IsTestDriver ? null : new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", source.Format), spec.Discard && !isCd && !spec.ReadOnly ? new XAttribute("discard", "unmap") : null),
            source.Path is null ? null : new XElement("source", new XAttribute(source.IsBlock ? "dev" : "file", source.Path)),
            new XElement("target", new XAttribute("dev", target), new XAttribute("bus", bus)),
            spec.Serial is null ? null : new XElement("serial", spec.Serial),
            isCd || spec.ReadOnly ? new XElement("readonly") : null);
        new DomainDisk(element).SetLimits(spec.Limits);
        record.Disks[target] = source.Record with { IsDeletedWithInstance = source.Record.Volume is not null && spec.Disposal != DiskDisposal.Kept };
        config.AddDevice(element);
        return element;
    }

    /// <summary>Makes the volume that what the first serial port prints is kept in: of what lies in pools, the daemon hands out the content.</summary>
    /// <returns>Its path; null where the pool of the machines keeps no files.</returns>
    public async Task<string?> MakeConsoleLogAsync(DomainChangeScope scope, InstanceRecord record, Guid uuid, CancellationToken cancellationToken)
    {
        var libvirt = scope.Libvirt;
        try
        {
            var pool = await libvirt.StoragePoolLookupByNameAsync(options.Pool.ToString(), cancellationToken).ConfigureAwait(false);
            if (await libvirt.StoragePoolIsActiveAsync(pool, cancellationToken).ConfigureAwait(false) == 0 || Array.IndexOf(s_filePools, await KindOfAsync(libvirt, pool, cancellationToken).ConfigureAwait(false)) < 0)
                return null;
            string name = $"{uuid:D}-console.log";
            var volume = await RemadeAsync(libvirt, pool, name, () => libvirt.StorageVolCreateXmlAsync(pool, Describe(name, 0, "raw"), 0, cancellationToken), cancellationToken).ConfigureAwait(false);
            var file = new InstanceRecord.DiskRecord(null, pool.Name, name, true);
            scope.Made.Add(file);
            record.Files["console"] = file;
            return await libvirt.StorageVolGetPathAsync(volume, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoStoragePool)
        {
            return null;
        }
    }

    /// <summary>What libvirt (9.0) gives the kernel of a file's path that is mounted by a loop device, LO_NAME_SIZE of linux/loop.h without the end: it mounts none with a longer one.</summary>
    private const int MaxMountedPathBytes = 63;

    /// <summary>Copies a volume to be the root of a container, which the daemon mounts as it is: raw. Its name is the container's id, as short as it can be written.</summary>
    /// <returns>Its path.</returns>
    public async Task<string> MakeRootAsync(DomainChangeScope scope, InstanceRecord record, Guid uuid, VirStorageVol origin, CancellationToken cancellationToken)
    {
        var libvirt = scope.Libvirt;
        var pool = await FindPoolAsync(libvirt, options.Pool.ToString(), cancellationToken).ConfigureAwait(false);
        string name = "root-" + Base64Url.EncodeToString(uuid.ToByteArray(bigEndian: true));
        long size = (long)(await libvirt.StorageVolGetInfoAsync(origin, cancellationToken).ConfigureAwait(false)).Capacity;
        var volume = await RemadeAsync(
            libvirt, pool, name, () => libvirt.WithTimeout(Timeout.InfiniteTimeSpan).StorageVolCreateXmlFromAsync(pool, Describe(name, size, "raw"), origin, 0, cancellationToken), cancellationToken).ConfigureAwait(false);
        var file = new InstanceRecord.DiskRecord(size, pool.Name, name, true);
        scope.Made.Add(file);
        record.Files["root"] = file;
        string path = await libvirt.StorageVolGetPathAsync(volume, cancellationToken).ConfigureAwait(false);
        return Encoding.UTF8.GetByteCount(path) <= MaxMountedPathBytes ? path
            : throw Refusal.Unsupported("image", $"its copy would be '{path}', and libvirt mounts no file with a path of more than {MaxMountedPathBytes} bytes: the pool '{pool.Name}' needs a shorter one.");
    }

    /// <summary>Makes an empty qcow2 image for a disk, in a pool of files.</summary>
    /// <param name="libvirt">The connection.</param>
    /// <param name="facts">The domain.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="like">Says the pool, and the size where that is known.</param>
    /// <param name="below">What it lies upon; null for nothing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<(InstanceRecord.DiskRecord Record, string Path)> MakeImageAsync(LibvirtConnection libvirt, DomainFacts facts, DomainDisk disk, InstanceRecord.DiskRecord like, string? below, CancellationToken cancellationToken)
    {
        var pool = await FindPoolAsync(libvirt, like.Pool!, cancellationToken).ConfigureAwait(false);
        if (Array.IndexOf(s_filePools, await KindOfAsync(libvirt, pool, cancellationToken).ConfigureAwait(false)) < 0)
            throw Refusal.Unsupported("disk", $"the storage pool '{pool.Name}' keeps no files, and qcow2 images are files.");
        // No name comes twice: where the last answer was lost, the guest may be on an image that the record does not know.
        string name = string.Create(CultureInfo.InvariantCulture, $"{facts.Domain.Uuid:D}-{disk.Target}-{facts.Record.Changes + 1}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}.qcow2");
        var describe = BoundedXml.Read(Describe(name, like.SizeBytes ?? 0, "qcow2"), "volume");
        if (below is not null)
            describe.Add(new XElement("backingStore", new XElement("path", below), new XElement("format", new XAttribute("type", disk.Format ?? "raw"))));
        var volume = await libvirt.StorageVolCreateXmlAsync(pool, BoundedXml.Write(describe), 0, cancellationToken).ConfigureAwait(false);
        return (new InstanceRecord.DiskRecord(like.SizeBytes, pool.Name, name, true), await libvirt.StorageVolGetPathAsync(volume, cancellationToken).ConfigureAwait(false));
    }

    /// <summary>Makes what cloud-init in the guest reads, a small read-only disk or a CD, and adds it.</summary>
    public async Task AddSeedAsync(DomainChangeScope scope, DomainDocument config, InstanceRecord record, CloudInitData data, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var libvirt = scope.Libvirt;
        string instance = data.InstanceDataId ?? config.Uuid!.Value.ToString("D");
        byte[] image = CloudInitSeed.Create(data, instance, data.HostName ?? HostNameOf(config.Name), now);
        var pool = await FindPoolAsync(libvirt, options.Pool.ToString(), cancellationToken).ConfigureAwait(false);
        string name = $"{config.Uuid:D}-cloud-init.iso";
        var volume = await RemadeAsync(libvirt, pool, name, () => libvirt.StorageVolCreateXmlAsync(pool, Describe(name, image.Length, "raw"), 0, cancellationToken), cancellationToken).ConfigureAwait(false);
        var file = new InstanceRecord.DiskRecord(image.Length, pool.Name, name, true);
        scope.Made.Add(file);
        record.Files[InstanceRecord.Seed] = file;
        var upload = await libvirt.StorageVolUploadAsync(volume, 0, (ulong)image.Length, 0, cancellationToken).ConfigureAwait(false);
        await using (upload.ConfigureAwait(false))
        {
            await upload.WriteAsync(image, cancellationToken).ConfigureAwait(false);
            await upload.FinishAsync(cancellationToken).ConfigureAwait(false);
        }

        bool isCd = data.Delivery == "cd";
        string bus = isCd ? DriveBusOf(config) : "virtio";
        var source = await OfVolumeAsync(libvirt, volume, file, cancellationToken).ConfigureAwait(false);
        config.AddDevice(new XElement(
            "disk",
            new XAttribute("type", source.IsBlock ? "block" : "file"),
            new XAttribute("device", isCd ? "cdrom" : "disk"),
            new XElement("driver", new XAttribute("name", "qemu"), new XAttribute("type", "raw")),
            new XElement("source", new XAttribute(source.IsBlock ? "dev" : "file", source.Path!)),
            new XElement("target", new XAttribute("dev", NextTarget(config, bus)), new XAttribute("bus", bus)),
            new XElement("readonly"),
            new XElement("alias", new XAttribute("name", DomainDisk.SeedAlias))));
    }

    /// <summary>A name of a machine as a host name (RFC 1123), whose parts are shorter and have fewer characters.</summary>
    private static string HostNameOf(string name)
    {
        var labels = name.Split('.').Select(label => string.Concat(label.Select(c => char.IsAsciiLetterOrDigit(c) || c == '-' ? c : '-'))).Select(label => label[..Math.Min(63, label.Length)].Trim('-')).Where(label => label.Length > 0);
        return string.Join('.', labels) is { Length: > 0 } host ? host : "machine";
    }

    private static async Task<VirStoragePool> FindPoolAsync(LibvirtConnection libvirt, string name, CancellationToken cancellationToken)
    {
        try
        {
            return await libvirt.StoragePoolLookupByNameAsync(name, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoStoragePool)
        {
            throw Refusal.Invalid("disks.pool", $"there is no storage pool '{name}'.");
        }
    }

    private static async Task<string> KindOfAsync(LibvirtConnection libvirt, VirStoragePool pool, CancellationToken cancellationToken) =>
        BoundedXml.Read(await libvirt.StoragePoolGetXmlDescAsync(pool, 0, cancellationToken).ConfigureAwait(false), "pool").Attribute("type")?.Value ?? "";

    /// <summary>Deletes a volume that was made for a disk.</summary>
    /// <returns>False when it is gone already.</returns>
    public static async Task<bool> TryDeleteAsync(LibvirtConnection libvirt, InstanceRecord.DiskRecord disk, CancellationToken cancellationToken)
    {
        if (disk is not { Pool: { } poolName, Volume: { } name })
            return false;
        try
        {
            var pool = await libvirt.StoragePoolLookupByNameAsync(poolName, cancellationToken).ConfigureAwait(false);
            var volume = await libvirt.StorageVolLookupByNameAsync(pool, name, cancellationToken).ConfigureAwait(false);
            await libvirt.StorageVolDeleteAsync(volume, 0, cancellationToken).ConfigureAwait(false);
            return true;
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrNoStorageVol or VirErrorNumber.ErrNoStoragePool)
        {
            return false;
        }
    }

    /// <summary>Has a pool look at what somebody else has put there or taken away. One that is not there, or is busy with a volume just now, goes on knowing what it knew.</summary>
    public static async Task TryRefreshAsync(LibvirtConnection libvirt, string pool)
    {
        try
        {
            await libvirt.StoragePoolRefreshAsync(await libvirt.StoragePoolLookupByNameAsync(pool, CancellationToken.None).ConfigureAwait(false), 0, CancellationToken.None).ConfigureAwait(false);
        }
        catch (LibvirtException)
        {
            // Volumes are found by their paths too.
        }
    }

    /// <summary>A volume by its path or as POOL/NAME.</summary>
    public static async Task<VirStorageVol> FindVolumeAsync(LibvirtConnection libvirt, string field, string name, CancellationToken cancellationToken)
    {
        try
        {
            if (name.StartsWith('/') || name.IndexOf('/', StringComparison.Ordinal) is not (> 0 and var slash))
                return await libvirt.StorageVolLookupByPathAsync(name, cancellationToken).ConfigureAwait(false);
            var pool = await libvirt.StoragePoolLookupByNameAsync(name[..slash], cancellationToken).ConfigureAwait(false);
            return await libvirt.StorageVolLookupByNameAsync(pool, name[(slash + 1)..], cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrNoStorageVol or VirErrorNumber.ErrNoStoragePool)
        {
            throw Refusal.Invalid(field, $"there is no volume '{name}': its path, or the pool's name, '/' and its own.");
        }
    }

    private async Task<Source> SourceAsync(DomainChangeScope scope, DomainDocument config, string target, DiskSpec spec, CancellationToken cancellationToken)
    {
        var libvirt = scope.Libvirt;
        switch (spec.Content)
        {
            case DiskContent.Cd { Image: null }:
                return new Source(null, false, "raw", new(null, null, null, false));
            case DiskContent.Cd { Image: { } image }:
                var cd = image.StartsWith('/') ? image : await libvirt.StorageVolGetPathAsync(await FindVolumeAsync(libvirt, "disks.image", image, cancellationToken).ConfigureAwait(false), cancellationToken).ConfigureAwait(false);
                return new Source(cd, false, "raw", new(null, null, null, false));
            case DiskContent.Attached { Attachment: VolumeAttachment.File file }:
                return new Source(file.Path, false, file.Format, new(null, null, null, false));
            case DiskContent.Attached { Attachment: VolumeAttachment.BlockDevice device }:
                return new Source(device.Path, true, "raw", new(null, null, null, false));
            case DiskContent.Existing existing:
                var volume = await FindVolumeAsync(libvirt, "disks.volume", existing.Volume.ToString(), cancellationToken).ConfigureAwait(false);
                return await OfVolumeAsync(libvirt, volume, new(null, null, null, false), cancellationToken).ConfigureAwait(false);
            default:
                return await MakeAsync(scope, config, target, spec.Content, cancellationToken).ConfigureAwait(false);
        }
    }

    private async Task<Source> MakeAsync(DomainChangeScope scope, DomainDocument config, string target, DiskContent content, CancellationToken cancellationToken)
    {
        var libvirt = scope.Libvirt;
        string poolName = ((content as DiskContent.Blank)?.Pool ?? (content as DiskContent.FromImage)?.Pool ?? options.Pool).ToString();
        var pool = await FindPoolAsync(libvirt, poolName, cancellationToken).ConfigureAwait(false);
        string kind = await KindOfAsync(libvirt, pool, cancellationToken).ConfigureAwait(false);
        string format = s_filePools.Contains(kind) && !IsTestDriver ? "qcow2" : "raw";
        // Named by the machine's id: what an attempt before has left is of the same request.
        string name = string.Create(CultureInfo.InvariantCulture, $"{config.Uuid:D}-{target}{(format == "qcow2" ? ".qcow2" : "")}");
        VirStorageVol volume;
        long size;
        if (content is DiskContent.FromImage image)
        {
            var origin = await FindVolumeAsync(libvirt, "disks.image", image.Image, cancellationToken).ConfigureAwait(false);
            long least = (long)(await libvirt.StorageVolGetInfoAsync(origin, cancellationToken).ConfigureAwait(false)).Capacity;
            size = image.Size?.Bytes ?? least;
            if (size < least)
                throw Refusal.Invalid("disks.size", $"{new ByteSize(size)} is less than the image's {new ByteSize(least)}.");
            volume = await RemadeAsync(libvirt, pool, name, () => libvirt.WithTimeout(Timeout.InfiniteTimeSpan).StorageVolCreateXmlFromAsync(pool, Describe(name, least, format), origin, 0, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (size > least)
                await libvirt.StorageVolResizeAsync(volume, (ulong)size, 0, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            size = ((DiskContent.Blank)content).Size.Bytes;
            volume = await RemadeAsync(libvirt, pool, name, () => libvirt.StorageVolCreateXmlAsync(pool, Describe(name, size, format), 0, cancellationToken), cancellationToken).ConfigureAwait(false);
        }

        var record = new InstanceRecord.DiskRecord(size, poolName, name, true);
        scope.Made.Add(record);
        return await OfVolumeAsync(libvirt, volume, record, cancellationToken).ConfigureAwait(false);
    }

    private static async Task<VirStorageVol> RemadeAsync(LibvirtConnection libvirt, VirStoragePool pool, string name, Func<ValueTask<VirStorageVol>> make, CancellationToken cancellationToken)
    {
        try
        {
            return await make().ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number is VirErrorNumber.ErrStorageVolExist or VirErrorNumber.ErrOperationFailed)
        {
            // libvirt has more than one word for it.
            if (!(await libvirt.StoragePoolListAllVolumesAsync(pool, 1, 0, cancellationToken).ConfigureAwait(false)).Vols.Any(volume => volume.Name == name))
                throw;
            var left = await libvirt.StorageVolLookupByNameAsync(pool, name, cancellationToken).ConfigureAwait(false);
            await libvirt.StorageVolDeleteAsync(left, 0, cancellationToken).ConfigureAwait(false);
            return await make().ConfigureAwait(false);
        }
    }

    private static async Task<Source> OfVolumeAsync(LibvirtConnection libvirt, VirStorageVol volume, InstanceRecord.DiskRecord record, CancellationToken cancellationToken)
    {
        var xml = BoundedXml.Read(await libvirt.StorageVolGetXmlDescAsync(volume, 0, cancellationToken).ConfigureAwait(false), "volume");
        var info = await libvirt.StorageVolGetInfoAsync(volume, cancellationToken).ConfigureAwait(false);
        bool isBlock = (VirStorageVolType)info.Type == VirStorageVolType.Block;
        if (!isBlock && (VirStorageVolType)info.Type != VirStorageVolType.File)
            throw Refusal.Unsupported("disks", $"a volume of the type {(VirStorageVolType)info.Type} is not supported as a disk; files and block devices are.");
        string path = xml.Element("target")?.Element("path")?.Value ?? await libvirt.StorageVolGetPathAsync(volume, cancellationToken).ConfigureAwait(false);
        return new Source(path, isBlock, xml.Element("target")?.Element("format")?.Attribute("type")?.Value ?? "raw", record with { SizeBytes = (long)info.Capacity });
    }

    private static string Describe(string name, long size, string format) => BoundedXml.Write(new XElement(
        "volume",
        new XElement("name", name),
        new XElement("capacity", new XAttribute("unit", "bytes"), size.ToString(CultureInfo.InvariantCulture)),
        new XElement("allocation", new XAttribute("unit", "bytes"), "0"),
        // Left to itself, the daemon makes images of the version 2, which cannot keep what has changed since a checkpoint.
        new XElement("target", new XElement("format", new XAttribute("type", format)), format == "qcow2" ? new XElement("compat", "1.1") : null)));

    /// <summary>What a CD drive is at: an old PC has IDE, a newer one SATA, and what is no PC neither.</summary>
    private static string DriveBusOf(DomainDocument config) =>
        config.Architecture is not ("x86_64" or "i686") ? "scsi" : config.Root.Element("os")?.Element("type")?.Attribute("machine")?.Value.Contains("q35", StringComparison.Ordinal) == true ? "sata" : "ide";

    /// <summary>The next name that no disk has, as the bus counts them: vda, vdb, …, vdz, vdaa.</summary>
    private static string NextTarget(DomainDocument config, string bus)
    {
        string prefix = bus switch
        {
            "virtio" => "vd",
            "ide" => "hd",
            _ => "sd",
        };
        var taken = config.Disks.Select(disk => disk.Target).ToHashSet(StringComparer.Ordinal);
        for (int i = 0; ; i++)
        {
            string target = prefix + (i < 26 ? "" : (char)('a' + (i / 26) - 1)) + (char)('a' + (i % 26));
            if (!taken.Contains(target))
                return target;
        }
    }

    private sealed record Source(string? Path, bool IsBlock, string Format, InstanceRecord.DiskRecord Record);
}

/// <summary>What was made on the way to a configuration, and goes again when that is not accepted.</summary>
/// <param name="Libvirt">The connection.</param>
internal sealed record DomainChangeScope(LibvirtConnection Libvirt)
{
    public List<InstanceRecord.DiskRecord> Made { get; } = [];
}
