using System.Xml.Linq;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Drivers;
using Hypervisor.Sdk.Libvirt.Protocol;
using Hypervisor.Sdk.Libvirt.Xml;

namespace Hypervisor.Sdk.Libvirt.Driver;

/// <summary>Makes domains out of specs.</summary>
internal sealed class DomainMaker(LibvirtParts parts)
{
    /// <summary>Out through the host, without a network of libvirt's: QEMU does it by itself.</summary>
    public const string UserNetwork = "user";

    /// <summary>What a bridge of the host's is written with, where a network of libvirt's stands alone.</summary>
    public const string BridgePrefix = "bridge:";

    /// <summary>What a card of a machine is: a container's is the host's own.</summary>
    public const string PluggedModel = "virtio";

    /// <summary>For how many modules of memory there is room where there is any.</summary>
    private const int MemorySlots = 16;

    /// <summary>Refuses what cannot be, before anything is sent.</summary>
    public void Refuse(VirtualMachineSpec spec)
    {
        RefuseCommon(parts, spec);
        RefuseText("guestOs", spec.GuestOs);
        RefuseSizing(spec.Sizing);
        if (spec.CloudInit is { } data)
            RefuseCloudInit(data);
        if (spec.Tpm)
            throw Refusal.Unsupported("tpm", LibvirtCapabilities.NoTpm);
        if (spec.PassthroughDevices.Count > 0)
            throw Refusal.Unsupported("passthroughDevices", LibvirtCapabilities.NoPassthrough);
        if (spec.Firmware == Firmware.UefiSecureBoot && ArchitectureOf(spec) != "x86_64")
            throw Refusal.Unsupported("firmware", "this driver sets up UEFI that boots signed code only for x86_64.");
        if (spec.Firmware is Firmware.Uefi or Firmware.UefiSecureBoot && parts.IsTestDriver)
            throw Refusal.Unsupported("firmware", LibvirtCapabilities.NoUefi);
        if (spec.Boot is BootSource.Kernel kernel)
        {
            RefuseText("boot.kernelPath", kernel.KernelPath);
            RefuseText("boot.initrdPath", kernel.InitrdPath);
            RefuseText("boot.commandLine", kernel.CommandLine);
        }

        for (int i = 0; i < spec.Disks.Count; i++)
            LibvirtDisks.Refuse(FormattableString.Invariant($"disks[{i}]"), spec.Disks[i]);
        if (parts.Host.DomainTypes(ArchitectureOf(spec)).Count == 0)
            throw Refusal.Unsupported("architecture", $"the daemon runs no machines of the architecture '{ArchitectureOf(spec)}'.");
    }

    /// <summary>Refuses what neither a machine nor a container of libvirt's can have.</summary>
    public static void RefuseCommon(LibvirtParts parts, InstanceSpec spec)
    {
        Refusal.BadNames(parts.Naming, spec.Name, spec.Labels.Keys);
        RefuseText("description", spec.Description);
        foreach (var label in spec.Labels)
            RefuseText($"labels.{label.Key}", label.Key + label.Value);
        if (spec.Extensions.All.FirstOrDefault(extension => extension.BackendKind == LibvirtBackend.Kind && extension is not LibvirtDomain) is { } unknown)
            throw Refusal.Unsupported("extensions", $"'{unknown.GetType().Name}' is not known.");
        if (spec.Placement.Node is { } node && node.ToString() != parts.Host.HostName)
            throw Refusal.Unsupported("placement.node", $"the daemon runs on one node, '{parts.Host.HostName}', and not on '{node}'.");
        if (spec.Placement.Scope is not null)
            throw Refusal.Unsupported("placement.scope", "libvirt has no scopes.");
        for (int i = 0; i < spec.Networks.Count; i++)
            RefuseNetwork(FormattableString.Invariant($"networks[{i}]"), spec.Networks[i]);
    }

    /// <summary>What is kept about an instance that is made now.</summary>
    public static InstanceRecord NewRecord(LibvirtParts parts, InstanceSpec spec)
    {
        var record = new InstanceRecord { Changes = 1, CreatedAt = parts.Time.GetUtcNow() };
        foreach (var label in spec.Labels)
            record.Labels[label.Key] = label.Value;
        return record;
    }

    private void RefuseCloudInit(CloudInitData data)
    {
        if (parts.IsTestDriver)
            throw Refusal.Unsupported("cloudInit", LibvirtCapabilities.NoCloudInit);
        if (data.Delivery is not ("auto" or "disk" or "cd"))
            throw Refusal.Invalid("cloudInit.delivery", $"'{data.Delivery}' is not a way here: auto, disk, cd.");
        CloudInitSeed.Check(data);
    }

