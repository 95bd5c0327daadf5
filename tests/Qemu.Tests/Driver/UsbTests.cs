using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Changes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Disks on USB, and what a machine with USB has beside.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class UsbTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 120_000)]
    [InlineData("pc")]
    [InlineData("q35")]
    public async Task A_disk_is_plugged_into_USB_and_taken_out_while_the_machine_runs(string type)
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "stick.raw"), new byte[1 << 20], Token);
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("usb", spec => spec.Extensions.Set(new QemuMachine { Type = type, Usb = true, CopyImages = true })), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        // The pointer of a machine with a screen.
        Assert.Contains("QEMU USB Tablet", await UsbAsync(backend, created.Id), StringComparison.Ordinal);

        var added = await ApplyAsync(hypervisor, created.Id, ChangeEffects.Live, change => change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("stick"), Bus = "usb", Content = new DiskContent.FromImage("stick.raw") }), "1MiB on usb");
        Assert.Equal(("usb", false), (added.Disks[^1].Bus, added.HasPendingChanges));
        Assert.Contains("QEMU USB MSD", await UsbAsync(backend, created.Id), StringComparison.Ordinal);
        string file = Path.Combine(lab.StateDirectory, "vms", created.Id.ToString(), "disks", "stick.qcow2");
        Assert.True(File.Exists(file));

        var removed = await ApplyAsync(hypervisor, created.Id, ChangeEffects.Live | ChangeEffects.DestroysData, change => change.RemoveDevices.Add(DeviceId.Parse("stick")), null);
        Assert.Single(removed.Disks);
        Assert.False(File.Exists(file));
        Assert.DoesNotContain("QEMU USB MSD", await UsbAsync(backend, created.Id), StringComparison.Ordinal);
        var (machine, config) = backend.Table.Require(created.Id);
        var live = await backend.Table.AskAsync(machine, config, client => LiveDevices.QueryAsync(client, Token), Token);
        Assert.DoesNotContain("stick", live.Devices);
        Assert.DoesNotContain("stick", live.Disks.Keys);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_machine_boots_from_a_disk_on_USB()
    {
        await using var lab = await QemuLab.CreateAsync(withMedia: true);
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = QemuLab.EmptySpec("stick", spec =>
        {
            spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256));
            spec.Disks.Clear();
            spec.Disks.Add(new DiskSpec { Bus = "usb", Content = new DiskContent.FromImage(lab.Guest.DiskPath) });
        });
        var id = (await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(id, GuestImage.ReadyText);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_machine_without_a_controller_gets_one_with_its_first_disk_on_USB_at_the_next_start()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("usb"), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        var added = await ApplyAsync(hypervisor, created.Id, ChangeEffects.AtNextStart, change => change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("stick"), Bus = "usb", Content = new DiskContent.Blank(ByteSize.FromMiB(1)) }), "1MiB on usb (at the next start: it has no USB controller now)");
        Assert.True(added.HasPendingChanges);
        await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.Contains("QEMU USB MSD", await UsbAsync(backend, created.Id), StringComparison.Ordinal);

        foreach (var (spec, field) in new (Action<VirtualMachineSpec>, string)[]
        {
            (spec => spec.Disks[0] = new DiskSpec { Bus = "usb", Content = new DiskContent.Blank(ByteSize.FromMiB(1)), Limits = new DiskLimits { Total = new DiskRate { OperationsPerSecond = 10 } } }, "disks[0].limits"),
            (spec => spec.Disks[0] = new DiskSpec { Bus = "usb", Content = new DiskContent.Cd() }, "disks[0].bus"),
            (spec => spec.PassthroughDevices.Add("usb:1-2"), "passthroughDevices"),
        })
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(QemuLab.EmptySpec("other", spec), null, Token));
            Assert.Equal([field], refused.FieldErrors!.Keys);
        }
    }

    private static async Task<Instance> ApplyAsync(IHypervisor hypervisor, InstanceId id, ChangeEffects effects, Action<InstanceChange> configure, string? to)
    {
        var change = new InstanceChange();
        configure(change);
        var plan = await hypervisor.PlanAsync(id, change, Token);
        Assert.Equal((effects, to), (plan.Effects, Assert.Single(plan.Steps).To));
        return await hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = effects }, null, Token).WaitForCompletionAsync(Token);
    }

    /// <summary>What is plugged in, by QEMU's own words.</summary>
    private static async Task<string> UsbAsync(QemuBackend backend, InstanceId id)
    {
        var (machine, config) = backend.Table.Require(id);
        return await backend.Table.AskAsync(machine, config, async client => (await client.HumanMonitorCommandAsync("info usb", cancellationToken: Token)).ToString()!, Token);
    }
}
