using System.Globalization;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text.RegularExpressions;
using Hypervisor.Sdk.Qemu.Driver;
using Hypervisor.Sdk.Qemu.Processes;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Checks what a request says of a machine and turns it into a configuration. Nothing is done yet; what is refused names its field.</summary>
[SupportedOSPlatform("linux")]
internal sealed partial class SpecReader(QemuServices services, DiskMaker disks)
{
    private const int MaxCpus = 255;
    public const int MaxDisks = 24;
    public const int MaxNetworks = 8;
    private const int MaxNumaNodes = 8;
    private const int MaxHostDevices = 8;
    private static readonly ByteSize s_mostMemory = ByteSize.FromTiB(4);

    /// <summary>The least memory of a machine.</summary>
    public static ByteSize LeastMemory { get; } = ByteSize.FromMiB(1);

    /// <summary>The configuration that a request asks for.</summary>
    public MachineConfig Read(VirtualMachineSpec spec, string id)
    {
        string name = CheckName(spec.Name);
        var platform = services.Architectures.Require(spec.Architecture ?? QemuArchitectures.Host);
        RefuseUnsupported(spec, platform);
        var machine = NvramMaker.MachineFor(ReadMachine(spec.Extensions, platform), spec.Firmware, platform);
        var config = new MachineConfig
        {
            Id = id,
            Uuid = Guid.NewGuid(),
            Name = name,
            Description = CheckText(spec.Description, "description"),
            GuestOs = CheckText(spec.GuestOs, "guestOs"),
            CreatedAt = services.Time.GetUtcNow(),
            Cpus = 1,
            MemoryBytes = 1,
            CpuModel = CheckWord(spec.CpuModel, "cpuModel"),
            Boot = ReadBoot(spec),
            Nvram = NvramMaker.Plan(spec, machine, platform, services.Options, disks),
            Tpm = spec.Tpm,
            Machine = machine,
            Platform = services.Architectures.ToKeep(platform),
            Labels = CheckLabels(spec.Labels),
        };
        config = CheckLayout(ApplySizing(config, spec.Sizing, "sizing")) with { CloudInit = SeedMaker.Plan(spec.CloudInit, config.Uuid, name, platform) };
        if (spec.Disks.Count > MaxDisks || spec.Networks.Count > MaxNetworks)
            throw SpecProblem.Invalid(spec.Disks.Count > MaxDisks ? "disks" : "networks", $"at most {MaxDisks} disks and {MaxNetworks} network devices");
        config = config with { Disks = [.. spec.Disks.Select((disk, index) => disks.Plan(disk, $"disk{index}", machine, platform, $"disks[{index}]"))] };
        for (int i = 0; i < config.Disks.Count; i++)
            DiskMaker.RefuseTwice(config.Disks.Take(i), config.Disks[i], $"disks[{i}]");
        if (config.Disks.Any(disk => disk.Bus == "usb"))
            config = config with { Machine = machine with { Usb = true } };
        config = config with { Networks = [.. spec.Networks.Select((network, index) => ReadNetwork(network, $"net{index}", $"networks[{index}]"))] };
        config = config with { HostDevices = [.. spec.PassthroughDevices.Select((device, index) => ReadHostDevice(device, index, spec))] };
        if (platform.NeedsKernel && config.Boot.Kind != BootKinds.Kernel)
            throw SpecProblem.Unsupported("boot", $"there is no firmware for {platform.Name} machines; name a kernel");
        if (config.Boot.Kind == BootKinds.Iso && !platform.IsPc && !platform.HasExtras)
            throw SpecProblem.Unsupported("boot", $"{platform.Name} machines have no CD here");
        if (config.Boot is { Kind: BootKinds.Iso, Path: { } image })
            config = config with { Boot = config.Boot with { Path = null }, Disks = [.. config.Disks, CdOf(config, image)] };
        if (config.Boot.Kind == BootKinds.Disk && config.Disks.Count == 0)
            throw SpecProblem.Invalid("boot", "there is no disk to boot from; add one, or name an ISO or a kernel");
        if (config.Disks.Select(disk => disk.Id).Concat(config.Networks.Select(network => network.Id)).GroupBy(device => device).FirstOrDefault(group => group.Count() > 1) is { } twice)
            throw SpecProblem.Invalid("disks", $"two devices have the id '{twice.Key}'");
        config = DeviceSlots.Assign(config);
        if (DeviceSlots.WhyFull(config) is not { } full)
            return config;
        int index = config.Disks.ToList().FindIndex(disk => disk.Id == full.Device);
        string field = full.Device == SeedMaker.Device ? "cloudInit.delivery" : index < 0 ? "disks" : index < spec.Disks.Count ? string.Create(CultureInfo.InvariantCulture, $"disks[{index}].bus") : "boot";
        throw SpecProblem.Invalid(field, full.Problem);
    }

