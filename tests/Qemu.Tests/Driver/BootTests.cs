using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class BootTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    [InlineData("disk upon the image", "pc")]
    [InlineData("disk copied from the image", "q35")]
    [InlineData("CD", "pc")]
    public async Task A_BIOS_boots_a_guest_from(string source, string type)
    {
        await using var lab = await QemuLab.CreateAsync(withMedia: true);
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("web"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256)) };
        spec.Extensions.Set(new QemuMachine { Type = type, CopyImages = source.Contains("copied", StringComparison.Ordinal) });
        if (source == "CD")
            spec.Boot = new BootSource.Iso(VolumeId.Parse("boot.iso"));
        else
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.FromImage("disk.raw") });
        byte[] before = System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(lab.Guest.DiskPath, Token));

        var created = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(created.Id, GuestImage.ReadyText);
        await hypervisor.StopAsync(created.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(before, System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(lab.Guest.DiskPath, Token)));
    }
}
