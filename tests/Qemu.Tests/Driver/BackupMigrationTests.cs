using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>What becomes of checkpoints when a machine moves.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Speed(SpeedAttribute.Slow)]
public sealed class BackupMigrationTests
{
    private const int MiB = 1 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 180_000)]
    public async Task A_checkpoint_of_a_disk_that_both_ends_reach_moves_with_the_machine()
    {
        await using var lab = await MigrationLab.CreateAsync();
        string disk = Path.Combine(lab.Lab.Images, "shared.qcow2");
        using (var made = Process.Start(new ProcessStartInfo(RealPeer.Program("qemu-img"), ["create", "-q", "-f", "qcow2", disk, "8M"]))!)
            await made.WaitForExitAsync(Token);
        File.SetUnixFileMode(disk, (UnixFileMode)0b110_110_110);
        var machine = await lab.StartAsync(QemuLab.EmptySpec("shared", spec => spec.Disks[0] = new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(disk, "qcow2")) }));
        await WriteAsync(lab.Source, machine.Id, "write -P 1 0 1M");
        var chain = new BackupChain();
        await chain.TakeAsync(lab.Source.Get<IBackupSource>(), machine.Id, quiesce: false, Token);
        await WriteAsync(lab.Source, machine.Id, "write -P 2 2M 1M");
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, null, null, Token).WaitForCompletionAsync(Token);
        await WriteAsync(lab.Target, machine.Id, "write -P 3 4M 1M");

        await chain.TakeAsync(lab.Target.Get<IBackupSource>(), machine.Id, quiesce: false, Token);
        Assert.Equal(2 * MiB, chain.LastBytes);
        foreach (var (value, at) in new[] { (1, 0), (2, 2), (3, 4) })
            Assert.True(chain["disk0"].AsSpan(at * MiB, MiB).IndexOfAnyExcept((byte)value) < 0, $"{value} is not at {at} MiB.");
    }

    [Fact(Timeout = 180_000)]
    public async Task A_disk_that_moves_along_leaves_its_checkpoints_behind_which_is_said_and_a_whole_backup_begins_anew()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var machine = await lab.StartAsync(QemuLab.EmptySpec("own"));
        var chain = new BackupChain();
        await chain.TakeAsync(lab.Source.Get<IBackupSource>(), machine.Id, quiesce: false, Token);
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, new MigrationOptions { WithStorage = true }, null, Token).WaitForCompletionAsync(Token);
        var source = lab.Target.Get<IBackupSource>();
        var lost = await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(machine.Id, new BackupOptions { SinceCheckpoint = chain.Checkpoint }, Token));
        Assert.Equal(ErrorCode.NotFound, lost.Code);
        Assert.Contains("moved", lost.Message, StringComparison.Ordinal);
        await WriteAsync(lab.Target, machine.Id, "write -P 4 0 8M");
        chain.Checkpoint = null;
        await chain.TakeAsync(source, machine.Id, quiesce: false, Token);
        Assert.NotNull(chain.Checkpoint);
        Assert.True(chain["disk0"].AsSpan().IndexOfAnyExcept((byte)4) < 0);
    }

    private static async Task WriteAsync(QemuBackend backend, InstanceId id, string command)
    {
        var (machine, config) = backend.Table.Require(id);
        string said = await backend.Table.AskAsync(machine, config, async client => await client.HumanMonitorCommandAsync($"qemu-io -d /machine/peripheral/disk0/virtio-backend \"{command}\"", cancellationToken: Token), Token);
        Assert.DoesNotContain("rror", said, StringComparison.Ordinal);
    }
}
