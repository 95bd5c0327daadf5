using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class LifecycleTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task A_machine_is_created_started_stopped_by_its_power_button_and_deleted_with_everything()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();

        var created = await hypervisor.CreateAsync(lab.Spec("web", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(16)) })), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Stopped, created.State);
        Assert.Equal("web", created.Name);

        var started = await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Running, started.State);
        await lab.WaitForConsoleAsync(created.Id, GuestImage.ReadyText);

        var stopped = await hypervisor.StopAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(PowerState.Stopped, stopped.State);

        await hypervisor.DeleteAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Null(await hypervisor.FindAsync(created.Id, Token));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(lab.StateDirectory, "vms")));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(lab.StateDirectory, "names")));
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(lab.StateDirectory, "locks")));
        Assert.Empty(Directory.GetFileSystemEntries(lab["run"]));
    }
}
