using System.Globalization;
using Hypervisor.Sdk.Simulation.Worlds;

namespace Hypervisor.Sdk.Simulation.Machines;

/// <summary>Checks what a request says of a machine and turns it into a configuration. Nothing is done yet; what is refused names its field.</summary>
internal sealed class MachineReader(World world)
{
    public const int MaxDisks = 24;
    public const int MaxNetworks = 8;
    private const int MaxCpus = 1024;
    private const int MaxTextChars = 4096;
    private const long MaxDiskBytes = 1L << 47;
    private static readonly ByteSize s_leastMemory = ByteSize.FromMiB(1);
    private static readonly ByteSize s_mostMemory = ByteSize.FromTiB(64);
    private static readonly string[] s_buses = ["virtio", "scsi", "sata", "ide"];

    /// <summary>The configuration that a request asks for, and where it goes.</summary>
    public (InstanceConfig Config, SimNode Node) Read(VirtualMachineSpec spec)
    {
        RefuseUnsupported(spec);
        var node = world.Place(spec.Placement, spec.Architecture);
        var config = new InstanceConfig
        {
            Name = CheckName(spec.Name),
            Kind = InstanceKind.VirtualMachine,
            Description = CheckText(spec.Description, "description"),
            GuestOs = CheckText(spec.GuestOs, "guestOs"),
            CpuModel = CheckText(spec.CpuModel, "cpuModel"),
            Architecture = spec.Architecture ?? node.Architecture,
            HasPassthrough = spec.PassthroughDevices.Count > 0,
            HasCloudInit = spec.CloudInit is not null,
            Labels = CheckLabels(spec.Labels),
        };
        config = ApplySizing(config, spec.Sizing, "sizing");
        if (spec.Disks.Count > MaxDisks || spec.Networks.Count > MaxNetworks)
            throw world.Invalid(spec.Disks.Count > MaxDisks ? "disks" : "networks", $"at most {MaxDisks} disks and {MaxNetworks} network devices");
        config = config with
        {
            Disks = spec.Disks.Count == 0 ? [] : [.. spec.Disks.Select((disk, index) => ReadDisk(disk, $"disk{index}", node, $"disks[{index}]"))],
            Networks = spec.Networks.Count == 0 ? [] : [.. spec.Networks.Select((network, index) => ReadNetwork(network, $"net{index}", $"networks[{index}]"))],
        };
        RefuseTwice(config);
        return (ReadBoot(config, spec), node);
    }

    /// <summary>A name that this backend accepts.</summary>
    public string CheckName(InstanceName name)
    {
        if (name.IsDefault)
            throw new ArgumentException("A name is needed.", nameof(name));
        string text = name.ToString();
        return world.Personality.Naming.Accepts(text, out string? problem) ? text : throw world.Invalid("name", problem);
    }

    /// <summary>A text for people.</summary>
    public string? CheckText(string? text, string field) => text is null or { Length: <= MaxTextChars } ? text : throw world.Invalid(field, $"at most {MaxTextChars} characters");

    /// <summary>The labels that a request sets, checked.</summary>
    public IReadOnlyDictionary<string, string> CheckLabels(IEnumerable<KeyValuePair<string, string>> labels)
    {
        Dictionary<string, string>? copy = null;
        foreach (var (key, value) in labels)
        {
            if (key.Length is 0 or > 128 || key.Any(char.IsControl) || key.StartsWith("hvsdk.", StringComparison.Ordinal) || value.Length > MaxTextChars || copy is { Count: 64 })
                throw world.Invalid("labels", $"'{key[..Math.Min(key.Length, 64)]}': at most 64 labels, keys of 1 to 128 characters that do not begin with 'hvsdk.', values of at most 4096");
            (copy ??= new Dictionary<string, string>(StringComparer.Ordinal))[key] = value;
        }

        return copy ?? s_noLabels;
    }

    private static readonly IReadOnlyDictionary<string, string> s_noLabels = new Dictionary<string, string>();

