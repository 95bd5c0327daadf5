using Hypervisor.Sdk.Conformance.Tool.Targets;
using Hypervisor.Sdk.Qemu;

namespace Hypervisor.Sdk.Conformance.Tests;

[Peer("qemu")]
public sealed class QemuConformanceTests
{
    [Feature("CMP-21")]
    [Feature("CMP-22")]
    [Feature("QA-06")]
    [Fact(Timeout = 300_000)]
    public async Task The_QEMU_driver_keeps_the_contract_on_real_machines()
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        using var directory = new TempDirectory();
        await using var target = await QemuTarget.CreateAsync(() => Options(directory), cancellationToken: TestContext.Current.CancellationToken);
        await ConformanceRun.PassesAsync(target, column: "1-" + target.Name.Replace(' ', '-'));
    }

    [Fact(Timeout = 300_000)]
    public async Task The_QEMU_driver_keeps_the_contract_on_real_machines_of_the_newer_QEMU()
    {
        var newer = await NewerQemu.GetAsync(TestContext.Current.CancellationToken);
        using var directory = new TempDirectory();
        await using var target = await QemuTarget.CreateAsync(() => Options(directory, newer), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal("QEMU 10.0", target.Name);
        await ConformanceRun.PassesAsync(target, column: "1-" + target.Name.Replace(' ', '-'));
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task The_QEMU_driver_keeps_the_contract_with_guests_that_boot()
    {
        RealPeer.Program("qemu-system-x86_64");
        RealPeer.Program("qemu-img");
        await BootsAsync(null);
    }

    [Fact(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    public async Task The_QEMU_driver_keeps_the_contract_with_guests_that_boot_on_the_newer_QEMU() => await BootsAsync(await NewerQemu.GetAsync(TestContext.Current.CancellationToken));

    private static async Task BootsAsync(NewerQemu? newer)
    {
        using var directory = new TempDirectory();
        var guest = await GuestImage.GetAsync(TestContext.Current.CancellationToken);
        await using var target = await QemuTarget.CreateAsync(
            () =>
            {
                var options = Options(directory, newer);
                options.ImageDirectories.Add(guest.DirectoryPath);
                return options;
            },
            (guest.KernelPath, guest.InitrdPath, GuestImage.CommandLine), TestContext.Current.CancellationToken);
        await ConformanceRun.PassesAsync(target, new ConformanceOptions { IncludeLong = true, Seed = 2, Sequences = 40, SequenceSteps = 20 });
    }

    private static QemuOptions Options(TempDirectory directory, NewerQemu? newer = null)
    {
        var options = new QemuOptions { StateDirectory = directory["state"], RuntimeDirectory = directory["run"], Accelerator = QemuAccelerator.Tcg };
        if (newer is null)
            return options;
        (options.QemuSystem, options.QemuImg) = (newer.SystemPath, newer.ImagePath);
        foreach (string firmware in newer.FirmwareDirectories)
            options.FirmwareDirectories.Add(firmware);
        return options;
    }
}
