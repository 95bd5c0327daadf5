using System.Globalization;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Disks and CD drives on IDE and SATA: what is accepted starts, what has no place is refused.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ControllerTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 240_000)]
    [InlineData("pc", new[] { "cd cd", "ide ide ide ide", "cd sata", "sata cd", "sata ide cd sata", "sata sata sata sata sata sata", "iso sata ide", "iso seed cd ide" })]
    [InlineData("q35", new[] { "cd cd", "ide cd", "iso sata", "iso ide", "iso cd", "seed cd", "seed sata", "iso seed ide", "sata ide sata cd cd ide" })]
    public async Task Every_combination_of_disks_and_drives_that_is_accepted_starts(string type, string[] combinations)
    {
        await using var lab = await QemuLab.CreateAsync();
        var hypervisor = (await lab.ConnectAsync()).Get<IHypervisor>();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "cd.iso"), new byte[1 << 20], Token);
        for (int i = 0; i < combinations.Length; i++)
        {
            var created = await hypervisor.CreateAsync(Spec(string.Create(CultureInfo.InvariantCulture, $"m{i}"), type, combinations[i]), null, Token).WaitForCompletionAsync(Token);
            var started = await Record.ExceptionAsync(() => hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token));
            Assert.True(started is null, $"{combinations[i]}: {started?.Message}");
            await hypervisor.DeleteAsync(created.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);
        }
    }

    [Theory(Timeout = 60_000)]
    [InlineData("pc", "ide ide ide ide ide", "disks[4].bus")]
    [InlineData("pc", "sata sata sata sata sata sata sata cd", "disks[6].bus")]
    [InlineData("pc", "ide ide cd cd iso", "boot")]
    [InlineData("q35", "ide sata sata sata sata sata cd", "disks[6].bus")]
    [InlineData("q35", "sata sata sata sata sata sata seed", "cloudInit.delivery")]
    public async Task What_has_no_place_on_a_controller_is_refused_with_its_field(string type, string devices, string field)
    {
        await using var lab = await QemuLab.CreateAsync();
        var hypervisor = (await lab.ConnectAsync()).Get<IHypervisor>();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "cd.iso"), new byte[1 << 20], Token);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(Spec("full", type, devices), null, Token));
        Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
        Assert.Equal([field], refused.FieldErrors!.Keys);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_drive_keeps_its_place_when_another_goes()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var id = (await hypervisor.CreateAsync(Spec("m", "pc", "ide ide ide"), null, Token).WaitForCompletionAsync(Token)).Id;
        var change = new InstanceChange { RemoveDevices = { DeviceId.Parse("disk1") } };
        await hypervisor.ApplyAsync(await hypervisor.PlanAsync(id, change, Token), new ApplyOptions { Accept = ChangeEffects.Live | ChangeEffects.DestroysData }, null, Token).WaitForCompletionAsync(Token);
        change = new InstanceChange();
        change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("next"), Bus = "ide", Content = new DiskContent.Blank(ByteSize.FromMiB(1)) });
        await hypervisor.ApplyAsync(await hypervisor.PlanAsync(id, change, Token), null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal([("disk0", 0), ("disk2", 2), ("next", 1)], backend.Services.State.ReadConfig(id.ToString())!.Disks.Select(disk => (disk.Id, disk.Slot!.Value)));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
    }

    private static VirtualMachineSpec Spec(string name, string type, string devices) => QemuLab.EmptySpec(name, spec =>
    {
        spec.Disks.Clear();
        spec.Extensions.Set(new QemuMachine { Type = type, Graphics = false });
        foreach (string device in devices.Split(' '))
        {
            if (device == "iso")
                spec.Boot = new BootSource.Iso(VolumeId.Parse("cd.iso"));
            else if (device == "seed")
                spec.CloudInit = new CloudInitData { UserData = "#cloud-config\n", Delivery = "cd" };
            else
                spec.Disks.Add(new DiskSpec { Bus = device == "cd" ? null : device, Content = device == "cd" ? new DiskContent.Cd("cd.iso") : new DiskContent.Blank(ByteSize.FromMiB(1)) });
        }
    });
}
