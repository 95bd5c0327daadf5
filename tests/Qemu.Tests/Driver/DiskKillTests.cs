#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>A QEMU that is killed right after a disk was brought onto other images: what was reported as done is on the disk, though no guest has flushed anything.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class DiskKillTests
{
    private const int DiskBytes = 8 << 20;
    private const int OwnBytes = 2 << 20;

    private static readonly DeviceId s_disk = DeviceId.Parse("disk0");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 180_000)]
    [InlineData("flatten")]
    [InlineData("flatten the guest's own")]
    [InlineData("commit the newest")]
    [InlineData("commit one between")]
    [InlineData("move")]
    public async Task What_was_reported_as_done_is_there_when_QEMU_is_killed_after_it(string what)
    {
        await using var lab = await QemuLab.CreateAsync();
        byte[] content = new byte[DiskBytes];
        new Random(1).NextBytes(content);
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "full.raw"), content, Token);
        await using var backend = await lab.ConnectAsync();
        var (hypervisor, layers) = (backend.Get<IHypervisor>(), backend.Get<IDiskLayers>());
        var id = (await hypervisor.CreateAsync(QemuLab.EmptySpec("web", spec => spec.Disks[0].Content = new DiskContent.FromImage("full.raw")), null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        if (what is not "flatten" and not "move")
        {
            await layers.AddAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
            await QemuLab.IoAsync(backend, id, $"write -P 7 0 {OwnBytes}");
            await QemuLab.IoAsync(backend, id, "flush");
            content.AsSpan(0, OwnBytes).Fill(7);
        }

        if (what == "commit one between")
            await layers.AddAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
        var names = await layers.ListAsync(id, s_disk, Token).Select(layer => layer.Name).ToListAsync(Token);
        var done = what switch
        {
            "move" => backend.Get<IDiskMoving>().MoveAsync(id, s_disk, null, null, null, Token),
            "commit the newest" => layers.CommitAsync(id, s_disk, names[0], null, Token),
            "commit one between" => layers.CommitAsync(id, s_disk, names[1], null, Token),
            _ => layers.FlattenAsync(id, s_disk, null, Token),
        };
        await done.WaitForCompletionAsync(Token);

        using (var qemu = Process.GetProcessById(backend.Services.State.ReadProcess(id.ToString())!.Pid))
            qemu.Kill();
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while ((await hypervisor.GetAsync(id, Token)).State != PowerState.Crashed)
            Assert.True(await timer.WaitForNextTickAsync(Token));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await using var session = await backend.Get<IBackupSource>().BeginAsync(id, null, Token);
        byte[] found = new byte[DiskBytes];
        await session.ReadAsync(s_disk, 0, found, Token);
        Assert.Equal(-1, FirstDifference(content, found));
    }

    private static int FirstDifference(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> found)
    {
        int common = expected.CommonPrefixLength(found);
        return common == expected.Length ? -1 : common;
    }
}
