using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Checks what a request says of disks, and makes the ones that are the machine's own.</summary>
[SupportedOSPlatform("linux")]
internal sealed class DiskMaker(QemuServices services)
{
    private ExistingVolumes? _existing;

    private ExistingVolumes Existing => _existing ??= new ExistingVolumes(services, this);

    public const long MaxSizeBytes = 1L << 47;

    private const int SectorBytes = 512;

    private static readonly string[] s_buses = ["virtio", "scsi", "sata", "ide", "usb"];

    /// <summary>What a disk will be, checked: nothing is made yet.</summary>
    /// <param name="spec">What was asked for.</param>
    /// <param name="id">The id that it has when none was asked for.</param>
    /// <param name="machine">The machine's own settings.</param>
    /// <param name="platform">How machines of its architecture are made.</param>
    /// <param name="field">The field of the request, for messages.</param>
    public DiskConfig Plan(DiskSpec spec, string id, QemuMachine machine, QemuArchitecture platform, string field)
    {
        string diskId = spec.Id is { } wanted ? CheckDeviceId(wanted, $"{field}.id") : id;
        string bus = spec.Bus ?? (spec.Content is not DiskContent.Cd ? "virtio" : CdBusOf(platform));
        if (!s_buses.Contains(bus))
            throw SpecProblem.Invalid($"{field}.bus", $"'{Echo(bus)}' is not a bus: {string.Join(", ", s_buses)}");
        if ((bus is "ide" or "sata" && !platform.IsPc) || (bus == "scsi" && !platform.HasExtras) || (bus == "usb" && !HasUsb(platform)))
            throw SpecProblem.Unsupported($"{field}.bus", $"{platform.Name} machines have no disks on '{bus}' here; take virtio");
        if (spec.Passphrase is not null && spec.Content is DiskContent.Cd)
            throw SpecProblem.Invalid($"{field}.passphrase", "a CD is not encrypted");
        if (spec is { DetectZeroes: ZeroDetection.Discard, Discard: false })
            throw SpecProblem.Invalid($"{field}.detectZeroes", "zeros are not given back where nothing is: let the disk discard too, or write them");
        if (spec.Passphrase is not null && services.Options.Secrets is null)
            throw SpecProblem.Unsupported($"{field}.passphrase", $"this backend was given nobody who keeps secrets ({nameof(QemuOptions)}.{nameof(QemuOptions.Secrets)})");
        if (spec.Serial is { } serial && (serial.Length is 0 or > 20 || serial.Any(c => !char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))))
            throw SpecProblem.Invalid($"{field}.serial", $"'{Echo(serial)}' is not a serial number: 1 to 20 letters, digits, '-', '_' and '.'");
        if (bus == "usb" && spec.Limits is not null)
            throw SpecProblem.Unsupported($"{field}.limits", "a disk on 'usb' has no limits here");
        var disk = new DiskConfig { Id = diskId, Bus = bus, Serial = spec.Serial, ReadOnly = spec.ReadOnly, Format = ImageFormat.Qcow2, Limits = CheckLimits(spec.Limits, $"{field}.limits"), Passphrase = spec.Passphrase, KeepsDiscarded = !spec.Discard, DetectZeroes = spec.DetectZeroes };
        return spec.Content switch
        {
            DiskContent.Blank { Pool: not null } or DiskContent.FromImage { Pool: not null } =>
                throw SpecProblem.Invalid($"{field}.content.pool", "this backend has no pools; make the volume at a storage backend and attach it"),
            DiskContent.Blank blank => disk with { File = $"{diskId}.qcow2", SizeBytes = CheckSize(blank.Size, field), DeleteWithMachine = spec.Disposal != DiskDisposal.Kept },
            DiskContent.FromImage image => PlanFromImage(disk, image, machine, field) with { DeleteWithMachine = spec.Disposal != DiskDisposal.Kept },
            DiskContent.Attached attached => PlanAttached(disk, attached.Attachment, spec.Disposal, field),
            DiskContent.Cd cd => PlanCd(disk, cd, platform, spec.Disposal, field),
            DiskContent.Existing existing => Existing.Plan(disk, existing.Volume, spec.Disposal, field),
            _ => throw SpecProblem.Unsupported($"{field}.content", "this content is not known here"),
        };
    }

    /// <summary>Whether machines of an architecture have a USB controller when they are to.</summary>
    public static bool HasUsb(QemuArchitecture platform) => platform.IsPc || platform is { HasExtras: true, Bus: QemuBus.PciExpress };

    /// <summary>Limits that a request asks for; null for none.</summary>
    public static DiskLimits? CheckLimits(DiskLimits? limits, string field)
    {
        if (limits is not null && !limits.IsConsistent(out string? member, out string? problem))
            throw SpecProblem.Invalid($"{field}.{member}", problem);
        return limits is null || limits.ToString().Length == 0 ? null : limits;
    }

    /// <summary>Where a machine has its CD drives when nobody asks for another place.</summary>
    public static string CdBusOf(QemuArchitecture platform) => platform.IsPc ? "ide" : "scsi";

    /// <summary>The image for a CD drive: where it is, and its size; none for null.</summary>
    public (string? Path, long SizeBytes) FindCd(string? image, string field)
    {
        if (image is null)
            return default;
        string path = PathOfImage(image, field);
        return (path, new FileInfo(path).Length);
    }

    /// <summary>Makes a planned disk in the machine's directory, or takes one over that is there. Does nothing for somebody else's.</summary>
    /// <param name="change">The change.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="cancellationToken">Gives up; what was made is the caller's to remove.</param>
    public async Task MakeAsync(MachineChange change, DiskConfig disk, CancellationToken cancellationToken)
    {
        if (disk.File is null)
            return;
        if (disk.TakenFrom is not null)
        {
            await Existing.TakeAsync(change, disk, cancellationToken).ConfigureAwait(false);
            return;
        }

        string path = StateDirectory.Disk(change.Id, disk.File);
        var root = change.Root;
        using var file = root.CreateFile(path);
        var image = DiskImage.InFile(file, disk.Format).WithPassphrase(await DiskKeys.GetAsync(services, disk.Passphrase, cancellationToken).ConfigureAwait(false));
        var below = disk.Backing.Count > 0 ? disk.Backing[0] : null;
        var options = new ImageCreateOptions { BackingFile = below?.ExternalPath ?? below?.File, BackingFormat = below?.Format, KeyDerivationTime = services.Options.KeyDerivationTime };
        await root.EffectAsync($"make image {path}", () => services.Images.CreateAsync(image, new ByteSize(disk.SizeBytes), options, cancellationToken)).ConfigureAwait(false);

        root.FlushFile(file, path);
    }

    /// <summary>Makes a disk that is a copy of an image.</summary>
    public async Task CopyAsync(MachineChange change, DiskConfig disk, string image, CancellationToken cancellationToken)
    {
        var (directory, path, format) = FindImage(image, "disks.content.image");
        using (directory)
        using (var chain = ImageChain.Open(directory, path, format))
        {
            string target = StateDirectory.Disk(change.Id, disk.File!);
            var root = change.Root;
            using var file = root.CreateFile(target);
            change.Progress.Say($"copying {image}", 0);
            var made = DiskImage.InFile(file, disk.Format).WithPassphrase(await DiskKeys.GetAsync(services, disk.Passphrase, cancellationToken).ConfigureAwait(false));
            var options = new ImageCreateOptions { KeyDerivationTime = services.Options.KeyDerivationTime };
            await root.EffectAsync($"copy image {target}", () => services.Images.ConvertAsync(chain.Image, made, options, change.Progress, cancellationToken)).ConfigureAwait(false);
            if (disk.SizeBytes > chain.Top.Size.Bytes)
                await root.EffectAsync($"resize image {target}", () => services.Images.ResizeAsync(made, new ByteSize(disk.SizeBytes), cancellationToken)).ConfigureAwait(false);
            root.FlushFile(file, target);
        }
    }

    /// <summary>Finds a file beneath one of the image directories.</summary>
    /// <param name="name">A path beneath one of them, or an absolute one that leads there.</param>
    /// <param name="field">The field of the request, for messages.</param>
    /// <returns>The directory, which the caller disposes, the path beneath it, and the format that the name's ending states.</returns>
    public (RootedDirectory Directory, string Path, string Format) FindImage(string name, string field)
    {
        if (name.Length is 0 or > 1024 || name.Any(char.IsControl))
            throw SpecProblem.Invalid(field, "an image's name is 1 to 1024 characters without control characters");
        foreach (string directory in services.Options.ImageDirectories)
        {
            string prefix = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory)) + "/";
            string path = name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
            if (Path.IsPathRooted(path) || !Directory.Exists(directory))
                continue;
            var root = RootedDirectory.Open(directory, services.State.Seam);
            if (root.Find(path) is { IsRegularFile: true })
                return (root, path, path.EndsWith(".qcow2", StringComparison.OrdinalIgnoreCase) ? ImageFormat.Qcow2 : ImageFormat.Raw);
            root.Dispose();
        }

        throw new HypervisorException(
            $"There is no image '{Echo(name)}' in the image directories of this backend ({(services.Options.ImageDirectories.Count == 0 ? "none is set" : string.Join(", ", services.Options.ImageDirectories))}).",
            ErrorCode.NotFound, RequestOutcome.Rejected)
        {
            FieldErrors = new Dictionary<string, string> { [field] = "no such image" },
        };
    }

    /// <summary>The absolute path of a file beneath one of the image directories.</summary>
    public string PathOfImage(string name, string field)
    {
        var (directory, path, _) = FindImage(name, field);
        using (directory)
            return Path.Combine(directory.Path, path);
    }

    /// <summary>A value that was refused, fit for a message.</summary>
    public static string Echo(string text)
    {
        string shown = string.Concat(text.Take(64).Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) is System.Globalization.UnicodeCategory.Format ? '?' : c));
        return text.Length > 64 ? $"{shown}..." : shown;
    }

    /// <summary>QEMU's ids are letters, digits, '-', '.' and '_' after a letter; ours begin with <c>hv-</c>.</summary>
    public static string CheckDeviceId(DeviceId id, string field)
    {
        string text = id.ToString();
        bool valid = text.Length is > 0 and <= 32 && char.IsAsciiLetterLower(text[0]) && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && !text.StartsWith("hv-", StringComparison.Ordinal)
            && !text.EndsWith("-file", StringComparison.Ordinal);
        return valid ? text : throw SpecProblem.Invalid(field, $"'{Echo(text)}' is not a device id here: 1 to 32 of a-z, 0-9 and '-', the first a letter, not beginning with 'hv-' nor ending in '-file'");
    }

    /// <summary>Refuses a file that is two disks of a machine, of which one can write.</summary>
    /// <param name="disks">All disks of the machine.</param>
    /// <param name="disk">One of them.</param>
    /// <param name="field">The field of the request, for messages.</param>
    public static void RefuseTwice(IEnumerable<DiskConfig> disks, DiskConfig disk, string field)
    {
        if (disk is { ExternalPath: { } path, IsCd: false } && disks.FirstOrDefault(other => other != disk && other.ExternalPath == path && !other.IsCd && !(other.ReadOnly && disk.ReadOnly)) is { } twin)
            throw SpecProblem.Invalid($"{field}.content.path", $"'{Echo(path)}' is the disk '{twin.Id}' already: a file can be two disks only when both are read-only");
    }

    private static long CheckSize(ByteSize size, string field) => size.Bytes > 0 && size.Bytes % 512 == 0 && size.Bytes <= MaxSizeBytes
        ? size.Bytes
        : throw SpecProblem.Invalid($"{field}.content.size", string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{size.Bytes} bytes is not the size of a disk: 512 bytes to 128 TiB, a multiple of 512"));

    private DiskConfig PlanCd(DiskConfig disk, DiskContent.Cd cd, QemuArchitecture platform, DiskDisposal? disposal, string field)
    {
        if (!platform.IsPc && !platform.HasExtras)
            throw SpecProblem.Unsupported($"{field}.content", $"{platform.Name} machines have no CD here");
        if (disk.Bus is "virtio" or "usb")
            throw SpecProblem.Invalid($"{field}.bus", $"there are no CD drives on '{disk.Bus}': ide, sata, scsi");
        if (disk.Limits is not null)
            throw SpecProblem.Invalid($"{field}.limits", "a CD drive has no limits");
        if (disposal == DiskDisposal.DeletedWithInstance)
            throw SpecProblem.Invalid($"{field}.disposal", "what was not made with the machine is not deleted with it");
        var (path, size) = FindCd(cd.Image, $"{field}.content.image");
        return disk with { IsCd = true, ReadOnly = true, Format = ImageFormat.Raw, ExternalPath = path, SizeBytes = size };
    }

    private DiskConfig PlanFromImage(DiskConfig disk, DiskContent.FromImage image, QemuMachine machine, string field)
    {
        var (directory, path, format) = FindImage(image.Image, $"{field}.content.image");
        using (directory)
        using (var chain = ImageChain.Open(directory, path, format))
        {
            long imageBytes = (chain.Top.Size.Bytes + 511) / 512 * 512;
            long size = image.Size is { } wanted ? CheckSize(wanted, field) : imageBytes;
            if (size < imageBytes)
                throw SpecProblem.Invalid($"{field}.content.size", $"the image is of {chain.Top.Size}; a disk from it cannot be smaller");
            return disk with
            {
                File = $"{disk.Id}.qcow2",
                SizeBytes = size,
                Backing = machine.CopyImages ? [] : [.. chain.Layers.Select(layer => new BackingConfig { Format = layer.Format, ExternalPath = Path.Combine(directory.Path, layer.Path) })],
            };
        }
    }

    private DiskConfig PlanAttached(DiskConfig disk, VolumeAttachment attachment, DiskDisposal? disposal, string field)
    {
        if (disposal == DiskDisposal.DeletedWithInstance)
            throw SpecProblem.Invalid($"{field}.disposal", "what was not made with the machine is not deleted with it");
        switch (attachment)
        {
            case VolumeAttachment.File file when ImageFormat.IsKnown(file.Format):
                using (var handle = OpenAttached(file.Path, disk.ReadOnly, $"{field}.content.path"))
                {
                    var header = file.Format == ImageFormat.Qcow2 ? Qcow2Header.Read(handle) : null;
                    if (header is { BackingFile: not null } or { HasExternalData: true })
                        throw SpecProblem.Unsupported($"{field}.content.path", "the file names others below it; flatten it first");
                    // QEMU shows a disk of whole sectors, the rest of the last one as zeros.
                    long sectors = disk.Passphrase is null ? (RandomAccess.GetLength(handle) + SectorBytes - 1) / SectorBytes : 0;
                    return disk with { ExternalPath = Path.GetFullPath(file.Path), Format = file.Format, SizeBytes = header?.Size.Bytes ?? (sectors * SectorBytes) };
                }

            case VolumeAttachment.BlockDevice device:
                using (var handle = OpenAttached(device.Path, disk.ReadOnly, $"{field}.content.path"))
                    return disk with { ExternalPath = Path.GetFullPath(device.Path), Format = ImageFormat.Raw, IsDevice = true, SizeBytes = disk.Passphrase is null ? SizeOfDevice(handle) : 0 };

            default:
                var remote = RemoteReader.Read(attachment, $"{field}.content")
                    ?? throw SpecProblem.Unsupported($"{field}.content", $"an attachment of the kind '{attachment.Kind}' cannot be used: a file (qcow2, raw), a block device, nbd, iscsi or rbd can");
                if (remote.Secret is not null && services.Options.Secrets is null)
                    throw SpecProblem.Unsupported($"{field}.content", $"this backend was given nobody who keeps secrets ({nameof(QemuOptions)}.{nameof(QemuOptions.Secrets)})");
                return disk with { Remote = remote, Format = ImageFormat.Raw };
        }
    }

    /// <summary>A disk that is to be what somebody else attaches, checked.</summary>
    public DiskConfig PlanTarget(DiskConfig disk, VolumeAttachment attachment, string field) =>
        PlanAttached(disk with { File = null, ExternalPath = null, IsDevice = false, Remote = null, Backing = [], DeleteWithMachine = false }, attachment, null, field);

    /// <summary>Its length says nothing of a device; where its end is does.</summary>
    private static long SizeOfDevice(Microsoft.Win32.SafeHandles.SafeFileHandle device)
    {
        const int End = 2;
        long size = Processes.Native.Seek((int)device.DangerousGetHandle(), 0, End);
        return size >= 0 ? size : throw Processes.Native.Failure("Asking for the size of a device");
    }

    /// <summary>Opens a file or device of somebody else's, which must be where this backend may attach from.</summary>
    public Microsoft.Win32.SafeHandles.SafeFileHandle OpenAttached(string path, bool readOnly, string field)
    {
        if (!Path.IsPathFullyQualified(path) || path.Any(char.IsControl))
            throw SpecProblem.Invalid(field, $"'{Echo(path)}' is not an absolute path");
        string full = Path.GetFullPath(path);
        if (services.Options.AttachDirectories is { } allowed && !allowed.Any(directory => ElsewhereFile.Beneath(directory, full) is not null))
            throw Refused("it is outside the directories from which this backend attaches", ErrorCode.Denied, null);
        try
        {
            return ElsewhereFile.Open(services.Options, full, !readOnly);
        }
        catch (HypervisorException error)
        {
            throw Refused(error.Message.TrimEnd('.'), error.Code == ErrorCode.NotFound ? ErrorCode.NotFound : ErrorCode.Denied, error);
        }

        HypervisorException Refused(string why, ErrorCode code, Exception? error) =>
            new($"'{Echo(path)}' cannot be attached: {why}.", code, RequestOutcome.Rejected, error) { FieldErrors = new Dictionary<string, string> { [field] = $"'{Echo(path)}': {why}" } };
    }
}
