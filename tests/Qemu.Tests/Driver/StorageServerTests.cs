#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Net;
using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Disks at servers, and on their way there. Nothing is booted: what a guest would write, its device writes by QEMU's monitor.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class StorageServerTests
{
    private const int DiskBytes = 8 << 20;
    private const string Target = "iqn.2026-01.test.hypervisor:disk";

    private static readonly DeviceId s_disk = DeviceId.Parse("disk0");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task A_disk_moves_to_a_server_and_home_while_its_machine_runs_and_at_rest()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var peers = new DiskPeers();
        string first = MakeFile(lab["first.raw"]), second = MakeFile(lab["second.raw"]);
        var running = new VolumeAttachment.Nbd(peers.Serve(first, "vol 1"));
        var resting = new VolumeAttachment.Nbd(peers.Serve(second, "vol,2"));
        var small = new VolumeAttachment.Nbd(peers.Serve(MakeFile(lab["small.raw"], DiskBytes / 2), "small"));
        await using var backend = await lab.ConnectAsync();
        var (hypervisor, moving) = (backend.Get<IHypervisor>(), backend.Get<IDiskMoving>());
        var id = await StartedAsync(backend, _ => { });
        await QemuLab.IoAsync(backend, id, "write -P 5 1M 1M");
        Assert.Contains("exactly its size", (await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(small))).Message, StringComparison.Ordinal);
        await QemuLab.IoAsync(backend, id, "read -P 5 1M 1M");

        var moved = await MoveAsync(running);
        Assert.Equal(DiskDisposal.Kept, moved.Disks[0].Disposal);
        Assert.Empty(CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));
        await QemuLab.IoAsync(backend, id, "write -P 6 2M 1M");
        Assert.Contains("is there", (await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(running))).Message, StringComparison.Ordinal);
        await StopAsync(hypervisor, id);
        AssertHas(first, (5, 1), (6, 2));
        Assert.Contains("exactly its size", (await Assert.ThrowsAsync<HypervisorException>(() => MoveAsync(small))).Message, StringComparison.Ordinal);
        await MoveAsync(resting);
        AssertHas(second, (5, 1), (6, 2));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 6 2M 1M");
        await MoveAsync(null);
        await QemuLab.IoAsync(backend, id, "read -P 6 2M 1M");
        await StopAsync(hypervisor, id);
        Assert.Single(CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));

        Task<Instance> MoveAsync(VolumeAttachment? target) => moving.MoveAsync(id, s_disk, target, null, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 180_000)]
    public async Task A_disk_is_a_unit_of_an_iSCSI_target_that_asks_who_comes()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var peers = new DiskPeers();
        const string Secret = "chap-secret-4711";
        string file = MakeFile(lab["san.raw"]);
        int port = peers.ServeIscsi(file, Target, "me", Secret);
        var secrets = new TestSecrets { ["chap"] = Secret };
        await using var backend = await lab.ConnectAsync(options => options.Secrets = secrets);
        var (hypervisor, moving) = (backend.Get<IHypervisor>(), backend.Get<IDiskMoving>());
        var unit = new VolumeAttachment.Iscsi(Target, 1) { Portals = [new DnsEndPoint("127.0.0.1", port)], ChapUser = "me", ChapSecret = new SecretReference("chap") };
        var id = await StartedAsync(backend, spec => spec.Disks.Add(new DiskSpec { Id = DeviceId.Parse("san"), Content = new DiskContent.Attached(unit) }));
        await QemuLab.IoAsync(backend, id, "write -P 7 3M 1M", "san");
        int pid = backend.Services.State.ReadProcess(id.ToString())!.Pid;
        Assert.True((await File.ReadAllBytesAsync($"/proc/{pid}/cmdline", Token)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Secret)) < 0);
        await StopAsync(hypervisor, id);
        AssertHas(file, (7, 3));

        // Another secret opens nothing, and is in no message.
        secrets["chap"] = "another-secret-1";
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token));
        Assert.Contains("uthentication", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("another-secret-1", refused.ToString(), StringComparison.Ordinal);
        secrets["chap"] = Secret;

        // Out of the machine, into another that runs, and one more moves there: while it runs, not at rest.
        await hypervisor.ChangeAsync(id, new InstanceChange { RemoveDevices = { DeviceId.Parse("san") } }, new ApplyOptions { Accept = ChangeEffects.Live }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => moving.MoveAsync(id, s_disk, unit, null, null, Token))).Code);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "write -P 8 1M 1M");
        var moved = await moving.MoveAsync(id, s_disk, unit, null, null, Token).WaitForCompletionAsync(Token);
        Assert.StartsWith("iscsi://", moved.Disks[0].Volume!.Value.ToString(), StringComparison.Ordinal);
        await QemuLab.IoAsync(backend, id, "read -P 8 1M 1M");
        await StopAsync(hypervisor, id);
        AssertHas(file, (8, 1));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await moving.MoveAsync(id, s_disk, null, null, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 8 1M 1M");

        // Plugged in while it runs: the secret comes with it.
        var change = new InstanceChange();
        change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("san"), Content = new DiskContent.Attached(unit) });
        await hypervisor.ChangeAsync(id, change, new ApplyOptions { Accept = ChangeEffects.Live }, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 8 1M 1M", "san");
    }

    private static async Task<InstanceId> StartedAsync(QemuBackend backend, Action<VirtualMachineSpec> configure)
    {
        var id = (await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web", configure), null, Token).WaitForCompletionAsync(Token)).Id;
        await backend.Get<IHypervisor>().StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        return id;
    }

    private static async Task StopAsync(IHypervisor hypervisor, InstanceId id) => await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero, ForceAfterGrace = true }, null, Token).WaitForCompletionAsync(Token);

    private static string MakeFile(string path, int bytes = DiskBytes)
    {
        File.WriteAllBytes(path, new byte[bytes]);
        return path;
    }

    internal static void AssertHas(string file, params (int Value, int AtMiB)[] pieces)
    {
        byte[] content = File.ReadAllBytes(file);
        foreach (var (value, at) in pieces)
            Assert.True(content.AsSpan(at << 20, 1 << 20).IndexOfAnyExcept((byte)value) < 0, $"{value} is not at {at} MiB of {file}.");
    }
}
