using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>The host's PCI and USB devices, over a directory like sysfs: this machine may have none.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class PciDeviceTests
{
    [Fact]
    public void Devices_of_a_directory_like_sysfs_are_listed_by_IOMMU_group_and_refused_with_what_stands_against_them()
    {
        using var host = new SyntheticHost();
        host.Add("0000:00:1f.0", "0x8086", "0x7010", "0x060100", "lpc_ich", null);
        host.Add("0000:01:00.0", "0x10de", "0x1eb8", "0x030200", "vfio-pci", 7);
        host.Add("0000:01:00.1", "0x10de", "0x10f8", "0x040300", "snd_hda_intel", 7);
        host.Add("0000:02:00.0", "0x8086", "0x1572", "0x020000", "vfio-pci", 9);
        host.Add("0000:03:00.0", "0x8086", "0x1234", "0x060400", "pcieport", 11);
        host.Add("0000:03:00.1", "0x8086", "0x1572", "0x020000", null, 11);
        var devices = host.Devices;

        Assert.Equal(6, devices.List().Count);
        var groups = devices.ListGroups();
        Assert.Equal(["0000:01:00.0", "0000:01:00.1"], groups[7].Select(device => device.Address));
        Assert.Equal(("10de:1eb8", "0x030200", true, "vfio-pci"), (groups[7][0].Model, groups[7][0].Class, groups[7][0].IsDisplay, groups[7][0].Driver));
        Assert.False(Assert.Single(groups[9]).IsDisplay);

        Assert.Contains("0000:01:00.1 by snd_hda_intel", devices.WhyNot("0000:01:00.0"), StringComparison.Ordinal);
        Assert.Contains("no IOMMU", devices.WhyNot("0000:00:1f.0"), StringComparison.Ordinal);
        Assert.Contains("no PCI device", devices.WhyNot("0000:09:00.0"), StringComparison.Ordinal);
        Assert.Contains("it is a bridge", devices.WhyNot("0000:03:00.0"), StringComparison.Ordinal);
        // The bridge of a group stays with the host; the other one has nobody yet.
        Assert.Contains("no driver has it", devices.WhyNot("0000:03:00.1"), StringComparison.Ordinal);

        Assert.Contains("VFIO is not loaded", devices.WhyNot("0000:02:00.0"), StringComparison.Ordinal);
        Assert.Contains("VFIO is not loaded", devices.WhyNone(), StringComparison.Ordinal);
        host.LoadVfio();
        Assert.Null(devices.WhyNot("0000:02:00.0"));
        Assert.Null(devices.WhyNone());
        using var bare = new SyntheticHost();
        Assert.Empty(bare.Devices.List());
        Assert.Contains("no PCI devices", bare.Devices.WhyNone(), StringComparison.Ordinal);
        bare.Add("0000:00:1f.0", "0x8086", "0x7010", "0x060100", "lpc_ich", null);
        Assert.Contains("no IOMMU", bare.Devices.WhyNone(), StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_directory_like_sysfs_shows_in_use_by_the_host_is_not_bound_and_nothing_is_written()
    {
        using var host = new SyntheticHost();
        host.Add("0000:01:00.0", "0x8086", "0x1572", "0x020000", "i40e", 1);
        host.Add("0000:01:00.1", "0x8086", "0x1572", "0x020000", "i40e", 1);
        host.Put("0000:01:00.1/net/eth1/flags", "0x1003\n");
        host.Add("0000:02:00.0", "0x144d", "0xa808", "0x010802", "nvme", 2);
        host.Put("0000:02:00.0/nvme/nvme0/nvme0n1/nvme0n1p1/dev", RootDevice() + "\n");
        host.Add("0000:03:00.0", "0x8086", "0x1572", "0x020000", "i40e", null);
        host.Add("0000:04:00.0", "0x10de", "0x1eb8", "0x030200", "nouveau", 4);

        // Its neighbour is what the host uses.
        Refused("0000:01:00.0", ErrorCode.InvalidState, "the network 'eth1' is up");
        Refused("0000:02:00.0", ErrorCode.InvalidState, "is mounted at '/");
        Refused("0000:03:00.0", ErrorCode.Unsupported, "no IOMMU");
        Refused("0000:09:00.0", ErrorCode.Unsupported, "no PCI device");
        Assert.Equal("", host.Read("0000:01:00.0/driver_override") + host.Read("0000:02:00.0/driver_override"));
        // Here is no kernel that would do it, which is said.
        Refused("0000:04:00.0", ErrorCode.Unavailable, "the kernel did not give it to vfio-pci");

        void Refused(string address, ErrorCode code, string why)
        {
            var refused = Assert.Throws<HypervisorException>(() => host.Devices.Bind(address));
            Assert.Equal(code, refused.Code);
            Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void USB_devices_of_a_directory_like_sysfs_are_listed_and_refused_with_the_reason()
    {
        using var directory = new TempDirectory();
        foreach (string name in new[] { "usb1", "1-0:1.0", "1-2", "1-2:1.0", "1-2.4" })
            Directory.CreateDirectory(directory[name]);
        foreach (string name in new[] { "1-2", "1-2.4" })
        {
            File.WriteAllText(directory[name + "/idVendor"], "046d\n");
            File.WriteAllText(directory[name + "/idProduct"], "c31c\n");
        }

        File.WriteAllText(directory["1-2.4/product"], "Keyboard\n");
        var devices = new QemuUsbDevices(directory[""]);
        Assert.Equal([("1-2", "046d:c31c", null), ("1-2.4", "046d:c31c", "Keyboard")], devices.List().Select(device => (device.Address, device.Model, device.Product)));
        Assert.Contains("not handed to machines", devices.WhyNot("1-2"), StringComparison.Ordinal);
        Assert.Contains("it has 1-2, 1-2.4", devices.WhyNot("3-1"), StringComparison.Ordinal);
        Assert.Contains("it has none", new QemuUsbDevices(directory["nothing"]).WhyNot("3-1"), StringComparison.Ordinal);
    }

    [Theory(Timeout = 60_000)]
    [Peer("qemu")]
    [InlineData("ffff:1f:1f.7", "no PCI device of that address")]
    [InlineData("usb:9-9", "no USB device there")]
    public async Task A_device_that_this_host_cannot_hand_on_is_refused_with_the_reason(string device, string why)
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var spec = QemuLab.EmptySpec("gpu", spec => spec.PassthroughDevices.Add(device));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(spec, null, TestContext.Current.CancellationToken));
        Assert.Equal((ErrorCode.Unsupported, RequestOutcome.NotSent), (refused.Code, refused.Outcome));
        Assert.Equal(["passthroughDevices"], refused.FieldErrors!.Keys);
        Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        var answer = await backend.QueryAsync(Capability.Parse("passthrough"), default, TestContext.Current.CancellationToken);
        Assert.Equal(backend.Get<QemuPciDevices>().WhyNone() is null ? CapabilitySupport.Conditional : CapabilitySupport.No, answer.Support);
        Assert.NotNull(answer.Reason);
    }

    [Theory]
    [InlineData("pc", """{"driver":"vfio-pci","id":"hv-host0","host":"0000:01:00.0","bus":"pci.0","addr":"0x8"}""")]
    [InlineData("q35", """{"driver":"vfio-pci","id":"hv-host0","host":"0000:01:00.0","bus":"hv-port4"}""")]
    public void A_device_of_the_host_has_a_place_of_its_own_on_the_machines_bus(string type, string expected)
    {
        var config = DeviceSlots.Assign(new MachineConfig
        {
            Id = "m", Uuid = Guid.NewGuid(), Name = "m", CreatedAt = default, Cpus = 1, MemoryBytes = 1 << 20, Boot = new BootConfig { Kind = BootKinds.Disk }, Machine = new QemuMachine { Type = type },
            HostDevices = [new HostDeviceConfig { Id = "hv-host0", Address = "0000:01:00.0" }],
        });
        Assert.Equal(expected, MachineArguments.HostDevice(config.HostDevices[0], config));
    }

    /// <summary>The number of what is mounted at the root of this machine, or where else something is.</summary>
    private static string RootDevice() => File.ReadLines("/proc/self/mountinfo").First().Split(' ')[2];

    /// <summary>What sysfs shows, in a directory of its own.</summary>
    private sealed class SyntheticHost : IDisposable
    {
        private readonly TempDirectory _directory = new();

        public SyntheticHost()
        {
            Devices = new QemuPciDevices(_directory["devices"], _directory["vfio"]);
            File.WriteAllText(_directory["drivers_probe"], "");
        }

        public QemuPciDevices Devices { get; }

        public void Add(string address, string vendor, string device, string kind, string? driver, int? group)
        {
            Put($"{address}/vendor", vendor + "\n");
            Put($"{address}/device", device + "\n");
            Put($"{address}/class", kind + "\n");
            Put($"{address}/driver_override", "");
            if (driver is not null)
            {
                Directory.CreateDirectory(_directory[$"drivers/{driver}"]);
                File.WriteAllText(_directory[$"drivers/{driver}/unbind"], "");
                File.CreateSymbolicLink(_directory[$"devices/{address}/driver"], $"../../drivers/{driver}");
            }

            if (group is { } number)
                File.CreateSymbolicLink(_directory[$"devices/{address}/iommu_group"], $"../../../kernel/iommu_groups/{number}");
        }

        public void Put(string path, string text)
        {
            string file = _directory["devices/" + path];
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            File.WriteAllText(file, text);
        }

        public string Read(string path) => File.ReadAllText(_directory["devices/" + path]);

        public void LoadVfio()
        {
            Directory.CreateDirectory(_directory["vfio"]);
            File.WriteAllText(_directory["vfio/vfio"], "");
        }

        public void Dispose() => _directory.Dispose();
    }
}
