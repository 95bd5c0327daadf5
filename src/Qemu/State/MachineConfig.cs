namespace Hypervisor.Sdk.Qemu.State;

/// <summary>What is kept of a machine, in <c>config.json</c>. Immutable: a change writes another one with the next revision.</summary>
internal sealed record MachineConfig
{
    /// <summary>The form of the file. A file of a later form is refused, not guessed at.</summary>
    public const int CurrentVersion = 1;

    public int Version { get; init; } = CurrentVersion;

    public required string Id { get; init; }

    /// <summary>The incarnation, and the UUID that QEMU is given.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>Counts the changes of the configuration.</summary>
    public long Revision { get; init; } = 1;

    /// <summary>The revision of the last change that a running QEMU has not taken in: one that was started before lacks it.</summary>
    public long StartRevision { get; init; }

    public required string Name { get; init; }

    public string? Description { get; init; }

    public string? GuestOs { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required int Cpus { get; init; }

    public int? MaxCpus { get; init; }

    public required long MemoryBytes { get; init; }

    public long? MaxMemoryBytes { get; init; }

    /// <summary>How much of its memory the guest is asked to make do with; null for all of it.</summary>
    public long? MemoryTargetBytes { get; init; }

    /// <summary>Memory that was plugged in while the machine ran, a part of <see cref="MemoryBytes"/>; the next start has it in the same places.</summary>
    public IReadOnlyList<DimmConfig> Dimms { get; init; } = [];

    /// <summary>Processors that were plugged in while the machine ran, a part of <see cref="Cpus"/>. How many it begins with shows in its devices (a virtio disk has a queue for each), so the next start plugs them in as well.</summary>
    public IReadOnlyList<PluggedCpu> PluggedCpus { get; init; } = [];

    public string? CpuModel { get; init; }

    public required BootConfig Boot { get; init; }

    /// <summary>The UEFI firmware and what it remembers; null for a machine whose firmware remembers nothing.</summary>
    public NvramConfig? Nvram { get; init; }

    /// <summary>Whether it has a TPM; what that remembers is in <c>tpm</c>.</summary>
    public bool Tpm { get; init; }

    public IReadOnlyList<DiskConfig> Disks { get; init; } = [];

    public IReadOnlyList<NetworkConfig> Networks { get; init; } = [];

    /// <summary>PCI devices of this host that it has while it runs.</summary>
    public IReadOnlyList<HostDeviceConfig> HostDevices { get; init; } = [];

    /// <summary>What cloud-init in the guest is told, and how; its documents are in <c>cloud-init.json</c>.</summary>
    public CloudInitConfig? CloudInit { get; init; }

    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    public required QemuMachine Machine { get; init; }

    /// <summary>How machines of its architecture are made; null for a PC.</summary>
    public QemuArchitecture? Platform { get; init; }

    public bool IsTemplate { get; init; }

    public string? ClonedFrom { get; init; }

    /// <summary>The move by which it comes, until that is decided; null for every machine that is here.</summary>
    public Migration.IncomingMachine? Incoming { get; init; }

    [System.Text.Json.Serialization.JsonIgnore]
    public QemuArchitecture EffectivePlatform => Platform ?? QemuArchitectures.BuiltIn[0];

    public long EffectiveMaxMemoryBytes => Math.Max(MaxMemoryBytes ?? 0, MemoryBytes);

    public int EffectiveMaxCpus => Math.Max(MaxCpus ?? 0, Cpus);
}

/// <summary>A PCI device of the host that a machine has.</summary>
internal sealed record HostDeviceConfig
{
    public required string Id { get; init; }

    /// <summary>Where the host has it: <c>0000:01:00.0</c>.</summary>
    public required string Address { get; init; }

    /// <summary>Its place on the machine's bus.</summary>
    public int? Slot { get; init; }
}

/// <summary>How cloud-init in the guest is reached.</summary>
internal sealed record CloudInitConfig
{
    /// <summary>A read-only disk on virtio, which every guest with cloud-init can read: some kernels of cloud images know no CD drives.</summary>
    public const string Disk = "disk";

    /// <summary>A CD: on IDE in a PC, on virtio SCSI elsewhere.</summary>
    public const string Cd = "cd";

    /// <summary>Host name and instance id only, in the serial number that the firmware tells.</summary>
    public const string Smbios = "smbios";

    public required string Delivery { get; init; }

    public required string InstanceId { get; init; }

    public required string HostName { get; init; }

    /// <summary>The place of the disk on the machine's bus, or of a PC's CD drive on its controller; null for what is neither.</summary>
    public int? Slot { get; init; }
}

/// <summary>A processor that was plugged in.</summary>
internal sealed record PluggedCpu
{
    public required string Id { get; init; }

    /// <summary>Its place, in QEMU's words: a JSON object (QAPI CpuInstanceProperties).</summary>
    public required string Place { get; init; }
}

/// <summary>Memory that was plugged in.</summary>
internal sealed record DimmConfig
{
    public required string Id { get; init; }