    private HostDeviceConfig ReadHostDevice(string device, int index, VirtualMachineSpec spec)
    {
        const string Field = "passthroughDevices";
        if (spec.PassthroughDevices.Count > MaxHostDevices)
            throw SpecProblem.Invalid(Field, $"at most {MaxHostDevices} devices of the host");
        if (spec.PassthroughDevices.IndexOf(device) != index)
            throw SpecProblem.Invalid(Field, $"'{DiskMaker.Echo(device)}' is named twice");
        if (device.StartsWith(QemuUsbDevices.Prefix, StringComparison.Ordinal))
            throw SpecProblem.Unsupported(Field, $"'{DiskMaker.Echo(device)}': {services.UsbDevices.WhyNot(device[QemuUsbDevices.Prefix.Length..])}");
        return services.PciDevices.WhyNot(device) is { } problem
            ? throw SpecProblem.Unsupported(Field, $"'{DiskMaker.Echo(device)}': {problem}")
            : new HostDeviceConfig { Id = string.Create(CultureInfo.InvariantCulture, $"hv-host{index}"), Address = device };
    }

    /// <summary>The drive of what an installer boots from.</summary>
    private static DiskConfig CdOf(MachineConfig config, string image)
    {
        var taken = config.Disks.Select(disk => disk.Id).Concat(config.Networks.Select(network => network.Id)).ToHashSet(StringComparer.Ordinal);
        string id = Enumerable.Range(0, taken.Count + 1).Select(number => string.Create(CultureInfo.InvariantCulture, $"cd{number}")).First(free => !taken.Contains(free));
        return new DiskConfig { Id = id, Bus = DiskMaker.CdBusOf(config.EffectivePlatform), ReadOnly = true, IsCd = true, Format = DiskImages.ImageFormat.Raw, ExternalPath = image, SizeBytes = new FileInfo(image).Length };
    }

    /// <summary>A name that this backend accepts.</summary>
    public string CheckName(InstanceName name)
    {
        if (name.IsDefault)
            throw new ArgumentException("A name is needed.", nameof(name));
        return services.Naming.Accepts(name.ToString(), out string? problem) ? name.ToString() : throw SpecProblem.Invalid("name", problem);
    }

    /// <summary>The same configuration with other CPUs and memory.</summary>
    public static MachineConfig ApplySizing(MachineConfig config, Sizing sizing, string field)
    {
        if (sizing is not Sizing.Explicit size)
            throw SpecProblem.Unsupported(field, "this backend has no named sizes; say CPUs and memory");
        if (size.Cpus is < 1 or > MaxCpus || (size.MaxCpus is { } most && (most < size.Cpus || most > MaxCpus)))
            throw SpecProblem.Invalid($"{field}.cpus", string.Create(CultureInfo.InvariantCulture, $"{size.Cpus} CPUs{(size.MaxCpus is { } limitCpus ? $" of at most {limitCpus}" : "")}: it is 1 to {MaxCpus}, and not more than the maximum"));
        if (size.Memory < LeastMemory || size.Memory > s_mostMemory || size.Memory.Bytes % (1 << 20) != 0)
            throw SpecProblem.Invalid($"{field}.memory", string.Create(CultureInfo.InvariantCulture, $"{size.Memory.Bytes} bytes: memory is {LeastMemory} to {s_mostMemory}, in whole MiB"));
        if (size.MaxMemory is { } limit && (limit < size.Memory || limit > s_mostMemory || limit.Bytes % (1 << 20) != 0))
            throw SpecProblem.Invalid($"{field}.maxMemory", string.Create(CultureInfo.InvariantCulture, $"{limit.Bytes} bytes: the maximum is not less than the memory ({size.Memory}), in whole MiB"));
        return config with { Cpus = size.Cpus, MaxCpus = size.MaxCpus, MemoryBytes = size.Memory.Bytes, MaxMemoryBytes = size.MaxMemory?.Bytes };
    }

