using System.Globalization;
using System.Runtime.Versioning;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>
/// The argument list of a machine. What came from a caller stands in JSON or in an argument of its own; option strings are made of constants, numbers and our own ids only, but for <c>-smbios</c>, which knows no other form. Files are named by inherited descriptors
/// (<c>/proc/self/fd/N</c>): QEMU's user needs no right to any directory of ours.
/// </summary>
[SupportedOSPlatform("linux")]
internal sealed partial class MachineArguments
{
    public const int TpmDescriptor = 9;
    public const int DisksDescriptor = 10;
    public const int ConsoleLogDescriptor = 11;
    public const int RuntimeDescriptor = 12;
    public const int ChangesDescriptor = 13;
    public const int ReadsDescriptor = 14;
    public const int AgentDescriptor = 15;
    public const int SerialDescriptor = 16;
    public const int FirstFileDescriptor = 20;

    /// <summary>How many serial ports a PC has places for; the descriptors after the first one's are theirs.</summary>
    public const int MaxSerialPorts = 4;

    /// <summary>The name of the virtio port that a guest agent listens on.</summary>
    public const string AgentPort = "org.qemu.guest_agent.0";

    /// <summary>How QEMU's names of x86 processors end, after the model.</summary>
    public const string CpuDriverSuffix = "-x86_64-cpu";

    /// <summary>How many pieces of memory can be plugged in.</summary>
    public const int MemorySlots = 16;

    /// <summary>The id of the controller that USB devices are plugged into.</summary>
    public const string UsbController = "hv-usb";

    private const string FirmwareNode = "hv-firmware";

    private readonly MachineConfig _config;
    private readonly QemuHost _host;
    private readonly List<string> _arguments = [];
    private readonly List<OpenedPath> _files = [];
    private readonly List<NetworkTap> _taps = [];
    private readonly bool _isPcie;
    private int _nextDescriptor = FirstFileDescriptor;

    private MachineArguments(MachineConfig config, QemuHost host)
    {
        _config = DeviceSlots.Assign(config);
        _host = host;
        _isPcie = DeviceSlots.IsPcie(config);
    }

    /// <summary>A file elsewhere that QEMU inherits.</summary>
    public sealed record OpenedPath(string Path, int Descriptor, bool Writable)
    {
        /// <summary>A secret, which is handed over in a file in memory; null for a file.</summary>
        public SecretReference? Secret { get; init; }
    }

    /// <summary>A tap that QEMU inherits.</summary>
    public sealed record NetworkTap(string Network, int Descriptor);

    /// <summary>The arguments, files and taps of a machine.</summary>
    public static (IReadOnlyList<string> Arguments, IReadOnlyList<OpenedPath> Files, IReadOnlyList<NetworkTap> Taps) Build(MachineConfig config, QemuHost host)
    {
        var arguments = new MachineArguments(config, host);
        arguments.AddMachine();
        arguments.AddMonitors();
        arguments.AddBoot();
        arguments.AddUsb();
        for (int i = 0; i < config.Disks.Count; i++)
            arguments.AddDisk(arguments._config.Disks[i], i);
        arguments.AddNetworks();
        foreach (var device in arguments._config.HostDevices)
            arguments.Add("-device", HostDevice(device, arguments._config));
        arguments.AddSeed();
        arguments.AddTpm();
        arguments.AddDevices();
        return (arguments._arguments, arguments._files, arguments._taps);
    }

    /// <summary>The device of a TPM 2.0 on machines of an architecture; null where there is none.</summary>
    public static string? TpmDeviceOf(QemuArchitecture platform) => platform.IsPc ? "tpm-crb" : platform is { Name: "aarch64", MachineType: "virt" } ? "tpm-tis-device" : null;

    /// <summary>Where QEMU finds a file in the machine's own directory.</summary>
    public static string DiskPath(string file) => string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{DisksDescriptor}/{file}");