    /// <summary>The same configuration with other CPUs and memory.</summary>
    public InstanceConfig ApplySizing(InstanceConfig config, Sizing? sizing, string field)
    {
        if (sizing is not Sizing.Explicit size)
            throw world.Unsupported(field, "this backend has no named sizes; say CPUs and memory");
        if (size.Cpus is < 1 or > MaxCpus || (size.MaxCpus is { } most && (most < size.Cpus || most > MaxCpus)))
            throw world.Invalid($"{field}.cpus", $"1 to {MaxCpus} CPUs, and not more than the maximum");
        if (size.Memory < s_leastMemory || size.Memory > s_mostMemory || size.Memory.Bytes % (1 << 20) != 0)
            throw world.Invalid($"{field}.memory", $"memory is {s_leastMemory} to {s_mostMemory}, in whole MiB");
        if (size.MaxMemory is { } limit && (limit < size.Memory || limit > s_mostMemory || limit.Bytes % (1 << 20) != 0))
            throw world.Invalid($"{field}.maxMemory", "the maximum is not less than the memory, in whole MiB");
        return config with { Cpus = size.Cpus, MaxCpus = size.MaxCpus, MemoryBytes = size.Memory.Bytes, MaxMemoryBytes = size.MaxMemory?.Bytes };
    }

