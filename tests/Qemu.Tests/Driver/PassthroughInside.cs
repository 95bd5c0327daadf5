using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>What <see cref="PassthroughTests"/> runs in the host that it emulates, and nobody elsewhere.</summary>
[SupportedOSPlatform("linux")]
[Speed(SpeedAttribute.Full)]
public sealed class PassthroughInside
{
    /// <summary>The address of the host's network card.</summary>
    public const string Mac = "52:54:00:aa:bb:cc";

    private const string Network = "0000:01:00.0";
    private const string Display = "0000:02:00.0";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Explicit = true)]
    public async Task The_host_lists_its_devices_by_group_keeps_what_it_uses_and_binds_the_rest()
    {
        using var directory = new TempDirectory();
        await using var backend = await QemuBackend.ConnectAsync(Options(directory), null, Token);
        var hypervisor = backend.Get<IHypervisor>();
        var devices = backend.Get<QemuPciDevices>();
        var network = devices.List().Single(device => device.Address == Network);
        var display = devices.List().Single(device => device.Address == Display);
        Assert.Equal(("virtio-pci", false), (network.Driver, network.IsDisplay));
        Assert.True(display.IsDisplay);
        Assert.NotNull(network.IommuGroup);
        Assert.NotEqual(network.IommuGroup, display.IommuGroup);
        Assert.Equal(CapabilitySupport.Conditional, (await backend.QueryAsync(Capability.Parse("passthrough"), default, Token)).Support);
        Say("listed", string.Join(", ", devices.List().Select(device => $"{device.Address} {device.Model} group {device.IommuGroup} {device.Driver}")));

        // What the host has is not a machine's, and what it uses is not taken from it.
        var held = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(Spec("early", Network), null, Token));
        Assert.Contains("in use by the host: 0000:01:00.0 by virtio-pci", held.Message, StringComparison.Ordinal);
        string link = Path.GetFileName(Directory.GetDirectories($"/sys/bus/pci/devices/{Network}", "virtio*").SelectMany(inner => Directory.GetDirectories(Path.Combine(inner, "net"))).Single());
        await RunAsync("ip", "link", "set", link, "up");
        Assert.Contains($"the network '{link}' is up", Assert.Throws<HypervisorException>(() => devices.Bind(Network)).Message, StringComparison.Ordinal);
        string disk = devices.List().First(device => device.Class == "0x010000" && device.Driver == "virtio-pci").Address;
        Assert.Contains("is mounted at", Assert.Throws<HypervisorException>(() => devices.Bind(disk)).Message, StringComparison.Ordinal);
        await RunAsync("ip", "link", "set", link, "down");
        devices.Bind(Network);
        devices.Bind(Network);
        devices.Bind(Display);
        Assert.All(devices.List().Where(device => device.Address is Network or Display), device => Assert.Equal("vfio-pci", device.Driver));
        Assert.Null(devices.WhyNot(Network));
        Say("bound", "both");
    }

    [Fact(Explicit = true)]
    public async Task A_machine_of_this_host_runs_with_its_network_card_and_its_display_until_they_are_given_back()
    {
        using var directory = new TempDirectory();
        await using var backend = await QemuBackend.ConnectAsync(Options(directory), null, Token);
        var hypervisor = backend.Get<IHypervisor>();
        var devices = backend.Get<QemuPciDevices>();
        devices.Bind(Network);
        devices.Bind(Display);
        var id = (await hypervisor.CreateAsync(Spec("one", Network, Display), null, Token).WaitForCompletionAsync(Token)).Id;
        Assert.Equal(PowerState.Running, (await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token)).State);
        var (machine, config) = backend.Table.Require(id);
        var buses = await backend.Table.AskAsync(machine, config, async client => await client.QueryPciAsync(Token), Token);
        var seen = buses.SelectMany(bus => bus.Devices).Where(device => device.QdevId.StartsWith("hv-host", StringComparison.Ordinal)).ToDictionary(device => device.QdevId, device => (device.Id.Vendor, device.Id.Device));
        Assert.Equal(((0x1af4L, 0x1041L), (0x1234L, 0x1111L)), (seen["hv-host0"], seen["hv-host1"]));
        Say("runs", "with both");

        // A device is in one machine at a time.
        var second = (await hypervisor.CreateAsync(Spec("two", Network), null, Token).WaitForCompletionAsync(Token)).Id;
        var busy = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(second, null, Token).WaitForCompletionAsync(Token));
        Assert.Contains("vfio", busy.Message, StringComparison.Ordinal);
        Say("refused", busy.Message);
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        devices.Release(Network);
        devices.Release(Display);
        Assert.Equal("virtio-pci", devices.List().Single(device => device.Address == Network).Driver);
        var late = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Unavailable, late.Code);
        Assert.Contains("in use by the host", late.Message, StringComparison.Ordinal);
    }

    private static QemuOptions Options(TempDirectory directory)
    {
        var options = new QemuOptions { StateDirectory = directory["state"], RuntimeDirectory = directory["run"], Accelerator = QemuAccelerator.Tcg, StartTimeout = TimeSpan.FromMinutes(5), DefaultDeadline = TimeSpan.FromMinutes(20) };
        options.ImageDirectories.Add("/mnt");
        return options;
    }

    /// <summary>A machine whose firmware finds nothing to boot.</summary>
    private static VirtualMachineSpec Spec(string name, params string[] devices)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64)) };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
        spec.Extensions.Set(new QemuMachine { Graphics = false });
        foreach (string device in devices)
            spec.PassthroughDevices.Add(device);
        return spec;
    }

    private static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        await process.WaitForExitAsync(Token);
        Assert.Equal(0, process.ExitCode);
    }

    /// <summary>For whoever waits outside.</summary>
    private static void Say(string what, string about) => Console.WriteLine($"inside: {what}: {about}");
}