    private void AddMachine()
    {
        var machine = _config.Machine;
        var platform = _config.EffectivePlatform;
        bool isAccelerated = _host.Accelerates(_config);
        Add("-name", $"guest={_config.Id},debug-threads=on", "-uuid", _config.Uuid.ToString("D"), "-S", "-nodefaults", "-no-user-config", "-display", "none");
        if (_config.Incoming is not null)
            Add("-incoming", "defer", "-trace", "enable=" + Migration.MigrationWitness.TraceEvent);
        foreach (string directory in _host.FirmwareDirectories)
            Add("-L", directory);
        Add([.. _host.Sandbox]);
        Add("-machine", $"type={machine.Type}{(platform.MachineOptions is { } options ? "," + options : "")}{FlashOptions()}{(machine is { HugePages: true, NumaNodes: 1 } ? ",memory-backend=hv-memory0" : "")}");
        if (isAccelerated)
        {
            Add("-accel", "kvm");
        }
        else
        {
            long cache = machine.TranslationCache?.Bytes ?? (_config.MemoryBytes <= 512L << 20 ? 32L << 20 : 256L << 20);
            Add("-accel", string.Create(CultureInfo.InvariantCulture, $"tcg,thread=multi,tb-size={Math.Max(1, cache >> 20)}"));
        }

        Add("-cpu", CpuModel(_config, _host));
        Add("-smp", string.Create(CultureInfo.InvariantCulture, $"cpus={_config.Cpus - _config.PluggedCpus.Count},maxcpus={_config.EffectiveMaxCpus}{(machine.Topology is { } topology ? $",sockets={topology.Sockets},cores={topology.Cores},threads={topology.Threads}" : "")}"));
        foreach (var cpu in _config.PluggedCpus)
            Add("-device", CpuDevice(cpu, _config, _host));
        long first = _config.MemoryBytes - _config.Dimms.Sum(dimm => dimm.SizeBytes);
        string memory = string.Create(CultureInfo.InvariantCulture, $"size={first >> 10}k");
        if (_config.EffectiveMaxMemoryBytes > first)
            memory += string.Create(CultureInfo.InvariantCulture, $",slots={MemorySlots},maxmem={_config.EffectiveMaxMemoryBytes >> 10}k");
        Add("-m", memory, "-rtc", "base=utc", "-boot", "strict=on");
        AddMemoryNodes(first);
        foreach (var dimm in _config.Dimms)
            Add("-object", DimmBackend(dimm), "-device", DimmDevice(dimm));
        for (int i = 0; _isPcie && i < DeviceSlots.RootPorts; i++)
            AddDevice("pcie-root-port", $"hv-port{i}", json => json.WriteNumber("chassis", i + 1));
    }

    /// <summary>Memory that is not QEMU's plain kind, or is divided.</summary>
    private void AddMemoryNodes(long bytes)
    {
        var machine = _config.Machine;
        if (machine.NumaNodes == 1 && !machine.HugePages)
            return;
        int cpus = _config.EffectiveMaxCpus / machine.NumaNodes;
        for (int node = 0; node < machine.NumaNodes; node++)
        {
            string id = string.Create(CultureInfo.InvariantCulture, $"hv-memory{node}");
            Add("-object", BlockNode.Write(json =>
            {
                json.WriteString("qom-type", machine.HugePages ? "memory-backend-memfd" : "memory-backend-ram");
                json.WriteString("id", id);
                json.WriteNumber("size", bytes / machine.NumaNodes);
                if (!machine.HugePages)
                    return;
                json.WriteBoolean("hugetlb", true);
                // A guest whose memory turns out not to be there would be killed by the kernel at a write.
                json.WriteBoolean("prealloc", true);
            }));
            if (machine.NumaNodes > 1)
                Add("-numa", string.Create(CultureInfo.InvariantCulture, $"node,nodeid={node},memdev={id},cpus={node * cpus}-{((node + 1) * cpus) - 1}"));
        }
    }

    private void AddMonitors()
    {
        AddSocket("hv-changes", ChangesDescriptor);
        AddSocket("hv-reads", ReadsDescriptor);
        Add("-mon", "chardev=hv-changes,mode=control", "-mon", "chardev=hv-reads,mode=control");
    }

