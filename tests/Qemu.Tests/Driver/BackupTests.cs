using System.Diagnostics;
using System.Reflection;
using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Backups of machines that run. Most of them boot nothing: what a guest would write, its device writes by QEMU's monitor.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class BackupTests
{
    private const int MiB = 1 << 20;

    private static readonly DeviceId s_disk = DeviceId.Parse("disk0");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Readers_of_a_session_that_is_closed_are_told_and_two_ends_of_it_are_one()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var vm = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IHypervisor>().StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        for (int round = 0; round < 4; round++)
        {
            var session = await backend.Get<IBackupSource>().BeginAsync(vm.Id, null, Token);
            var readers = Enumerable.Range(0, 6).Select(_ => ReadAsync(session)).ToList();
            var ends = round == 3 ? await Task.WhenAll(session.CompleteAsync(Token), session.CompleteAsync(Token)) : [];
            Assert.Equal(ends.Distinct().Count(), Math.Min(ends.Length, 1));
            await session.DisposeAsync();
            await Task.WhenAll(readers).WaitAsync(Token);
        }

        // Each of them has read, or is told that it is over.
        static async Task ReadAsync(BackupSession session)
        {
            try
            {
                for (int i = 0; i < 10; i++)
                    await session.ReadAsync(s_disk, 0, new byte[8 * MiB], Token);
            }
            catch (Exception error) when (error is ObjectDisposedException or HypervisorException)
            {
                // It is over.
            }
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_disk_that_a_backup_reads_is_neither_removed_nor_made_larger()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var vm = await hypervisor.CreateAsync(QemuLab.EmptySpec("read", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) })), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        InstanceChange removal = new() { RemoveDevices = { DeviceId.Parse("disk1") } }, growth = new() { ResizeDisks = { [s_disk] = ByteSize.FromMiB(16) } };
        var session = await backend.Get<IBackupSource>().BeginAsync(vm.Id, null, Token);
        await using (session)
        {
            foreach (var change in (InstanceChange[])[removal, growth])
            {
                var plan = await hypervisor.PlanAsync(vm.Id, change, Token);
                Assert.Contains("backup", Assert.Single(plan.Steps).Impossible, StringComparison.Ordinal);
                var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.ApplyAsync(plan, new ApplyOptions { Accept = ChangeEffects.DestroysData }, null, Token).WaitForCompletionAsync(Token));
                Assert.Equal((ErrorCode.Locked, RequestOutcome.Rejected), (refused.Code, refused.Outcome));
            }

            var (machine, config) = backend.Table.Require(vm.Id);
            var live = await backend.Table.AskAsync(machine, config, client => LiveDevices.QueryAsync(client, Token), Token);
            Assert.Contains("disk1", live.Devices);
            byte[] read = new byte[512];
            await session.ReadAsync(DeviceId.Parse("disk1"), 0, read, Token);
        }

        Assert.Equal(ByteSize.FromMiB(16), (await hypervisor.ApplyAsync(await hypervisor.PlanAsync(vm.Id, growth, Token), null, null, Token).WaitForCompletionAsync(Token)).Disks[0].Size);
    }

    [Fact(Timeout = 240_000)]
    [Feature("BAK-05")]
    [Feature("BAK-25")]
    public async Task A_chain_of_increments_under_write_load_restores_the_disks_as_the_guest_left_them()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var source = backend.Get<IBackupSource>();
        var vm = await backend.Get<IHypervisor>().CreateAsync(lab.Spec("load", static spec =>
        {
            foreach (string name in (string[])["files", "left", "right"])
                spec.Disks.Add(new DiskSpec { Id = DeviceId.Parse(name), Content = new DiskContent.Blank(ByteSize.FromMiB(16)) });
        }), null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IHypervisor>().StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
        await backend.WaitUntilReadyAsync(vm.Id, cancellationToken: Token);

        // Counts on one disk and then on the other, and writes elsewhere on both: a view of one moment has one count, or the next one on the left.
        await RunAsync("""
            (put() { dd of=/dev/$1 bs=4096 seek=$2 conv=notrunc,fsync 2>/dev/null; }
            i=0
            while [ ! -e /stop ]; do
                i=$((i+1))
                printf '%4096d' $i | put vdb 0
                printf '%4096d' $i | put vdc 0
                dd if=/dev/urandom bs=4096 count=4 2>/dev/null | put vdb $((17+i*97%3000))
                echo $i > /data/count
                [ $((i%10)) = 0 ] && echo LAP$i.
            done
            sync
            echo STOPPED) > /dev/ttyS0 2>&1 < /dev/null &
            """);
        var chain = new BackupChain();
        for (int round = 1; round <= 3; round++)
        {
            await lab.WaitForConsoleAsync(vm.Id, $"LAP{round * 10}.");
            await using var session = await source.BeginAsync(vm.Id, new BackupOptions { SinceCheckpoint = chain.Checkpoint, Quiesce = round == 2 }, Token);
            Assert.Equal(["files", "left", "right"], session.Disks.Select(disk => disk.ToString()));
            await chain.TakeAsync(session, Token);
            long left = Count(chain["left"]), right = Count(chain["right"]);
            Assert.InRange(left, 1, long.MaxValue);
            Assert.Contains(left - right, new[] { 0L, 1L });
            foreach (string disk in (string[])["files", "left", "right"])
                Assert.Equal(await chain.HashOfViewAsync(session, disk, Token), chain.Hash(disk));
            Assert.True(round == 1 || chain.LastBytes < 16 * MiB, $"An increment of {chain.LastBytes} bytes is none.");
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(vm.Id, null, Token))).Code);
            chain.Checkpoint = await session.CompleteAsync(Token);
        }

        await RunAsync("touch /stop");
        await lab.WaitForConsoleAsync(vm.Id, "STOPPED");
        await chain.TakeAsync(source, vm.Id, quiesce: true, Token);
        await backend.Get<IHypervisor>().StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero, ForceAfterGrace = true }, null, Token).WaitForCompletionAsync(Token);
        foreach (string disk in (string[])["left", "right"])
            Assert.Equal(await HashOfImageAsync(lab, backend, vm.Id, disk), chain.Hash(disk));

        async Task RunAsync(string script) => Assert.True((await backend.Get<ICommands>().RunAsync(vm.Id, new CommandSpec { Command = ["sh", "-c", script] }, default, Token)).IsSuccess);
    }

    [Fact(Timeout = 120_000)]
    public async Task What_is_written_while_the_view_is_read_is_not_in_it_and_the_next_increment_has_just_that()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var source = backend.Get<IBackupSource>();
        var id = await StartedAsync(backend);
        await WriteAsync(backend, id, "write -P 1 0 2M");
        string? checkpoint;
        await using (var session = await source.BeginAsync(id, null, Token))
        {
            await WriteAsync(backend, id, "write -P 2 1M 1M");
            await WriteAsync(backend, id, "write -P 2 4M 64k");
            Assert.Equal([new Extent(0, 2 * MiB, false), new Extent(2 * MiB, 6 * MiB, true)], await ExtentsAsync(session));
            byte[] seen = new byte[8 * MiB];
            await session.ReadAsync(s_disk, 0, seen, Token);
            Assert.True(seen.AsSpan(0, 2 * MiB).IndexOfAnyExcept((byte)1) < 0 && seen.AsSpan(2 * MiB).IndexOfAnyExcept((byte)0) < 0);
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await session.ReadAsync(s_disk, (8 * MiB) - 10, new byte[11], Token));
            await Assert.ThrowsAsync<ArgumentException>(async () => await session.ReadAsync(DeviceId.Parse("other"), 0, new byte[1], Token));

            // A read that was given up costs its connection, not the session.
            using var given = new CancellationTokenSource();
            given.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await session.ReadAsync(s_disk, 0, seen, given.Token));
            await session.ReadAsync(s_disk, MiB, seen.AsMemory(0, 1), Token);
            Assert.Equal(1, seen[0]);
            checkpoint = await session.CompleteAsync(Token);
            Assert.Equal(checkpoint, await session.CompleteAsync(Token));
        }

        await WriteAsync(backend, id, "write -z 0 64k");
        await using (var next = await source.BeginAsync(id, new BackupOptions { SinceCheckpoint = checkpoint }, Token))
        {
            Assert.Equal([new Extent(0, 64 << 10, true), new Extent(MiB, MiB, false), new Extent(4 * MiB, 64 << 10, false)], await ExtentsAsync(next));
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("one") }, null, Token).WaitForCompletionAsync(Token))).Code);
        }

        // That session was not completed: the checkpoint from before is still the last one.
        await using var again = await source.BeginAsync(id, new BackupOptions { SinceCheckpoint = checkpoint }, Token);
        Assert.Equal(3, (await ExtentsAsync(again)).Count);
    }

    [Fact(Timeout = 240_000)]
    public async Task A_checkpoint_survives_restarts_snapshots_and_growth_and_says_why_when_it_does_not()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var (hypervisor, snapshots, source) = (backend.Get<IHypervisor>(), backend.Get<ISnapshots>(), backend.Get<IBackupSource>());
        var id = await StartedAsync(backend);
        Assert.Equal(CapabilitySupport.Conditional, (await backend.QueryAsync(Capability.Parse("incremental-backups"), new CapabilityTarget { Instance = id }, Token)).Support);
        string checkpoint = await FullAsync(source, id);
        await snapshots.CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("with-memory"), IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.ChangeAsync(id, new InstanceChange { ResizeDisks = { [s_disk] = ByteSize.FromMiB(16) } }, new ApplyOptions { Accept = ChangeEffects.Live }, null, Token).WaitForCompletionAsync(Token);
        await WriteAsync(backend, id, "write -P 3 12M 64k");
        await RestartAsync(hypervisor, id);
        await snapshots.DeleteAsync(id, SnapshotName.Parse("with-memory"), null, Token).WaitForCompletionAsync(Token);
        await snapshots.CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("running") }, null, Token).WaitForCompletionAsync(Token);
        await using (var session = await source.BeginAsync(id, new BackupOptions { SinceCheckpoint = checkpoint }, Token))
            Assert.Contains(new Extent(12 * MiB, 64 << 10, false), await ExtentsAsync(session));

        // What comes back with a snapshot was not written by the guest.
        await snapshots.CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("memory"), IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        await snapshots.RevertAsync(id, SnapshotName.Parse("memory"), null, Token).WaitForCompletionAsync(Token);
        Assert.Contains("went back", (await LostAsync(source, id, checkpoint)).Message, StringComparison.Ordinal);
        checkpoint = await FullAsync(source, id);
        await snapshots.RevertAsync(id, SnapshotName.Parse("running"), null, Token).WaitForCompletionAsync(Token);
        await LostAsync(source, id, checkpoint);

        // A QEMU that was killed has not written down what has changed.
        checkpoint = await FullAsync(source, id);
        await RestartAsync(hypervisor, id);
        using (var process = LiveProcess.TryHold(ProcessIdentity.Of(backend.Services.State.ReadProcess(id.ToString())!.Pid)!)!)
        {
            process.Kill();
            await process.Exited.WaitAsync(Token);
        }

        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        Assert.Contains("killed", (await LostAsync(source, id, checkpoint)).Message, StringComparison.Ordinal);
        await FullAsync(source, id);

        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero, ForceAfterGrace = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(id, null, Token))).Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_raw_disk_is_backed_up_whole_and_an_increment_is_refused_by_its_name()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var source = backend.Get<IBackupSource>();
        byte[] content = new byte[4 * MiB];
        new Random(5).NextBytes(content.AsSpan(MiB, MiB));
        string raw = lab["data.raw"];
        using (var sparse = File.OpenHandle(raw, FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(sparse, content.Length);
            RandomAccess.Write(sparse, content.AsSpan(MiB, MiB), MiB);
        }

        File.SetUnixFileMode(raw, (UnixFileMode)438);
        var id = await StartedAsync(backend);
        string checkpoint = await FullAsync(source, id);
        var change = new InstanceChange();
        change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("data"), Content = new DiskContent.Attached(new VolumeAttachment.File(raw, "raw")) });
        await backend.Get<IHypervisor>().ChangeAsync(id, change, new ApplyOptions { Accept = ChangeEffects.Live }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(CapabilitySupport.No, (await backend.QueryAsync(Capability.Parse("incremental-backups"), new CapabilityTarget { Instance = id }, Token)).Support);

        var chain = new BackupChain();
        await using (var session = await source.BeginAsync(id, null, Token))
        {
            Assert.Equal(["disk0", "data"], session.Disks.Select(disk => disk.ToString()));
            await chain.TakeAsync(session, Token);
            Assert.Equal(3 * MiB, chain.LastZeroBytes - (8 * MiB));
            Assert.Null(await session.CompleteAsync(Token));
        }

        Assert.Equal(content, chain["data"]);
        Assert.Contains("'data' is raw", (await LostAsync(source, id, checkpoint)).Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Only_the_last_checkpoints_are_kept()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var source = backend.Get<IBackupSource>();
        var id = await StartedAsync(backend);
        var checkpoints = new List<string>();
        for (int i = 0; i < 5; i++)
            checkpoints.Add(await FullAsync(source, id));
        await LostAsync(source, id, checkpoints[0]);
        await using var session = await source.BeginAsync(id, new BackupOptions { SinceCheckpoint = checkpoints[1] }, Token);
        Assert.Empty(await ExtentsAsync(session));
    }

    [Fact(Timeout = 300_000)]
    public async Task A_crash_at_any_point_of_a_backup_leaves_nothing_in_QEMU_and_a_checkpoint_or_none()
    {
        await using var lab = await QemuLab.CreateAsync();
        var first = await lab.ConnectAsync();
        var host = first.Services.Host;
        var id = await StartedAsync(first);
        await first.DisposeAsync();
        int points = await CrashPoints.WalkAsync("backup", async arm =>
        {
            var seam = new CrashSeam();
            var doomed = await lab.ConnectAsync(null, seam, host);
            arm(seam);
            string? checkpoint = null;
            try
            {
                // The end of the process lets go of the lock, as disposing does.
                await using var session = await doomed.Get<IBackupSource>().BeginAsync(id, null, Token);
                checkpoint = await session.CompleteAsync(Token);
            }
            catch (CrashException)
            {
            }

            var effects = seam.Effects;
            seam.Crash();
            await lab.AbandonAsync(doomed);

            var next = await lab.ConnectAsync(null, null, host);
            await CrashPoints.AssertNothingOrphanedAsync(lab, next);
            var (machine, config) = next.Table.Require(id);
            var left = await next.Table.AskAsync(machine, config, async client =>
            {
                var nodes = await client.QueryNamedBlockNodesAsync(flat: true, cancellationToken: Token);
                return (Jobs: await client.QueryJobsAsync(Token), Exports: await client.QueryBlockExportsAsync(Token), Names: nodes.Select(node => node.NodeName ?? "").Concat(nodes.SelectMany(node => node.DirtyBitmaps ?? []).Select(bitmap => bitmap.Name ?? "")).ToList());
            }, Token);
            Assert.Empty(left.Jobs);
            Assert.Empty(left.Exports);
            Assert.DoesNotContain(left.Names, name => name.StartsWith("hv-", StringComparison.Ordinal) && !name.StartsWith("hv-checkpoint-", StringComparison.Ordinal));
            Assert.True(checkpoint is null || left.Names.Contains(checkpoint), "A checkpoint that was returned is there.");
            await lab.AbandonAsync(next);
            return effects;
        });
        Assert.True(points > 15, $"{points} points");
    }

    [Fact(Timeout = 120_000)]
    public async Task Reading_allocates_nothing_for_the_bytes()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var id = await StartedAsync(backend);
        await WriteAsync(backend, id, "write -P 5 0 8M");
        await using var session = await backend.Get<IBackupSource>().BeginAsync(id, null, Token);
        byte[] buffer = new byte[MiB];
        // What the compiler makes of an async method is an object in a build that is not optimised, and a struct otherwise.
        bool isOptimised = typeof(QemuBackend).Assembly.GetCustomAttribute<DebuggableAttribute>() is not { IsJITOptimizerDisabled: true };
        long limit = isOptimised ? 1024 : 32 * 1024;
        long bytes = await AllocationMeter.MeasureAsync(limit, async () =>
        {
            for (long at = 0; at < 8 * MiB; at += MiB)
                await session.ReadAsync(s_disk, at, buffer, Token).ConfigureAwait(false);
        });
        Assert.InRange(bytes, 0, limit);
    }

    private static long Count(byte[] disk) => long.TryParse(System.Text.Encoding.ASCII.GetString(disk, 0, 4096), out long count) ? count : -1;

    private static async Task<InstanceId> StartedAsync(QemuBackend backend)
    {
        var vm = await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IHypervisor>().StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        return vm.Id;
    }

    private static async Task RestartAsync(IHypervisor hypervisor, InstanceId id)
    {
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero, ForceAfterGrace = true }, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
    }

    private static async Task<string> FullAsync(IBackupSource source, InstanceId id)
    {
        await using var session = await source.BeginAsync(id, null, Token);
        return (await session.CompleteAsync(Token))!;
    }

    private static async Task<HypervisorException> LostAsync(IBackupSource source, InstanceId id, string checkpoint)
    {
        var error = await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(id, new BackupOptions { SinceCheckpoint = checkpoint }, Token));
        Assert.Equal(ErrorCode.NotFound, error.Code);
        return error;
    }

    private static async Task<List<Extent>> ExtentsAsync(BackupSession session)
    {
        var extents = new List<Extent>();
        await foreach (var extent in session.GetExtentsAsync(s_disk, Token))
            extents.Add(extent);
        return extents;
    }

    /// <summary>Writes where the guest would, through its device.</summary>
    private static async Task WriteAsync(QemuBackend backend, InstanceId id, string command)
    {
        var (machine, config) = backend.Table.Require(id);
        string said = await backend.Table.AskAsync(machine, config, async client => await client.HumanMonitorCommandAsync($"qemu-io -d /machine/peripheral/disk0/virtio-backend \"{command}\"", cancellationToken: Token), Token);
        Assert.DoesNotContain("rror", said, StringComparison.Ordinal);
    }

    private static async Task<string> HashOfImageAsync(QemuLab lab, QemuBackend backend, InstanceId id, string disk)
    {
        string raw = lab[$"{disk}.raw"];
        await backend.Services.Images.ConvertAsync(DiskImage.At(Path.Combine(lab.StateDirectory, "vms", id.ToString(), "disks", $"{disk}.qcow2"), ImageFormat.Qcow2), DiskImage.At(raw, ImageFormat.Raw), cancellationToken: Token);
        return Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(await File.ReadAllBytesAsync(raw, Token)));
    }
}