    /// <summary>A disk that a request asks for: planned, not made.</summary>
    public DiskConfig ReadDisk(DiskSpec spec, string id, SimNode node, string field)
    {
        string bus = spec.Bus ?? (spec.Content is DiskContent.Cd ? "ide" : "virtio");
        if (!s_buses.Contains(bus))
            throw world.Invalid($"{field}.bus", $"'{bus[..Math.Min(bus.Length, 64)]}' is not a bus: {string.Join(", ", s_buses)}");
        if (spec.Serial is { } serial && (serial.Length is 0 or > 20 || serial.Any(static c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))))
            throw world.Invalid($"{field}.serial", "a serial number is 1 to 20 letters, digits, '-', '_' and '.'");
        var disk = new DiskConfig(spec.Id is { } wanted ? CheckDeviceId(wanted, $"{field}.id") : DeviceId.Parse(id), bus) { Serial = spec.Serial, ReadOnly = spec.ReadOnly, Limits = CheckLimits(spec.Limits, $"{field}.limits"), Discard = spec.Discard, DetectZeroes = spec.DetectZeroes };
        if (spec is { DetectZeroes: ZeroDetection.Discard, Discard: false })
            throw world.Invalid($"{field}.detectZeroes", "zeros are not given back where nothing is: let the disk discard too, or write them");
        if (spec.Passphrase is not null)
            throw world.Unsupported($"{field}.passphrase", "encrypted disks are not simulated");
        if (spec.Content is DiskContent.Cd cd)
            return ReadCd(disk, cd, spec.Disposal, field);
        var own = disk with { IsOwn = true, Disposal = spec.Disposal ?? DiskDisposal.DeletedWithInstance };
        if (spec.Content is DiskContent.Existing or DiskContent.Attached && spec.Disposal == DiskDisposal.DeletedWithInstance)
            throw world.Invalid($"{field}.disposal", "content that is not made with the instance is never deleted with it");
        if (!world.Personality.HasPools)
            RefusePools(spec.Content, field);
        return spec.Content switch
        {
            DiskContent.Blank blank => own with { Pool = world.RequirePool(blank.Pool, node, $"{field}.content.pool"), SizeBytes = CheckSize(blank.Size, field) },
            DiskContent.FromImage image => ReadImage(own, image, node, field),
            DiskContent.Existing existing => ReadExisting(disk, existing.Volume, field),
            DiskContent.Attached { Attachment: VolumeAttachment.Managed managed } => ReadExisting(disk, managed.Volume, field),
            DiskContent.Attached attached => disk with { External = External(attached.Attachment) },
            _ => throw world.Unsupported($"{field}.content", "this content is not known here"),
        };
    }

    /// <summary>Limits that a request asks for.</summary>
    public DiskLimits? CheckLimits(DiskLimits? limits, string field)
    {
        if (limits is null)
            return null;
        if (!limits.IsConsistent(out string? member, out string? problem))
            throw world.Invalid($"{field}.{member}", problem);
        if (world.Personality.Answer(Capability.LimitDisks) is { Support: CapabilitySupport.No } no)
            throw world.Unsupported(field, no.Reason!.TrimEnd('.'));
        return limits.ToString().Length == 0 ? null : limits;
    }

    /// <summary>An image that a request puts into a drive; null for none.</summary>
    public (string? Name, long SizeBytes) CheckCdImage(string? image, string field)
    {
        if (image is null)
            return default;
        return world.Options.Images.TryGetValue(image, out var size)
            ? (image, size.Bytes)
            : throw world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no image '{image[..Math.Min(image.Length, 64)]}'", null, field);
    }

    /// <summary>A network device that a request asks for; <see cref="World.Join"/> makes up what was not asked for.</summary>
    public NetworkConfig ReadNetwork(NetworkSpec spec, string id, string field)
    {
        var deviceId = spec.Id is { } wanted ? CheckDeviceId(wanted, $"{field}.id") : DeviceId.Parse(id);
        if (!world.Networks.TryGetValue(spec.Network, out var network) && world.Personality.NetworksHaveForms)
            throw world.Invalid($"{field}.network", $"'{spec.Network[..Math.Min(spec.Network.Length, 64)]}' is not a network: {string.Join(", ", world.Networks.Keys)}");
        if (network is null)
            throw world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no network '{spec.Network[..Math.Min(spec.Network.Length, 64)]}': {string.Join(", ", world.Networks.Keys)}", null, $"{field}.network");
        if (spec.Addresses.Count > 1)
            throw world.Unsupported($"{field}.addresses", "this backend hands out one address a device");
        if (spec.Mac is { } mac && (mac.IsDefault || mac.IsMulticast))
            throw world.Invalid($"{field}.mac", $"'{mac}' is not the address of a device");
        return new NetworkConfig(deviceId, network.Name, spec.Mac ?? default, spec.Addresses.Count == 1 ? spec.Addresses[0] : null);
    }

    /// <summary>The size that a request gives to a disk.</summary>
    public long CheckSize(ByteSize size, string field) =>
        size.Bytes is > 0 and <= MaxDiskBytes && size.Bytes % 512 == 0 ? size.Bytes : throw world.Invalid(field, "a disk is 512 bytes to 128 TiB, a multiple of 512");

    /// <summary>Two devices with one id cannot be told apart.</summary>
    public void RefuseTwice(InstanceConfig config)
    {
        if (config.Disks.Count + config.Networks.Count < 2)
            return;
        var seen = new HashSet<DeviceId>();
        foreach (var id in config.Disks.Select(static disk => disk.Id).Concat(config.Networks.Select(static network => network.Id)))
        {
            if (!seen.Add(id))
                throw world.Invalid("disks", $"two devices have the id '{id}'");
        }
    }

    private DiskConfig ReadCd(DiskConfig disk, DiskContent.Cd cd, DiskDisposal? disposal, string field)
    {
        if (disk.Bus == "virtio")
            throw world.Invalid($"{field}.bus", "there are no CD drives on 'virtio': ide, sata, scsi");
        if (disk.Limits is not null)
            throw world.Invalid($"{field}.limits", "a CD drive has no limits");
        if (disposal == DiskDisposal.DeletedWithInstance)
            throw world.Invalid($"{field}.disposal", "content that is not made with the instance is never deleted with it");
        var (image, bytes) = CheckCdImage(cd.Image, $"{field}.content.image");
        return disk with { IsCd = true, ReadOnly = true, Image = image, SizeBytes = bytes };
    }

    private void RefusePools(DiskContent content, string field)
    {
        if (content is DiskContent.Blank { Pool: not null } or DiskContent.FromImage { Pool: not null })
            throw world.Invalid($"{field}.content.pool", "this backend has no pools; make the volume at a storage backend and attach it");
        if (content is DiskContent.Existing)
            throw world.Unsupported($"{field}.content", "this backend has no volumes of its own beside its machines'; attach a file or a device (DiskContent.Attached)");
    }

    public static string External(VolumeAttachment attachment) => attachment switch
    {
        VolumeAttachment.File file => file.Path,
        VolumeAttachment.BlockDevice device => device.Path,
        VolumeAttachment.Rbd rbd => rbd.Namespace is null ? $"rbd:{rbd.Pool}/{rbd.Image}" : $"rbd:{rbd.Pool}/{rbd.Namespace}/{rbd.Image}",
        VolumeAttachment.Iscsi iscsi => string.Create(CultureInfo.InvariantCulture, $"{iscsi.Target}/{iscsi.Lun}"),
        VolumeAttachment.Nbd nbd => nbd.Export.ToString(),
        _ => attachment.Kind,
    };

    private DeviceId CheckDeviceId(DeviceId id, string field)
    {
        string text = id.ToString();
        return text.Length is > 0 and <= 32 && char.IsAsciiLetter(text[0]) && text.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            ? id : throw world.Invalid(field, "a device is called by 1 to 32 letters, digits, '-' and '_', the first a letter");
    }

    private DiskConfig ReadImage(DiskConfig own, DiskContent.FromImage content, SimNode node, string field)
    {
        if (!world.Options.Images.TryGetValue(content.Image, out var imageSize))
            throw world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no image '{content.Image[..Math.Min(content.Image.Length, 64)]}'", null, $"{field}.content.image");
        var size = content.Size ?? imageSize;
        if (size < imageSize)
            throw world.Invalid($"{field}.content.size", $"the image '{content.Image}' is {imageSize}; a disk of it is not smaller");
        return own with { Pool = world.RequirePool(content.Pool, node, $"{field}.content.pool"), SizeBytes = CheckSize(size, field), ImageBytes = imageSize.Bytes };
    }

    private DiskConfig ReadExisting(DiskConfig disk, VolumeId id, string field)
    {
        if (!world.Volumes.TryGetValue(id, out var volume))
            throw world.Error(ErrorCode.NotFound, RequestOutcome.Rejected, $"there is no volume '{id}'", null, $"{field}.content.volume");
        return volume.Owner is null ? disk with { Volume = volume } : throw world.Error(ErrorCode.Locked, RequestOutcome.Rejected, $"the volume '{id}' is a disk of '{volume.Owner.Name}'", null, $"{field}.content.volume");
    }

    private InstanceConfig ReadBoot(InstanceConfig config, VirtualMachineSpec spec)
    {
        switch (spec.Boot)
        {
            case BootSource.FirstDisk:
                return config.Disks.Count > 0 ? config with { BootsFromDisk = true } : throw world.Invalid("boot", "there is no disk to boot from; add one, or name an ISO or a kernel");
            case BootSource.NetworkBoot:
                return config.Networks.Count > 0 ? config with { BootsFromNetwork = true } : throw world.Invalid("boot", "there is no network device to boot from");
            case BootSource.Iso iso:
                return config with { Disks = [.. config.Disks, CdOf(config, iso.Image.ToString())] };
            default:
                return config;
        }
    }

    /// <summary>The drive of what an installer boots from.</summary>
    private DiskConfig CdOf(InstanceConfig config, string image)
    {
        var taken = config.Disks.Select(static disk => disk.Id).Concat(config.Networks.Select(static network => network.Id)).ToHashSet();
        var id = Enumerable.Range(0, taken.Count + 1).Select(static number => DeviceId.Parse(string.Create(CultureInfo.InvariantCulture, $"cd{number}"))).First(free => !taken.Contains(free));
        return new DiskConfig(id, "ide") { IsCd = true, ReadOnly = true, Image = image, SizeBytes = world.Options.Images.TryGetValue(image, out var size) ? size.Bytes : 0 };
    }

    private void RefuseUnsupported(VirtualMachineSpec spec)
    {
        if (spec.Firmware is Firmware.Uefi or Firmware.UefiSecureBoot && world.Personality.Answer(Capability.UefiFirmware) is { Support: CapabilitySupport.No } firmware)
            throw world.Unsupported("firmware", firmware.Reason!.TrimEnd('.'));
        if (spec.Tpm && world.Personality.Answer(Capability.Tpm) is { Support: CapabilitySupport.No } tpm)
            throw world.Unsupported("tpm", tpm.Reason!.TrimEnd('.'));
        if (spec.PassthroughDevices.Count > 0 && !world.Personality.Can(SimulationPersonality.Passthrough))
            throw world.Unsupported("passthroughDevices", "devices of the host are not handed through");
        RefuseUnsupported((InstanceSpec)spec);
    }

    /// <summary>Refuses what neither machines nor containers can be here.</summary>
    public void RefuseUnsupported(InstanceSpec spec)
    {
        if (spec.CloudInit is not null && world.Personality.Answer(Capability.CloudInit) is { Support: CapabilitySupport.No } cloudInit)
            throw world.Unsupported("cloudInit", cloudInit.Reason!.TrimEnd('.'));
        if (spec.Extensions.All.FirstOrDefault(static extension => extension.BackendKind == SimulatedBackend.Kind) is { } unknown)
            throw world.Unsupported("extensions", $"'{unknown.GetType().Name}' is not known to this version");
    }
}