    public required long SizeBytes { get; init; }

    /// <summary>What backs it in QEMU.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public string BackendId => Id + "-memory";
}

/// <summary>UEFI firmware with variables of the machine's own.</summary>
internal sealed record NvramConfig
{
    /// <summary>The firmware proper: an absolute path.</summary>
    public required string Firmware { get; init; }

    /// <summary>What the variables began as: an absolute path.</summary>
    public required string Template { get; init; }

    /// <summary>The size of the variables, to which the firmware was built.</summary>
    public required long SizeBytes { get; init; }

    /// <summary>Whether only code in system management mode may write the variables.</summary>
    public bool NeedsSmm { get; init; }
}

/// <summary>What a machine boots from.</summary>
internal sealed record BootConfig
{
    /// <summary><c>disk</c>, <c>iso</c>, <c>kernel</c> or <c>network</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The CD image or the kernel: an absolute path.</summary>
    public string? Path { get; init; }

    public string? InitrdPath { get; init; }

    public string? CommandLine { get; init; }
}

/// <summary>A disk of a machine.</summary>
internal sealed record DiskConfig
{
    public required string Id { get; init; }

    /// <summary><c>virtio</c>, <c>scsi</c>, <c>sata</c>, <c>ide</c> or <c>usb</c>.</summary>
    public required string Bus { get; init; }

    public string? Serial { get; init; }

    public bool ReadOnly { get; init; }

    /// <summary><c>qcow2</c> or <c>raw</c>.</summary>
    public required string Format { get; init; }

    /// <summary>The file in the machine's own <c>disks</c> directory; null for one of somebody else's.</summary>
    public string? File { get; init; }

    /// <summary>The absolute path of somebody else's file or device; null for one of the machine's own.</summary>
    public string? ExternalPath { get; init; }

    /// <summary>Whether <see cref="ExternalPath"/> is a block device.</summary>
    public bool IsDevice { get; init; }

    /// <summary>Somebody else's volume that is reached by a protocol; null for a file or a device.</summary>
    public RemoteConfig? Remote { get; init; }

    /// <summary>What opens it when it is encrypted; the passphrase itself is written down nowhere.</summary>
    public SecretReference? Passphrase { get; init; }

    /// <summary>What the guest sees; 0 where only QEMU knows.</summary>
    public long SizeBytes { get; init; }

    /// <summary>Whether it is deleted with the machine; only ever so for <see cref="File"/>.</summary>
    public bool DeleteWithMachine { get; init; }

    /// <summary>Its place on the machine's bus; null for one behind a controller.</summary>
    public int? Slot { get; init; }

    /// <summary>The images below, the nearest first.</summary>
    public IReadOnlyList<BackingConfig> Backing { get; init; } = [];

    /// <summary>The name of its node in QEMU where that is another than <see cref="Id"/>: since it moved, or lies upon what it was.</summary>
    public string? Node { get; init; }

    [System.Text.Json.Serialization.JsonIgnore]
    public string NodeName => Node ?? Id;

    /// <summary>How fast the guest may use it; null for as fast as it goes.</summary>
    public DiskLimits? Limits { get; init; }

    /// <summary>Where the image was, with those of its own below it, that the machine has taken over: an absolute path; null for what was made. They have two names until the configuration is written.</summary>
    public string? TakenFrom { get; init; }

    /// <summary>Whether what the guest gives back is kept all the same.</summary>
    public bool KeepsDiscarded { get; init; }

    /// <summary>What is done with zeros that the guest writes.</summary>
    public ZeroDetection DetectZeroes { get; init; }

    /// <summary>Whether it is a CD drive: <see cref="ExternalPath"/> is the image in it, null when it is empty.</summary>
    public bool IsCd { get; init; }
}

/// <summary>An image below a disk: read only, never deleted.</summary>
internal sealed record BackingConfig
{
    public required string Format { get; init; }

    /// <summary>The file in the machine's own <c>disks</c> directory; null for one elsewhere.</summary>
    public string? File { get; init; }

    /// <summary>The absolute path of a file elsewhere.</summary>
    public string? ExternalPath { get; init; }

    /// <summary>Whether it is encrypted, with the passphrase of the disk that lies upon it.</summary>
    public bool IsEncrypted { get; init; }

    /// <summary>The name of its node in QEMU; null for one that needs none, because nothing is ever written into it.</summary>
    public string? Node { get; init; }
}

/// <summary>A network device of a machine.</summary>
internal sealed record NetworkConfig
{
    public required string Id { get; init; }

    /// <summary>The network as it was asked for: <c>user</c>, <c>user-restricted</c>, <c>bridge:NAME</c>, <c>tap:NAME</c>.</summary>
    public required string Network { get; init; }

    public required string Mac { get; init; }

    /// <summary>Its place on the machine's bus.</summary>
    public int? Slot { get; init; }
}