    public static void RefuseSizing(Sizing sizing)
    {
        if (sizing is not Sizing.Explicit size)
            throw Refusal.Unsupported("sizing", "libvirt has no named sizes: CPUs and memory by numbers.");
        if (size.Cpus < 1)
            throw Refusal.Invalid("sizing.cpus", $"{size.Cpus} CPUs: there is at least one.");
        if (size.Memory.Bytes < 1)
            throw Refusal.Invalid("sizing.memory", "a machine has some memory.");
        if (size.MaxCpus < size.Cpus)
            throw Refusal.Invalid("sizing.maxCpus", $"{size.MaxCpus} are fewer than the {size.Cpus} CPUs that it begins with.");
        if (size.MaxMemory?.Bytes < size.Memory.Bytes)
            throw Refusal.Invalid("sizing.maxMemory", $"{size.MaxMemory} is less than the {size.Memory} that it begins with.");
    }

    public static void RefuseNetwork(string field, NetworkSpec spec)
    {
        if (string.IsNullOrEmpty(spec.Network))
            throw Refusal.Invalid(field + ".network", "a network is needed.");
        RefuseText(field + ".network", spec.Network);
        if (spec.Addresses.Count > 0)
            throw Refusal.Unsupported(field + ".addresses", "this driver hands out no addresses in libvirt's networks.");
        if (spec.Mac is { IsMulticast: true } mac)
            throw Refusal.Invalid(field + ".mac", $"{mac} is a multicast address.");
    }

    public static void RefuseText(string field, string? text)
    {
        if (text is not null && !BoundedXml.CanHold(text))
            throw Refusal.Invalid(field, "it has characters that no XML document can hold.");
    }

    /// <summary>The configuration, with its disks made.</summary>
    public async Task<DomainDocument> MakeAsync(DomainChangeScope scope, VirtualMachineSpec spec, Guid uuid, CancellationToken cancellationToken)
    {
        var size = (Sizing.Explicit)spec.Sizing;
        string architecture = ArchitectureOf(spec);
        var config = DomainDocument.New(parts.TypeOf(architecture), spec.Name.ToString(), uuid);
        var record = NewRecord(parts, spec);
        record.GuestOs = spec.GuestOs;
        config.Description = spec.Description;
        bool hasRoom = size.MaxMemory > size.Memory && HasMemoryModules(architecture);
        config.SetMemory(size.Memory.Bytes, hasRoom ? size.Memory.Bytes : size.MaxMemory?.Bytes ?? size.Memory.Bytes);
        config.SetCpus(size.Cpus, size.MaxCpus ?? size.Cpus);
        // Without firmware that describes it, a machine that is no PC has no ACPI.
        bool hasAcpi = IsPc(architecture) || IsUefi(spec, architecture);
        config.Root.Add(OsOf(spec, architecture), FeaturesOf(spec, hasAcpi), CpuOf(spec.CpuModel), new XElement("devices"));
        if (hasRoom)
            config.MakeRoom(size.MaxMemory!.Value.Bytes, MemorySlots);
        if (spec.Boot is BootSource.Iso iso)
            await parts.Disks.AddAsync(scope, config, record, new DiskSpec { Content = new DiskContent.Cd(iso.Image.ToString()) }, cancellationToken).ConfigureAwait(false);
        foreach (var disk in spec.Disks)
            await parts.Disks.AddAsync(scope, config, record, disk, cancellationToken).ConfigureAwait(false);
        if (spec.CloudInit is { } data)
            await parts.Disks.AddSeedAsync(scope, config, record, data, parts.Time.GetUtcNow(), cancellationToken).ConfigureAwait(false);
        foreach (var network in spec.Networks)
            config.AddDevice(await NicAsync(scope.Libvirt, network, PluggedModel, cancellationToken).ConfigureAwait(false));
        if (!parts.IsTestDriver)
        {
            string? log = await parts.Disks.MakeConsoleLogAsync(scope, record, uuid, cancellationToken).ConfigureAwait(false);
            config.AddDevice(new XElement("serial", new XAttribute("type", "pty"), log is null ? null : new XElement("log", new XAttribute("file", log), new XAttribute("append", "off"))));
            config.AddDevice(new XElement("console", new XAttribute("type", "pty")));
            config.AddDevice(NewScreen());
            config.AddDevice(new XElement("video", new XElement("model", new XAttribute("type", IsPc(architecture) ? "vga" : "virtio"))));
            config.AddDevice(new XElement("channel", new XAttribute("type", "unix"), new XElement("target", new XAttribute("type", "virtio"), new XAttribute("name", "org.qemu.guest_agent.0"))));
        }

        record.Write(config);
        return config;
    }