    /// <summary>The same configuration, whose CPUs and memory are looked at beside how the guest is to see them.</summary>
    public static MachineConfig CheckLayout(MachineConfig config)
    {
        var machine = config.Machine;
        if (machine.Topology is { } topology && (long)topology.Sockets * topology.Cores * topology.Threads != config.EffectiveMaxCpus)
            throw SpecProblem.Invalid("extensions.qemu.topology", $"{topology.Sockets} sockets of {topology.Cores} cores of {topology.Threads} threads are not the {config.EffectiveMaxCpus} CPUs that the machine can have");
        if (machine.NumaNodes > 1 && (config.EffectiveMaxCpus % machine.NumaNodes != 0 || (config.MemoryBytes - config.Dimms.Sum(dimm => dimm.SizeBytes)) % ((long)machine.NumaNodes << 20) != 0))
            throw SpecProblem.Invalid("extensions.qemu.numaNodes", $"{config.EffectiveMaxCpus} CPUs and {new ByteSize(config.MemoryBytes)} cannot be divided among {machine.NumaNodes} nodes, the memory in whole MiB");
        return config;
    }

    /// <summary>A network device that a request asks for.</summary>
    public static NetworkConfig ReadNetwork(NetworkSpec spec, string id, string field)
    {
        string deviceId = spec.Id is { } wanted ? DiskMaker.CheckDeviceId(wanted, $"{field}.id") : id;
        if (!NetworkNames.IsUser(spec.Network))
        {
            if (!NetworkNames.TryParse(spec.Network, out _, out _))
                throw SpecProblem.Invalid($"{field}.network", $"'{DiskMaker.Echo(spec.Network)}' is not a network: user, user-restricted, bridge:NAME, tap:NAME");
            if (TapDevice.Problem is { } problem)
                throw SpecProblem.Unsupported($"{field}.network", problem);
        }

        if (spec.Addresses.Count > 0)
            throw SpecProblem.Unsupported($"{field}.addresses", "this backend hands out no addresses");
        if (spec.Mac is { } mac && (mac.IsDefault || mac.IsMulticast))
            throw SpecProblem.Invalid($"{field}.mac", $"'{mac}' is not the address of a device");
        return new NetworkConfig { Id = deviceId, Network = spec.Network, Mac = (spec.Mac ?? NewMac()).ToString() };
    }

    /// <summary>The labels that a request sets, checked.</summary>
    public static IReadOnlyDictionary<string, string> CheckLabels(IEnumerable<KeyValuePair<string, string>> labels)
    {
        var copy = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (key, value) in labels)
        {
            if (key.Length is 0 or > 128 || key.Any(char.IsControl) || key.StartsWith("hvsdk.", StringComparison.Ordinal))
                throw SpecProblem.Invalid("labels", $"'{DiskMaker.Echo(key)}' is not the key of a label: 1 to 128 characters, none a control character, not beginning with 'hvsdk.'");
            if (value.Length > 4096)
                throw SpecProblem.Invalid("labels", string.Create(CultureInfo.InvariantCulture, $"the value of '{DiskMaker.Echo(key)}', '{DiskMaker.Echo(value)}', has {value.Length} characters: at most 4096"));
            if (copy.Count == 64)
                throw SpecProblem.Invalid("labels", $"'{DiskMaker.Echo(key)}' is one too many: at most 64 labels");
            copy[key] = value;
        }