    private void AddBoot()
    {
        var boot = _config.Boot;
        var platform = _config.EffectivePlatform;
        if (_config.Nvram is { } nvram)
        {
            AddFlash(nvram);
        }
        else if (boot.Kind != BootKinds.Kernel && platform.Firmware.Count > 0)
        {
            string firmware = platform.Firmware.FirstOrDefault(File.Exists)
                ?? throw new HypervisorException($"'{_config.Name}' has no firmware to boot with: there is none of {string.Join(", ", platform.Firmware)}{(platform.Package is { } package ? $"; install it (Debian: {package})" : "")}.", ErrorCode.Unavailable, RequestOutcome.NotSent);
            Add("-bios", Inherit(firmware, writable: false));
        }

        if (boot.Kind == BootKinds.Kernel)
        {
            Add("-kernel", Inherit(boot.Path!, writable: false));
            if (boot.InitrdPath is { } initrd)
                Add("-initrd", Inherit(initrd, writable: false));
            Add("-append", boot.CommandLine ?? "");
        }
        else if (boot is { Kind: BootKinds.Iso, Path: not null })
        {
            // One that was made before its CD was among its disks.
            Add("-blockdev", BlockNode.CdToJson("hv-cd", Inherit(boot.Path!, writable: false)));
            if (!platform.IsPc)
                AddScsi();
            AddDevice(platform.IsPc ? "ide-cd" : "scsi-cd", "hv-cd", json =>
            {
                if (platform.IsPc)
                    DeviceSlots.WritePort(json, _config, "ide", 0);
                else
                    json.WriteString("bus", "hv-scsi.0");
                json.WriteString("drive", "hv-cd");
                json.WriteNumber("bootindex", 0);
            });
        }
    }

    private string FlashOptions() => _config.Nvram is not { } nvram ? "" : $",pflash0={FirmwareNode},pflash1={NvramMaker.Node}{(nvram.NeedsSmm ? ",smm=on" : "")}";

    private void AddFlash(NvramConfig nvram)
    {
        if (!File.Exists(nvram.Firmware))
            throw new HypervisorException($"'{_config.Name}' has no firmware to boot with: '{nvram.Firmware}' is not there any more.", ErrorCode.Unavailable, RequestOutcome.NotSent) { Resource = $"instance {_config.Id}" };
        Add("-blockdev", BlockNode.CdToJson(FirmwareNode, Inherit(nvram.Firmware, writable: false)));
        Add("-blockdev", BlockNode.ImageToJson(NvramMaker.Node, DiskImages.ImageFormat.Qcow2, DiskPath(NvramMaker.File)));
        if (nvram.NeedsSmm)
            Add("-global", "driver=cfi.pflash01,property=secure,value=on");
    }

    private void AddTpm()
    {
        if (!_config.Tpm)
            return;
        Add("-chardev", string.Create(CultureInfo.InvariantCulture, $"socket,id=hv-tpm,fd={TpmDescriptor}"), "-tpmdev", "emulator,id=hv-tpm-state,chardev=hv-tpm");
        AddDevice(TpmDeviceOf(_config.EffectivePlatform)!, "hv-tpm-device", json => json.WriteString("tpmdev", "hv-tpm-state"));
    }

    private void AddUsb()
    {
        if (!_config.Machine.Usb)
            return;
        AddDevice("qemu-xhci", UsbController);
        if (!_config.Machine.Graphics)
            return;
        AddDevice("usb-tablet", "hv-tablet", json => json.WriteString("bus", UsbController + ".0"));
        // A PC has one.
        if (!_config.EffectivePlatform.IsPc)
            AddDevice("usb-kbd", "hv-keyboard", json => json.WriteString("bus", UsbController + ".0"));
    }

