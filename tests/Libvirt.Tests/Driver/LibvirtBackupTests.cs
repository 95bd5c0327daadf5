using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Cryptography;
using Hypervisor.Sdk.Libvirt.Backups;
using Hypervisor.Sdk.Libvirt.Driver;
using Hypervisor.Sdk.Libvirt.Tests.Lab;
using Hypervisor.Sdk.Libvirt.Xml;
using Hypervisor.Sdk.Qemu.Tests.Driver;

namespace Hypervisor.Sdk.Libvirt.Tests.Driver;

/// <summary>Backups of machines that run. They boot nothing: what a guest would write, its device writes by the emulator's monitor.</summary>
[Peer("libvirt")]
[Collection(LibvirtGuest.OneAtATime)]
public sealed class LibvirtBackupTests(Libvirtd libvirtd)
{
    private const int MiB = 1 << 20;

    private static readonly DeviceId s_disk = DeviceId.Parse("vda");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 300_000)]
    [Feature("BAK-05")]
    [Feature("BAK-25")]
    public async Task A_full_backup_and_increments_under_writes_restore_all_disks_as_they_were_at_one_moment()
    {
        await using var lab = await StartAsync(8, 8);
        var source = lab.Backend.Get<IBackupSource>();
        var written = new ConcurrentDictionary<int, TaskCompletionSource>();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var writing = Task.Run(async () =>
        {
            // Counts on one disk and then on the other, and writes elsewhere on both: a view of one moment has one count, or the next one on the left.
            for (int count = 1; !enough.IsCancellationRequested; count++)
            {
                await lab.WriteAsync("vda", $"write -P {Mark(count)} 0 4k");
                await lab.WriteAsync("vdb", $"write -P {Mark(count)} 0 4k");
                await lab.WriteAsync("vda", $"write -P {Mark(count)} {64 * (1 + (count * 7 % 100))}k 8k");
                written.GetOrAdd(count, static _ => new()).TrySetResult();
            }
        }, Token);
        var chain = new BackupChain();
        for (int round = 1; round <= 3; round++)
        {
            await await Task.WhenAny(writing, written.GetOrAdd(round * 5, static _ => new()).Task.WaitAsync(Token));
            await using var session = await source.BeginAsync(lab.Id, new BackupOptions { SinceCheckpoint = chain.Checkpoint }, Token);
            Assert.Equal(["vda", "vdb"], session.Disks.Select(disk => disk.ToString()).Order());
            await chain.TakeAsync(session, Token);
            Assert.Contains((chain["vda"][0] - chain["vdb"][0] + 250) % 250, new[] { 0, 1 });
            foreach (string disk in (string[])["vda", "vdb"])
                Assert.Equal(await chain.HashOfViewAsync(session, disk, Token), chain.Hash(disk));
            Assert.True(round == 1 ? chain.LastZeroBytes > 8 * MiB : chain.LastBytes < 16 * MiB, $"{chain.LastBytes} bytes and {chain.LastZeroBytes} of zeros in the round {round}.");
            Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(lab.Id, null, Token))).Code);
            chain.Checkpoint = await session.CompleteAsync(Token);
        }

        await enough.CancelAsync();
        await writing;
        await chain.TakeAsync(source, lab.Id, quiesce: false, Token);
        await AssertNoJobAsync(lab);
        var facts = (await lab.FindAsync())!;
        await lab.OffAsync();
        foreach (var disk in facts.Config.Disks.Where(disk => disk.Target is "vda" or "vdb"))
            Assert.Equal(await HashOfImageAsync(disk.Source!), chain.Hash(disk.Target));

        static int Mark(int count) => 1 + (count % 250);
    }

    [Fact(Timeout = 300_000)]
    public async Task What_is_written_while_the_view_is_read_is_not_in_it_and_a_session_that_is_not_completed_leaves_nothing()
    {
        await using var lab = await StartAsync(8);
        var source = lab.Backend.Get<IBackupSource>();
        await lab.WriteAsync("vda", "write -P 1 0 2M");
        string? checkpoint;
        await using (var session = await source.BeginAsync(lab.Id, null, Token))
        {
            await lab.WriteAsync("vda", "write -P 2 1M 1M");
            await lab.WriteAsync("vda", "write -P 2 4M 64k");
            Assert.Equal([new Extent(0, 2 * MiB, false), new Extent(2 * MiB, 6 * MiB, true)], await ExtentsAsync(session));
            byte[] seen = new byte[8 * MiB];
            await session.ReadAsync(s_disk, 0, seen, Token);
            Assert.True(seen.AsSpan(0, 2 * MiB).IndexOfAnyExcept((byte)1) < 0 && seen.AsSpan(2 * MiB).IndexOfAnyExcept((byte)0) < 0);
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await session.ReadAsync(s_disk, (8 * MiB) - 10, new byte[11], Token));
            await Assert.ThrowsAsync<ArgumentException>(async () => await session.ReadAsync(DeviceId.Parse("other"), 0, new byte[1], Token));
            var snapshots = lab.Backend.Get<ISnapshots>();
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => snapshots.CreateAsync(lab.Id, new SnapshotSpec { Name = SnapshotName.Parse("one") }, null, Token).WaitForCompletionAsync(Token));
            Assert.Equal(ErrorCode.Locked, refused.Code);
            checkpoint = await session.CompleteAsync(Token);
            Assert.Equal(checkpoint, await session.CompleteAsync(Token));
        }

        await AssertNoJobAsync(lab);
        await lab.WriteAsync("vda", "write -z 0 64k");
        var next = await source.BeginAsync(lab.Id, new BackupOptions { SinceCheckpoint = checkpoint }, Token);
        await using (next)
            Assert.Equal([new Extent(0, 64 << 10, true), new Extent(MiB, MiB, false), new Extent(4 * MiB, 64 << 10, false)], await ExtentsAsync(next));
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await next.ReadAsync(s_disk, 0, new byte[1], Token));
        await AssertNoJobAsync(lab);
        Assert.Equal([checkpoint!], await CheckpointsAsync(lab));

        // That session was not completed: the checkpoint from before is still the last one. A disk that was added since is in the increment whole.
        await lab.Backend.Get<IHypervisor>().ChangeAsync(lab.Id, new InstanceChange { AddDisks = { new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(1)) } } }, new ApplyOptions { Accept = ChangeEffects.Live }, null, Token).WaitForCompletionAsync(Token);
        await using (var again = await source.BeginAsync(lab.Id, new BackupOptions { SinceCheckpoint = checkpoint }, Token))
        {
            Assert.Equal(3, (await ExtentsAsync(again)).Count);
            Assert.Equal([new Extent(0, MiB, true)], await ExtentsAsync(again, "vdb"));
        }

        // The end of the machine is the end of the view.
        await using var lost = await source.BeginAsync(lab.Id, null, Token);
        await lab.OffAsync();
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => lost.CompleteAsync(Token))).Code);
    }

    [Fact(Timeout = 300_000)]
    public async Task What_a_dead_process_has_left_is_ended_by_the_next_session_and_what_a_living_one_reads_is_not()
    {
        await using var lab = await StartAsync(4);
        var source = lab.Backend.Get<IBackupSource>();
        var facts = (await lab.FindAsync())!;
        var mark = BackupMark.Create(lab.Directory, DateTimeOffset.UtcNow);
        await lab.Outside.DomainBackupBeginAsync(facts.Domain, BackupDocument.Pull(mark.Socket, facts.Live!, null, new HashSet<string>(), mark.ScratchOf), BackupDocument.Checkpoint(mark.Name, facts.Live!), 0, Token);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(lab.Id, null, Token))).Code);
        mark.Dispose();
        await using (var session = await source.BeginAsync(lab.Id, null, Token))
        {
            Assert.Single(await ExtentsAsync(session));
            Assert.DoesNotContain(mark.Name, await CheckpointsAsync(lab));
        }

        Assert.Empty(await CheckpointsAsync(lab));
        await AssertNoJobAsync(lab);

        // What others read is theirs.
        await lab.Outside.DomainBackupBeginAsync(facts.Domain, BackupDocument.Pull(libvirtd.PathOf("foreign.sock"), facts.Live!, null, new HashSet<string>(), mark.ScratchOf), null, 0, Token);
        Assert.Equal(ErrorCode.Locked, (await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(lab.Id, null, Token))).Code);
        await lab.Outside.DomainAbortJobAsync(facts.Domain, Token);

        // Closing a backend lets its views go.
        var other = await lab.ConnectAgainAsync();
        while (await Virsh.RunAsync(libvirtd, LibvirtGuest.Driver, "domjobinfo", lab.Name) is var said && !said.Contains("None", StringComparison.Ordinal))
            await Task.Yield();
        await other.Get<IBackupSource>().BeginAsync(lab.Id, null, Token);
        await other.DisposeAsync();
        await AssertNoJobAsync(lab);
    }

    [Fact(Timeout = 300_000)]
    public async Task A_checkpoint_survives_a_restart_and_only_the_last_ones_are_kept_and_going_back_ends_them()
    {
        await using var lab = await StartAsync(4);
        var (hypervisor, snapshots, source) = (lab.Backend.Get<IHypervisor>(), lab.Backend.Get<ISnapshots>(), lab.Backend.Get<IBackupSource>());
        var made = new List<string>();
        for (int i = 0; i < 5; i++)
            made.Add(await FullAsync(lab));
        Assert.Equal(made[1..], await CheckpointsAsync(lab));
        await LostAsync(lab, made[0], "older");
        await snapshots.CreateAsync(lab.Id, new SnapshotSpec { Name = SnapshotName.Parse("before") }, null, Token).WaitForCompletionAsync(Token);
        await lab.OffAsync();
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => source.BeginAsync(lab.Id, null, Token))).Code);
        Assert.Equal(ErrorCode.InvalidState, (await Assert.ThrowsAsync<HypervisorException>(() => snapshots.RevertAsync(lab.Id, SnapshotName.Parse("before"), null, Token).WaitForCompletionAsync(Token))).Code);
        await hypervisor.StartAsync(lab.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WriteAsync("vda", "write -P 3 2M 64k");
        await using (var session = await source.BeginAsync(lab.Id, new BackupOptions { SinceCheckpoint = made[4] }, Token))
            Assert.Contains(new Extent(2 * MiB, 64 << 10, false), await ExtentsAsync(session));
        await snapshots.RevertAsync(lab.Id, SnapshotName.Parse("before"), null, Token).WaitForCompletionAsync(Token);
        await LostAsync(lab, made[4], "gone back");

        // An emulator that was killed has not written down what has changed.
        string checkpoint = await FullAsync(lab);
        using (var emulator = Process.GetProcessById(Libvirtd.ProcessOf(lab.Id)!.Value))
            emulator.Kill();
        while ((await hypervisor.FindAsync(lab.Id, Token))!.State != PowerState.Crashed)
            await Task.Yield();
        await hypervisor.StartAsync(lab.Id, null, Token).WaitForCompletionAsync(Token);
        await LostAsync(lab, checkpoint, "killed");
        await FullAsync(lab);
    }

    [Fact(Timeout = 300_000)]
    public async Task What_cannot_be_backed_up_or_gone_on_from_is_refused_with_the_reason()
    {
        await using var lab = await StartAsync(4);
        foreach (string name in (string[])["no-such-checkpoint", "", ".", "..", "../../etc/passwd", "a\0b", "</name><devices>", new string('a', 5000)])
            await LostAsync(lab, name, "never made");
        var capability = Capability.Parse("incremental-backups");
        Assert.Equal(CapabilitySupport.Conditional, (await lab.Backend.QueryAsync(capability, default, Token)).Support);
        Assert.Equal(ErrorCode.Unavailable, (await Assert.ThrowsAsync<HypervisorException>(() => lab.Backend.Get<IBackupSource>().BeginAsync(lab.Id, new BackupOptions { Quiesce = true }, Token))).Code);

        // A raw disk is in a backup whole, and makes that no checkpoint is kept.
        string raw = libvirtd.PathOf($"{Guid.NewGuid():N}.img");
        await File.WriteAllBytesAsync(raw, new byte[MiB], Token);
        string checkpoint = await FullAsync(lab);
        await lab.Backend.Get<IHypervisor>().ChangeAsync(lab.Id, new InstanceChange { AddDisks = { new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(raw, "raw")) } } }, new ApplyOptions { Accept = ChangeEffects.Live }, null, Token).WaitForCompletionAsync(Token);
        await LostAsync(lab, checkpoint, "'vdb'");
        await using (var session = await lab.Backend.Get<IBackupSource>().BeginAsync(lab.Id, null, Token))
        {
            Assert.Equal(MiB, (await ExtentsAsync(session, "vdb")).Sum(extent => extent.Length));
            Assert.Null(await session.CompleteAsync(Token));
        }

        // Where the emulator's socket is not reached, nothing of it is there.
        int port = await libvirtd.TcpPortAsync();
        await using var far = await LibvirtBackend.ConnectAsync(FormattableString.Invariant($"qemu+tcp://127.0.0.1:{port}/system"), Token);
        var answer = await far.QueryAsync(capability, default, Token);
        Assert.Equal(CapabilitySupport.No, answer.Support);
        Assert.Contains("file system", answer.Reason, StringComparison.Ordinal);
        Assert.False(far.TryGet<IBackupSource>(out _));
        await using var test = await LibvirtBackend.ConnectAsync($"test+unix:///default?socket={libvirtd.Socket}", Token);
        Assert.Equal(CapabilitySupport.No, (await test.QueryAsync(capability, default, Token)).Support);
        Assert.False(test.TryGet<IBackupSource>(out _));
    }

    private static async Task<string> FullAsync(Machine lab)
    {
        await using var session = await lab.Backend.Get<IBackupSource>().BeginAsync(lab.Id, null, Token);
        return (await session.CompleteAsync(Token))!;
    }

    private static async Task LostAsync(Machine lab, string checkpoint, string why)
    {
        var lost = await Assert.ThrowsAsync<HypervisorException>(() => lab.Backend.Get<IBackupSource>().BeginAsync(lab.Id, new BackupOptions { SinceCheckpoint = checkpoint }, Token));
        Assert.True(lost.Code == ErrorCode.NotFound, lost.ToString());
        Assert.Contains(why, lost.Message, StringComparison.Ordinal);
        await AssertNoJobAsync(lab);
    }

    private static async Task AssertNoJobAsync(Machine lab)
    {
        var none = await Assert.ThrowsAsync<LibvirtException>(async () => await lab.Outside.DomainBackupGetXmlDescAsync((await lab.FindAsync())!.Domain, 0, Token));
        Assert.Equal(ErrorCode.NotFound, none.Code);
        // Neither what the guest has overwritten meanwhile, nor a socket, nor a session's file.
        string uuid = lab.Id.ToString();
        Assert.DoesNotContain(Directory.GetFiles(lab.Pool), file => Path.GetFileName(file).StartsWith(uuid, StringComparison.Ordinal) && file.Contains("hvsdk-", StringComparison.Ordinal));
        Assert.Empty(Directory.GetFiles(lab.Directory));
    }

    private static async Task<List<string>> CheckpointsAsync(Machine lab) =>
        [.. (await Checkpoints.ListAsync(lab.Outside, (await lab.FindAsync())!.Domain, Token)).Select(checkpoint => checkpoint.Name).Order(StringComparer.Ordinal)];

    private static async Task<List<Extent>> ExtentsAsync(BackupSession session, string disk = "vda")
    {
        var extents = new List<Extent>();
        await foreach (var extent in session.GetExtentsAsync(DeviceId.Parse(disk), Token))
            extents.Add(extent);
        return extents;
    }

    private async Task<string> HashOfImageAsync(string path)
    {
        string raw = libvirtd.PathOf($"{Guid.NewGuid():N}.raw");
        using var convert = Process.Start(RealPeer.Program("qemu-img"), ["convert", "-f", "qcow2", "-O", "raw", path, raw]);
        await convert.WaitForExitAsync(Token);
        Assert.Equal(0, convert.ExitCode);
        return Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(raw, Token)));
    }

    private async Task<Machine> StartAsync(params int[] disksMiB)
    {
        RealPeer.Program("qemu-system-x86_64");
        var outside = await libvirtd.ConnectQemuAsync();
        string directory = libvirtd.PathOf($"b{Guid.NewGuid():N}"[..9]);
        Directory.CreateDirectory(directory);
        var machine = new Machine(libvirtd, outside, directory) { Backend = null!, Id = default, Name = $"backup-{Guid.NewGuid():N}" };
        machine.Backend = await machine.ConnectAgainAsync();
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse(machine.Name), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(32)) };
        foreach (int size in disksMiB)
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(size)) });
        var hypervisor = machine.Backend.Get<IHypervisor>();
        machine.Id = (await hypervisor.CreateAsync(spec, cancellationToken: Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(machine.Id, cancellationToken: Token).WaitForCompletionAsync(Token);
        return machine;
    }

    private sealed class Machine(Libvirtd libvirtd, LibvirtConnection outside, string directory) : IAsyncDisposable
    {
        public required LibvirtBackend Backend { get; set; }

        public required InstanceId Id { get; set; }

        public required string Name { get; init; }

        public LibvirtConnection Outside => outside;

        public string Directory => directory;

        public string Pool => libvirtd.PathOf("default-pool");

        public Task<LibvirtBackend> ConnectAgainAsync() =>
            LibvirtBackend.ConnectAsync(new LibvirtBackendOptions { Uri = $"{LibvirtGuest.Driver}?socket={libvirtd.Socket}", DomainType = "qemu", BackupDirectory = directory }, Token);

        public Task<DomainFacts?> FindAsync() => LibvirtDomains.FindAsync(outside, DomainFacts.DomainOf(Id)!.Value, Token);

        /// <summary>Writes as the disk's own device does.</summary>
        public async Task WriteAsync(string disk, string command)
        {
            var facts = (await FindAsync())!;
            string alias = facts.Live!.Disks.First(known => known.Target == disk).Alias!;
            var said = await QemuMonitor.RunAsync(outside, facts.Domain, "human-monitor-command", json => json.WriteString("command-line", $"qemu-io -d /machine/peripheral/{alias}/virtio-backend \"{command}\""), Token);
            Assert.DoesNotContain("rror", said.GetString(), StringComparison.Ordinal);
        }

        public Task<Instance> OffAsync() => Backend.Get<IHypervisor>().StopAsync(Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);

        public async ValueTask DisposeAsync()
        {
            if (!Id.IsDefault)
                await Backend.Get<IHypervisor>().DeleteAsync(Id, new DeleteOptions { StopFirst = true }).WaitForCompletionAsync(CancellationToken.None);
            await Backend.DisposeAsync();
            await outside.DisposeAsync();
        }
    }
}