        return copy;
    }

    /// <summary>A text for people.</summary>
    public static string? CheckText(string? text, string field) => text is null or { Length: <= 4096 } ? text : throw SpecProblem.Invalid(field, "at most 4096 characters");

    /// <summary>A hardware address from QEMU's own range, 52:54:00, as all its tools make up.</summary>
    public static MacAddress NewMac()
    {
        Span<byte> bytes = [0x52, 0x54, 0x00, 0, 0, 0];
        RandomNumberGenerator.Fill(bytes[3..]);
        return MacAddress.FromBytes(bytes);
    }

    private void RefuseUnsupported(VirtualMachineSpec spec, QemuArchitecture platform)
    {
        if (spec.Firmware == Firmware.Bios && !platform.IsPc)
            throw SpecProblem.Unsupported("firmware", $"{platform.Name} machines have no BIOS");
        if (spec.Tpm && MachineArguments.TpmDeviceOf(platform) is null)
            throw SpecProblem.Unsupported("tpm", $"{platform.Name} machines have no TPM here");
        if (spec.Tpm && TpmLauncher.WhyNot(services.Options) is { } noTpm)
            throw SpecProblem.Unsupported("tpm", noTpm.TrimEnd('.'));
        if (spec.PassthroughDevices.Count > 0 && (platform.Architecture != QemuArchitectures.Host || platform.Bus == QemuBus.Ccw))
            throw SpecProblem.Unsupported("passthroughDevices", $"{platform.Name} machines take no devices of this host");
        if (spec.Placement.Node is not null || spec.Placement.Scope is not null)
            throw SpecProblem.Unsupported("placement", "this backend is one node without scopes");
    }

    public static QemuMachine ReadMachine(SpecExtensions extensions, QemuArchitecture platform)
    {
        if (extensions.All.FirstOrDefault(extension => extension.BackendKind == QemuBackend.Kind && extension is not QemuMachine) is { } unknown)
            throw SpecProblem.Unsupported("extensions", $"'{unknown.GetType().Name}' is not known to this version");
        var machine = extensions.TryGet<QemuMachine>(out var found) ? found : new QemuMachine();
        if (!platform.IsPc)
            machine = ForPlatform(machine, platform);
        else if (!machine.Type.StartsWith("pc", StringComparison.Ordinal) && !machine.Type.StartsWith("q35", StringComparison.Ordinal))
            throw SpecProblem.Invalid("extensions.qemu.type", $"'{DiskMaker.Echo(machine.Type)}' is not a machine type here: pc, q35, or a version of them");
        if (!WordPattern().IsMatch(machine.Type))
            throw SpecProblem.Invalid("extensions.qemu.type", $"'{DiskMaker.Echo(machine.Type)}' is not a machine type: letters, digits, '.', '-' and '_'");
        if (machine.TranslationCache is { } cache && (cache < ByteSize.FromMiB(1) || cache > ByteSize.FromGiB(2)))
            throw SpecProblem.Invalid("extensions.qemu.translationCache", $"{cache}: it is 1 MiB to 2 GiB");
        if (machine.SerialPorts is < 1 or > MachineArguments.MaxSerialPorts)
            throw SpecProblem.Invalid("extensions.qemu.serialPorts", string.Create(CultureInfo.InvariantCulture, $"{machine.SerialPorts}: it is 1 to {MachineArguments.MaxSerialPorts} serial ports"));
        if (machine.Topology is { } topology && (topology.Sockets is < 1 or > MaxCpus || topology.Cores is < 1 or > MaxCpus || topology.Threads is < 1 or > MaxCpus))
            throw SpecProblem.Invalid("extensions.qemu.topology", $"sockets, cores and threads are 1 to {MaxCpus} each");
        if (machine.NumaNodes is < 1 or > MaxNumaNodes)
            throw SpecProblem.Invalid("extensions.qemu.numaNodes", string.Create(CultureInfo.InvariantCulture, $"{machine.NumaNodes}: it is 1 to {MaxNumaNodes} nodes"));
        if (machine.NumaNodes > 1 && !platform.IsPc && platform.Name != "aarch64")
            throw SpecProblem.Unsupported("extensions.qemu.numaNodes", $"{platform.Name} machines have one node here");
        if (machine.Usb && !DiskMaker.HasUsb(platform))
            throw SpecProblem.Unsupported("extensions.qemu.usb", $"{platform.Name} machines have no USB here");
        if (machine.FreePageReporting && !platform.HasExtras)
            throw SpecProblem.Unsupported("extensions.qemu.freePageReporting", $"{platform.Name} machines have no balloon here");
        if (machine.HugePages && !HasHugePages())
            throw SpecProblem.Unsupported("extensions.qemu.hugePages", "this host has set no huge pages aside (vm.nr_hugepages)");
        if (machine.ScreenProtocol is not ("vnc" or "spice"))
            throw SpecProblem.Invalid("extensions.qemu.screenProtocol", $"'{DiskMaker.Echo(machine.ScreenProtocol)}' is not a protocol of screens here: vnc or spice");
        if (machine is { ScreenPassword: true, Graphics: false })
            throw SpecProblem.Invalid("extensions.qemu.screenPassword", "a machine without a screen has no password on it");
        return machine;
    }

    /// <summary>The same with what the architecture has: what is there by default and not on it is left away.</summary>
    private static QemuMachine ForPlatform(QemuMachine machine, QemuArchitecture platform)
    {
        if (machine.SerialPorts > 1)
            throw SpecProblem.Unsupported("extensions.qemu.serialPorts", $"{platform.Name} machines have one serial port here");
        return machine with
        {
            Type = machine.Type == new QemuMachine().Type ? platform.MachineType : machine.Type,
            Graphics = machine.Graphics && platform.Screen is not null,
            RandomDevice = machine.RandomDevice && platform.HasExtras,
            AgentChannel = machine.AgentChannel && platform.HasExtras,
        };
    }

    /// <summary>proc_meminfo(5): pages of the default size.</summary>
    private static bool HasHugePages() => File.ReadLines("/proc/meminfo").Any(line => line.StartsWith("HugePages_Total:", StringComparison.Ordinal) && line.AsSpan("HugePages_Total:".Length).Trim() is not "0");

    private static string? CheckWord(string? word, string field) => word is null || WordPattern().IsMatch(word) ? word : throw SpecProblem.Invalid(field, $"'{DiskMaker.Echo(word)}' is not a word of letters, digits, '.', '-' and '_'");

    private BootConfig ReadBoot(VirtualMachineSpec spec)
    {
        switch (spec.Boot)
        {
            case BootSource.FirstDisk:
                return new BootConfig { Kind = BootKinds.Disk };
            case BootSource.NetworkBoot:
                return spec.Networks.Count > 0 ? new BootConfig { Kind = BootKinds.Network } : throw SpecProblem.Invalid("boot", "there is no network device to boot from");
            case BootSource.Iso iso:
                return new BootConfig { Kind = BootKinds.Iso, Path = disks.PathOfImage(iso.Image.ToString(), "boot.image") };
            case BootSource.Kernel kernel:
                if (kernel.CommandLine.Length > 2047 || kernel.CommandLine.Any(char.IsControl))
                    throw SpecProblem.Invalid("boot.commandLine", string.Create(CultureInfo.InvariantCulture, $"'{DiskMaker.Echo(kernel.CommandLine)}' of {kernel.CommandLine.Length} characters: at most 2047, no control characters"));
                return new BootConfig
                {
                    Kind = BootKinds.Kernel,
                    Path = disks.PathOfImage(kernel.KernelPath, "boot.kernelPath"),
                    InitrdPath = kernel.InitrdPath is { } initrd ? disks.PathOfImage(initrd, "boot.initrdPath") : null,
                    CommandLine = kernel.CommandLine,
                };
            default:
                throw SpecProblem.Unsupported("boot", "this way of booting is not known here");
        }
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex WordPattern();
}
