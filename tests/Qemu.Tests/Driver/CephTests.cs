#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Disks that are images of a real Ceph. Nothing is booted: what a guest would write, its device writes by QEMU's monitor.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Peer("ceph")]
public sealed class CephTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_disk_is_an_image_of_a_pool_that_asks_who_comes()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var ceph = await CephLab.StartAsync(Token);
        string key = await ceph.AddUserAsync("machines", Token);
        string content = lab["content.raw"];
        await File.WriteAllBytesAsync(content, [.. Enumerable.Repeat((byte)3, 1 << 20), .. new byte[7 << 20]], Token);
        await ceph.RbdAsync(Token, "namespace", "create", "--pool", CephLab.Pool, "--namespace", "tenant");
        await ceph.RbdAsync(Token, "import", "--dest-pool", CephLab.Pool, "--dest-namespace", "tenant", "--dest", "web,disk", content);
        await ceph.RbdAsync(Token, "create", "--pool", CephLab.Pool, "--image", "target", "--size", "8M");
        var secrets = new TestSecrets { ["ceph"] = key };
        await using var backend = await lab.ConnectAsync(options => options.Secrets = secrets);
        var (hypervisor, moving) = (backend.Get<IHypervisor>(), backend.Get<IDiskMoving>());
        var image = new VolumeAttachment.Rbd(CephLab.Pool, "web,disk") { ConfigurationPath = ceph.ConfigurationPath, User = "machines", Namespace = "tenant", Key = new SecretReference("ceph") };

        // There when the machine starts: its size is known, its content is there, what is written arrives.
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web", spec => spec.Disks.Add(new DiskSpec { Id = DeviceId.Parse("san"), Content = new DiskContent.Attached(image) })), null, Token).WaitForCompletionAsync(Token);
        var id = created.Id;
        var started = await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        var disk = started.Disks.Single(disk => disk.Id == DeviceId.Parse("san"));
        Assert.Equal((DiskDisposal.Kept, "rbd:vm disks/tenant/web,disk"), (disk.Disposal, disk.Volume!.Value.ToString()));
        await QemuLab.IoAsync(backend, id, "read -P 3 0 1M", "san");
        await QemuLab.IoAsync(backend, id, "write -P 7 3M 1M", "san");
        int pid = backend.Services.State.ReadProcess(id.ToString())!.Pid;
        Assert.True((await File.ReadAllBytesAsync($"/proc/{pid}/cmdline", Token)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(key)) < 0, "The key is an argument.");
        await StopAsync();
        await AssertHasAsync("web,disk", "tenant", (3, 0), (7, 3));

        // Another key opens nothing, and is in no message.
        string other = await ceph.AddUserAsync("another", Token);
        secrets["ceph"] = other;
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token));
        Assert.Contains("web", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(other, refused.ToString(), StringComparison.Ordinal);
        secrets["ceph"] = key;

        // Out of the machine, and into it while it runs; a disk of the machine's own goes to the pool while it runs, and comes home.
        await ChangeAsync(new InstanceChange { RemoveDevices = { DeviceId.Parse("san") } });
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        var back = new InstanceChange();
        back.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("san"), Content = new DiskContent.Attached(image) });
        await ChangeAsync(back);
        await QemuLab.IoAsync(backend, id, "read -P 7 3M 1M", "san");
        await QemuLab.IoAsync(backend, id, "write -P 9 2M 1M");
        var target = image with { Namespace = null, Image = "target" };
        await moving.MoveAsync(id, DeviceId.Parse("disk0"), target, null, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "write -P 5 4M 1M");
        await StopAsync();
        await AssertHasAsync("target", null, (9, 2), (5, 4));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await moving.MoveAsync(id, DeviceId.Parse("disk0"), null, null, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 5 4M 1M");

        Task StopAsync() => hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero, ForceAfterGrace = true }, null, Token).WaitForCompletionAsync(Token);
        Task ChangeAsync(InstanceChange change) => hypervisor.ChangeAsync(id, change, new ApplyOptions { Accept = ChangeEffects.Live }, null, Token).WaitForCompletionAsync(Token);

        async Task AssertHasAsync(string name, string? tenant, params (int Value, int AtMiB)[] pieces)
        {
            string file = lab["exported.raw"];
            File.Delete(file);
            await ceph.RbdAsync(Token, ["export", "--pool", CephLab.Pool, .. tenant is null ? Array.Empty<string>() : ["--namespace", tenant], "--image", name, "--path", file]);
            StorageServerTests.AssertHas(file, pieces);
        }
    }
}