    private void AddDisk(DiskConfig disk, int index)
    {
        if (disk is { IsCd: true, ExternalPath: { } image })
            Add("-blockdev", BlockNode.CdToJson(BlockNode.CdNodeOf(disk), Inherit(image, writable: false)));
        if (disk.Passphrase is { } passphrase)
            AddSecret(BlockNode.PassphraseOf(disk.NodeName), passphrase, isBase64: false);
        // Ceph writes its keys so.
        if (disk.Remote is { Secret: { } login } remote)
            AddSecret(BlockNode.LoginOf(disk), login, isBase64: remote.Kind == RemoteConfig.Rbd);
        if (!disk.IsCd)
            Add("-blockdev", BlockNode.ToJson(disk, (file, path) => file is not null ? DiskPath(file) : Inherit(path!, writable: !disk.ReadOnly && path == disk.ExternalPath)));
        if (disk.Bus == "scsi")
            AddScsi();
        if (disk.Bus == "sata" && !_isPcie && !_config.Disks.Take(index).Any(other => other.Bus == "sata"))
            AddDevice("ahci", DeviceSlots.Sata);
        string? bus = disk.Bus == "scsi" ? "hv-scsi.0" : null;
        int? bootIndex = _config.Boot.Kind switch { BootKinds.Disk => index, BootKinds.Iso => CdsFirst(disk, index), _ => null };
        Add("-device", DiskDevice(disk, _config, bus, bootIndex));
    }

    /// <summary>What an installer boots from comes before what it installs to.</summary>
    private int CdsFirst(DiskConfig disk, int index) =>
        (_config.Boot.Path is null ? 0 : 1) + (disk.IsCd ? _config.Disks.Take(index).Count(other => other.IsCd) : _config.Disks.Count(other => other.IsCd) + _config.Disks.Take(index).Count(other => !other.IsCd));

    /// <summary>What cloud-init reads. Never among what the machine boots from.</summary>
    private void AddSeed()
    {
        if (_config.CloudInit is not { } seed)
            return;
        // Tells a careful guest (ds-identify) where to look; the words are of letters, digits, '-', '.', ':', '/' and '_'.
        if (_config.EffectivePlatform.IsPc)
            Add("-smbios", seed.Delivery == CloudInitConfig.Smbios ? $"type=1,serial=ds=nocloud;i={seed.InstanceId};h={seed.HostName}" : "type=1,serial=ds=nocloud");
        if (seed.Delivery == CloudInitConfig.Smbios)
            return;
        Add("-blockdev", BlockNode.CdToJson(SeedMaker.Device, DiskPath(SeedMaker.File)));
        if (seed.Delivery == CloudInitConfig.Disk)
        {
            Add("-device", BlockNode.Write(json =>
            {
                json.WriteString("driver", DeviceSlots.Virtio(_config, "blk"));
                json.WriteString("id", SeedMaker.Device);
                json.WriteString("drive", SeedMaker.Device);
                DeviceSlots.Write(json, _config, seed.Slot);
            }));
            return;
        }

        if (!_config.EffectivePlatform.IsPc)
            AddScsi();
        AddDevice(_config.EffectivePlatform.IsPc ? "ide-cd" : "scsi-cd", SeedMaker.Device, json =>
        {
            if (_config.EffectivePlatform.IsPc)
                DeviceSlots.WritePort(json, _config, "ide", seed.Slot);
            else
                json.WriteString("bus", "hv-scsi.0");
            json.WriteString("drive", SeedMaker.Device);
        });
    }

    private void AddNetworks()
    {
        for (int i = 0; i < _config.Networks.Count; i++)
        {
            var network = _config.Networks[i];
            if (NetworkNames.IsUser(network.Network))
            {
                Add("-netdev", UserNetwork(network));
            }
            else
            {
                var tap = new NetworkTap(network.Network, _nextDescriptor++);
                _taps.Add(tap);
                Add("-netdev", BlockNode.Write(json =>
                {
                    json.WriteString("type", "tap");
                    json.WriteString("id", network.Id);
                    json.WriteString("fd", tap.Descriptor.ToString(CultureInfo.InvariantCulture));
                }));
            }

            Add("-device", NetworkDevice(network, _config, _config.Boot.Kind == BootKinds.Network ? i : null));
        }
    }

