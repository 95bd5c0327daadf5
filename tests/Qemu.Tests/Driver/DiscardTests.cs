using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>What a guest gives back, and the zeros that it writes.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class DiscardTests
{
    private const int MiB = 1 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task What_a_guest_gives_back_and_zeros_that_are_looked_for_take_no_room()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var spec = lab.Spec("web", spec =>
        {
            Add("files", static _ => { });
            Add("gives", static _ => { });
            Add("keeps", static disk => disk.Discard = false);
            Add("noted", static disk => disk.DetectZeroes = ZeroDetection.Write);
            Add("freed", static disk => disk.DetectZeroes = ZeroDetection.Discard);

            void Add(string id, Action<DiskSpec> configure)
            {
                var disk = new DiskSpec { Id = DeviceId.Parse(id), Content = new DiskContent.Blank(ByteSize.FromMiB(24)) };
                configure(disk);
                spec.Disks.Add(disk);
            }
        });
        var created = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal([true, true, false, true, true], created.Disks.Select(disk => disk.Discard!.Value));
        Assert.Equal([ZeroDetection.Off, ZeroDetection.Off, ZeroDetection.Off, ZeroDetection.Write, ZeroDetection.Discard], created.Disks.Select(disk => disk.DetectZeroes!.Value));
        var id = created.Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        await backend.WaitUntilReadyAsync(id, cancellationToken: Token);
        await QemuLab.ShellAsync(backend, id, "dd if=/dev/urandom of=/data/big bs=1M count=8 2>/dev/null; for i in b c d e; do dd if=/data/big of=/dev/vd$i bs=1M conv=fsync 2>/dev/null; done; sync");
        var full = await AllocatedAsync();
        Assert.All(full, bytes => Assert.True(bytes > 7 * MiB, $"{bytes}"));

        // By a file system, and by a device as a whole.
        await QemuLab.ShellAsync(backend, id, "rm /data/big; sync; fstrim /data; for i in b c; do blkdiscard /dev/vd$i; done; for i in d e; do dd if=/dev/zero of=/dev/vd$i bs=1M count=8 conv=fsync 2>/dev/null; done; sync");
        var empty = await AllocatedAsync();
        Assert.True(empty[0] < full[0] - (6 * MiB), $"fstrim: {full[0]}, then {empty[0]}");
        Assert.True(empty[1] < full[1] - (6 * MiB), $"blkdiscard: {full[1]}, then {empty[1]}");
        Assert.True(empty[2] > full[2] - MiB && empty[3] > full[3] - MiB, $"{string.Join(' ', full)}, then {string.Join(' ', empty)}");
        Assert.True(empty[4] < full[4] - (6 * MiB), $"zeros: {full[4]}, then {empty[4]}");

        // Where nothing was: zeros that nobody looks for are written.
        await QemuLab.ShellAsync(backend, id, "for i in b d e; do dd if=/dev/zero of=/dev/vd$i bs=1M seek=12 count=8 conv=fsync 2>/dev/null; done; sync; cmp -n 8388608 /dev/vde /dev/zero");
        var zeros = await AllocatedAsync();
        Assert.True(zeros[1] > empty[1] + (7 * MiB), $"{empty[1]}, then {zeros[1]}");
        Assert.True(zeros[3] < empty[3] + MiB && zeros[4] < empty[4] + MiB, $"{string.Join(' ', empty)}, then {string.Join(' ', zeros)}");

        async Task<long[]> AllocatedAsync() => [.. (await hypervisor.GetAsync(id, Token)).Disks.Select(disk => disk.Allocated!.Value.Bytes)];
    }

    [Fact(Timeout = 60_000)]
    public async Task Zeros_that_cannot_be_given_back_are_refused()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web", spec => (spec.Disks[0].DetectZeroes, spec.Disks[0].Discard) = (ZeroDetection.Discard, false)), null, Token));
        Assert.Contains("disks[0].detectZeroes", refused.FieldErrors!.Keys);
    }
}
