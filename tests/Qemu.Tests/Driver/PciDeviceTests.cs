namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>The host's PCI devices, over a directory like sysfs: this machine may have none.</summary>
public sealed class PciDeviceTests
{
    [Fact]
    public void Devices_are_listed_by_IOMMU_group_and_refused_with_what_stands_against_them()
    {
        using var directory = new TempDirectory();
        Make("0000:00:1f.0", "0x8086", "0x7010", "0x060100", "lpc_ich", null);
        Make("0000:01:00.0", "0x10de", "0x1eb8", "0x030200", "vfio-pci", 7);
        Make("0000:01:00.1", "0x10de", "0x10f8", "0x040300", "snd_hda_intel", 7);
        Make("0000:02:00.0", "0x8086", "0x1572", "0x020000", "vfio-pci", 9);
        var devices = new QemuPciDevices(directory["devices"]);

        Assert.Equal(4, devices.List().Count);
        var groups = devices.ListGroups();
        Assert.Equal(["0000:01:00.0", "0000:01:00.1"], groups[7].Select(device => device.Address));
        Assert.Equal(("10de:1eb8", "0x030200", true, "vfio-pci"), (groups[7][0].Model, groups[7][0].Class, groups[7][0].IsDisplay, groups[7][0].Driver));
        Assert.False(Assert.Single(groups[9]).IsDisplay);

        Assert.Null(devices.WhyNot("0000:02:00.0"));
        Assert.Contains("0000:01:00.1 by snd_hda_intel", devices.WhyNot("0000:01:00.0"), StringComparison.Ordinal);
        Assert.Contains("no IOMMU", devices.WhyNot("0000:00:1f.0"), StringComparison.Ordinal);
        Assert.Contains("no PCI device", devices.WhyNot("0000:09:00.0"), StringComparison.Ordinal);
        Assert.Empty(new QemuPciDevices(directory["nothing"]).List());

        void Make(string address, string vendor, string device, string kind, string driver, int? group)
        {
            string path = directory["devices/" + address];
            Directory.CreateDirectory(path);
            File.WriteAllText(Path.Combine(path, "vendor"), vendor + "\n");
            File.WriteAllText(Path.Combine(path, "device"), device + "\n");
            File.WriteAllText(Path.Combine(path, "class"), kind + "\n");
            File.CreateSymbolicLink(Path.Combine(path, "driver"), "../../../bus/pci/drivers/" + driver);
            if (group is { } number)
                File.CreateSymbolicLink(Path.Combine(path, "iommu_group"), $"../../../kernel/iommu_groups/{number}");
        }
    }

    [Fact(Timeout = 60_000)]
    [System.Runtime.Versioning.SupportedOSPlatform("linux")]
    [Peer("qemu")]
    public async Task A_device_that_this_host_cannot_hand_on_is_refused_with_the_reason()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var spec = QemuLab.EmptySpec("gpu", spec => spec.PassthroughDevices.Add("ffff:1f:1f.7"));
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(spec, null, TestContext.Current.CancellationToken));
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
        Assert.Contains(backend.Get<QemuPciDevices>().WhyNot("ffff:1f:1f.7")!, refused.Message, StringComparison.Ordinal);
    }
}