    private void AddDevices()
    {
        var machine = _config.Machine;
        var platform = _config.EffectivePlatform;
        Add("-chardev", string.Create(CultureInfo.InvariantCulture, $"socket,id=hv-serial,fd={SerialDescriptor},server=on,wait=off,logfile=/proc/self/fd/{ConsoleLogDescriptor},logappend=on"));
        if (platform.IsPc)
            AddDevice("isa-serial", "hv-serial-port", json => json.WriteString("chardev", "hv-serial"));
        else
            Add("-serial", "chardev:hv-serial");
        for (int port = 1; port < machine.SerialPorts; port++)
        {
            string socket = string.Create(CultureInfo.InvariantCulture, $"hv-serial{port}");
            AddSocket(socket, SerialDescriptor + port);
            AddDevice("isa-serial", socket + "-port", json => json.WriteString("chardev", socket));
        }

        if (machine.AgentChannel)
        {
            AddSocket("hv-agent", AgentDescriptor);
            AddDevice(DeviceSlots.Virtio(_config, "serial"), "hv-ports");
            AddDevice("virtserialport", "hv-agent-port", json =>
            {
                json.WriteString("bus", "hv-ports.0");
                json.WriteString("chardev", "hv-agent");
                json.WriteString("name", AgentPort);
            });
        }

        if (machine.RandomDevice)
        {
            Add("-object", """{"qom-type":"rng-builtin","id":"hv-rng"}""");
            AddDevice(DeviceSlots.Virtio(_config, "rng"), "hv-rng-device", json =>
            {
                json.WriteString("rng", "hv-rng");
                DeviceSlots.Write(json, _config, "hv-rng-device");
            });
        }

        if (platform.HasExtras)
        {
            AddDevice(DeviceSlots.Virtio(_config, "balloon"), MemoryBalloon.Device, json =>
            {
                if (machine.FreePageReporting)
                    json.WriteBoolean("free-page-reporting", true);
                DeviceSlots.Write(json, _config, MemoryBalloon.Device);
            });
        }

        if (machine.Graphics)
        {
            AddDevice(platform.Screen!, "hv-vga");
            if (machine.ScreenPassword)
                Add("-object", string.Create(CultureInfo.InvariantCulture, $"secret,id=hv-screen-secret,file=/proc/self/fd/{RuntimeDescriptor}/{RuntimeDirectory.ScreenSecret}"));
            string socket = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{RuntimeDescriptor}/{RuntimeDirectory.ScreenSocketOf(machine)}");
            if (machine.ScreenProtocol == "spice")
                Add("-spice", $"unix=on,addr={socket},{(machine.ScreenPassword ? "password-secret=hv-screen-secret" : "disable-ticketing=on")}");
            else
                Add("-vnc", $"unix:{socket}{(machine.ScreenPassword ? ",password-secret=hv-screen-secret" : "")}");
        }
    }

    private void AddSecret(string id, SecretReference secret, bool isBase64)
    {
        var file = new OpenedPath(id, _nextDescriptor++, Writable: false) { Secret = secret };
        _files.Add(file);
        Add("-object", BlockNode.SecretToJson(id, string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.Descriptor}"), isBase64));
    }

    private void AddScsi()
    {
        if (!_arguments.Exists(argument => argument.Contains("\"hv-scsi\"", StringComparison.Ordinal)))
            AddDevice(DeviceSlots.Virtio(_config, "scsi"), "hv-scsi");
    }

    private void AddSocket(string id, int descriptor) => Add("-chardev", string.Create(CultureInfo.InvariantCulture, $"socket,id={id},fd={descriptor},server=on,wait=off"));

    private void AddDevice(string driver, string id, Action<Utf8JsonWriter> members) => Add("-device", BlockNode.Write(json =>
    {
        json.WriteString("driver", driver);
        json.WriteString("id", id);
        members(json);
    }));

    private void AddDevice(string driver, string id) => AddDevice(driver, id, json => DeviceSlots.Write(json, _config, id));

    private string Inherit(string path, bool writable)
    {
        var file = _files.Find(known => known.Path == path && known.Writable == writable);
        if (file is null)
            _files.Add(file = new OpenedPath(path, _nextDescriptor++, writable));
        return string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{file.Descriptor}");
    }

    private void Add(params ReadOnlySpan<string> arguments) => _arguments.AddRange(arguments);
}