    /// <summary>A device in a network of libvirt's, on a bridge of the host's, or behind the host.</summary>
    /// <param name="libvirt">The connection.</param>
    /// <param name="spec">The device.</param>
    /// <param name="model">What the guest sees it as; null where it is not emulated.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="HypervisorException">There is no such network (<see cref="ErrorCode.InvalidArgument"/>).</exception>
    public static async Task<XElement> NicAsync(LibvirtConnection libvirt, NetworkSpec spec, string? model, CancellationToken cancellationToken)
    {
        var (type, source) = spec.Network == UserNetwork ? ("user", null)
            : spec.Network.StartsWith(BridgePrefix, StringComparison.Ordinal) ? ("bridge", new XElement("source", new XAttribute("bridge", spec.Network[BridgePrefix.Length..])))
            : ("network", new XElement("source", new XAttribute("network", spec.Network)));
        try
        {
            if (type == "network")
                await libvirt.NetworkLookupByNameAsync(spec.Network, cancellationToken).ConfigureAwait(false);
        }
        catch (LibvirtException error) when (error.Number == VirErrorNumber.ErrNoNetwork)
        {
            throw Refusal.Invalid("networks", $"there is no network '{spec.Network}'; a bridge of the host's is '{BridgePrefix}NAME'.");
        }

        return new XElement("interface", new XAttribute("type", type), new XElement("mac", new XAttribute("address", (spec.Mac ?? NewMac()).ToString())), source, model is null ? null : new XElement("model", new XAttribute("type", model)));
    }

    /// <summary>A screen for viewers on the daemon's host, or who are brought there by ssh, with a password: VNC has room for eight characters (RFC 6143, 7.2.2).</summary>
    private static XElement NewScreen() => new(
        "graphics",
        new XAttribute("type", "vnc"),
        new XAttribute("autoport", "yes"),
        new XAttribute("passwd", System.Security.Cryptography.RandomNumberGenerator.GetString("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", 8)),
        new XElement("listen", new XAttribute("type", "address"), new XAttribute("address", "127.0.0.1")));

    /// <summary>An address of those that are QEMU's own.</summary>
    private static MacAddress NewMac()
    {
        Span<byte> bytes = [0x52, 0x54, 0x00, 0, 0, 0];
        System.Security.Cryptography.RandomNumberGenerator.Fill(bytes[3..]);
        return MacAddress.FromBytes(bytes);
    }

    private string ArchitectureOf(VirtualMachineSpec spec) => spec.Architecture?.ToString() ?? (parts.IsTestDriver ? "i686" : parts.Host.Architecture);

    private static bool IsPc(string architecture) => architecture is "x86_64" or "i686";

    /// <summary>Whether memory can be plugged in: a PC of QEMU's.</summary>
    private bool HasMemoryModules(string architecture) => IsPc(architecture) && !parts.IsTestDriver;

    private static bool IsUefi(VirtualMachineSpec spec, string architecture) => spec.Firmware is Firmware.Uefi or Firmware.UefiSecureBoot || (spec.Firmware == Firmware.Default && architecture == "aarch64");

    /// <summary>Firmware that boots signed code only is kept from the guest by the mode of the processor that it runs in.</summary>
    private static XElement? FeaturesOf(VirtualMachineSpec spec, bool hasAcpi) =>
        hasAcpi ? new XElement("features", new XElement("acpi"), spec.Firmware == Firmware.UefiSecureBoot ? new XElement("smm", new XAttribute("state", "on")) : null) : null;

    /// <summary>What the daemon is to look for among the firmware of its host: with the keys that most systems are signed with.</summary>
    private static XElement NewSecureFirmware() => new(
        "firmware",
        new XElement("feature", new XAttribute("enabled", "yes"), new XAttribute("name", "secure-boot")),
        new XElement("feature", new XAttribute("enabled", "yes"), new XAttribute("name", "enrolled-keys")));

    private static XElement OsOf(VirtualMachineSpec spec, string architecture)
    {
        bool isSecure = spec.Firmware == Firmware.UefiSecureBoot;
        var os = new XElement("os", IsUefi(spec, architecture) ? new XAttribute("firmware", "efi") : null, new XElement("type", new XAttribute("arch", architecture), isSecure ? new XAttribute("machine", "q35") : null, "hvm"), isSecure ? NewSecureFirmware() : null);
        switch (spec.Boot)
        {
            case BootSource.Kernel kernel:
                os.Add(new XElement("kernel", kernel.KernelPath), kernel.InitrdPath is null ? null : new XElement("initrd", kernel.InitrdPath), new XElement("cmdline", kernel.CommandLine));
                break;
            case BootSource.Iso:
                os.Add(new XElement("boot", new XAttribute("dev", "cdrom")), new XElement("boot", new XAttribute("dev", "hd")));
                break;
            case BootSource.NetworkBoot:
                os.Add(new XElement("boot", new XAttribute("dev", "network")));
                break;
            default:
                os.Add(new XElement("boot", new XAttribute("dev", "hd")));
                break;
        }

        return os;
    }

    private static XElement? CpuOf(string? model) => model switch
    {
        null => null,
        "host-passthrough" or "host-model" or "maximum" => new XElement("cpu", new XAttribute("mode", model)),
        _ => new XElement("cpu", new XAttribute("mode", "custom"), new XAttribute("match", "exact"), new XElement("model", new XAttribute("fallback", "forbid"), model)),
    };
}
