#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Diagnostics;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using Hypervisor.Sdk.Qemu.Changes;
using Hypervisor.Sdk.Qemu.Qapi;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Disks that are put onto other images, under guests that write and at rest.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class DiskStorageTests
{
    private const int DiskBytes = 8 << 20;
    private static readonly DeviceId s_disk = DeviceId.Parse("disk0");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Speed(SpeedAttribute.Slow)]
    [Feature("HOT-05")]
    public async Task A_guest_reads_what_it_wrote_while_its_disk_gets_and_loses_layers_and_moves()
    {
        await using var lab = await QemuLab.CreateAsync();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), Pattern(7, DiskBytes), Token);
        string elsewhere = MakeFile(lab["elsewhere.raw"], DiskBytes);
        await using var backend = await lab.ConnectAsync();
        var (hypervisor, layers, moving) = (backend.Get<IHypervisor>(), backend.Get<IDiskLayers>(), backend.Get<IDiskMoving>());
        var id = (await hypervisor.CreateAsync(lab.Spec("web", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.FromImage("base.raw") })), null, Token).WaitForCompletionAsync(Token)).Id;
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        var expected = Pattern(7, DiskBytes);

        await WriteAsync(1);
        await layers.AddAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
        await WriteAsync(2);
        await layers.AddAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
        await WriteAsync(3);
        var chain = await layers.ListAsync(id, s_disk, Token).ToListAsync(Token);
        Assert.Equal([true, true, true, false], chain.Select(layer => layer.IsOwn));
        Assert.Equal("disk0.qcow2", chain[2].Name);

        // One between, then the uppermost; each into what is below it.
        await layers.CommitAsync(id, s_disk, chain[1].Name, null, Token).WaitForCompletionAsync(Token);
        await SeesAsync();
        await WriteAsync(4);
        await layers.CommitAsync(id, s_disk, chain[0].Name, null, Token).WaitForCompletionAsync(Token);
        await SeesAsync();
        Assert.Equal(["disk0.qcow2", Path.Combine(lab.Images, "base.raw")], (await layers.ListAsync(id, s_disk, Token).ToListAsync(Token)).Select(layer => layer.Name));

        await layers.FlattenAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
        Assert.Single(await layers.ListAsync(id, s_disk, Token).ToListAsync(Token));
        await SeesAsync();

        // To another place and back, while it writes: what it wrote last is there.
        await RunAsync(backend, id, "(i=0; while [ ! -e /tmp/enough ]; do dd if=/tmp/5 of=/dev/vda bs=4096 count=16 seek=$((1024 + i % 64)) conv=notrunc 2>/dev/null; sync; i=$((i + 1)); done; touch /tmp/ended) >/dev/null 2>&1 &", prepare: 5);
        var moved = await moving.MoveAsync(id, s_disk, new VolumeAttachment.File(elsewhere, "raw"), null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal((VolumeId.Parse(elsewhere), DiskDisposal.Kept, false), (moved.Disks[0].Volume!.Value, moved.Disks[0].Disposal, moved.HasPendingChanges));
        Assert.Empty(CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));
        await RunAsync(backend, id, "touch /tmp/enough; while [ ! -e /tmp/ended ]; do usleep 20000; done; sync");
        byte[] seen = await ReadGuestAsync(backend, id);
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(seen, SHA256.HashData(await File.ReadAllBytesAsync(elsewhere, Token)));

        // And back, and what it left behind is as it was.
        await moving.MoveAsync(id, s_disk, null, null, null, Token).WaitForCompletionAsync(Token);
        Assert.True(File.Exists(elsewhere));
        string own = Assert.Single(CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));
        Assert.Equal(seen, SHA256.HashData(await ReadImageAsync(lab, id, own)));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);
        Assert.Equal(seen, await ReadGuestAsync(backend, id));

        // What the guest gives back, its host gets back.
        var taken = (await hypervisor.GetAsync(id, Token)).Disks[0].Allocated;
        await RunAsync(backend, id, "blkdiscard /dev/vda; sync");
        var left = (await hypervisor.GetAsync(id, Token)).Disks[0].Allocated;
        Assert.True(left!.Value.Bytes < taken!.Value.Bytes - (DiskBytes / 2), $"{taken} before, {left} after");

        async Task WriteAsync(byte value)
        {
            await RunAsync(backend, id, $"dd if=/tmp/{value} of=/dev/vda bs=65536 seek={value * 8} conv=notrunc 2>/dev/null; sync", prepare: value);
            Pattern(value, 65536).CopyTo(expected, value * 8 * 65536);
            await SeesAsync();
        }

        async Task SeesAsync() => Assert.Equal(SHA256.HashData(expected), await ReadGuestAsync(backend, id));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_move_says_how_far_it_is_and_one_that_is_cancelled_or_whose_target_fails_leaves_the_disk_where_it_was()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var (hypervisor, moving) = (backend.Get<IHypervisor>(), backend.Get<IDiskMoving>());
        string target = MakeFile(lab["target.raw"], DiskBytes);
        var id = await MakeAsync(lab, backend, start: true);
        var slow = await moving.MoveAsync(id, s_disk, new VolumeAttachment.File(target, "raw"), new DiskMoveOptions { MaxBandwidthPerSecond = ByteSize.FromKiB(64) }, null, Token);
        await WaitForAsync(slow, moment => moment is { Stage: "moving disk0", Fraction: > 0 and < 1 });

        Assert.True(await slow.TryCancelAsync(Token));
        var cancelled = await Assert.ThrowsAsync<HypervisorException>(() => slow.WaitAsync(Token));
        Assert.Equal(ErrorCode.Cancelled, cancelled.Code);
        await AssertAtAsync(lab, backend, id, "disk0", ["disk0.qcow2"]);

        // Its QEMU ends in the middle of it.
        slow = await moving.MoveAsync(id, s_disk, new VolumeAttachment.File(target, "raw"), new DiskMoveOptions { MaxBandwidthPerSecond = ByteSize.FromKiB(64) }, null, Token);
        await WaitForAsync(slow, moment => moment is { Stage: "moving disk0", Fraction: > 0 });

        Process.GetProcessById(backend.Services.State.ReadProcess(id.ToString())!.Pid).Kill();
        await Assert.ThrowsAnyAsync<HypervisorException>(() => slow.WaitAsync(Token));
        Assert.Equal(["disk0.qcow2"], CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await AssertAtAsync(lab, backend, id, "disk0", ["disk0.qcow2"]);

        // Nothing holds the target any more.
        await moving.MoveAsync(id, s_disk, new VolumeAttachment.File(target, "raw"), null, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(Content(), await File.ReadAllBytesAsync(target, Token));
    }

    [Fact(Timeout = 120_000)]
    public async Task What_cannot_be_moved_or_merged_is_refused_with_its_field_and_value()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        var (layers, moving) = (backend.Get<IDiskLayers>(), backend.Get<IDiskMoving>());
        var id = await MakeAsync(lab, backend, start: false);
        await RefusedAsync(ErrorCode.InvalidArgument, "exactly its size", () => moving.MoveAsync(id, s_disk, new VolumeAttachment.File(MakeFile(lab["small.raw"], DiskBytes / 2), "raw"), null, null, Token));
        await RefusedAsync(ErrorCode.NotFound, "nowhere.raw", () => moving.MoveAsync(id, s_disk, new VolumeAttachment.File(lab["nowhere.raw"], "raw"), null, null, Token));
        await RefusedAsync(ErrorCode.Unsupported, "managed", () => moving.MoveAsync(id, s_disk, new VolumeAttachment.Managed(VolumeId.Parse("a/b")), null, null, Token));
        await RefusedAsync(ErrorCode.InvalidArgument, "0B a second", () => moving.MoveAsync(id, s_disk, null, new DiskMoveOptions { MaxBandwidthPerSecond = default(ByteSize) }, null, Token));
        await RefusedAsync(ErrorCode.NotFound, "disk9", () => layers.AddAsync(id, DeviceId.Parse("disk9"), null, Token));
        await RefusedAsync(ErrorCode.NotFound, "'other.qcow2'", () => layers.CommitAsync(id, s_disk, "other.qcow2", null, Token));
        await RefusedAsync(ErrorCode.InvalidState, "nothing of its own below", () => layers.CommitAsync(id, s_disk, "disk0.qcow2", null, Token));
        await backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("before") }, null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(ErrorCode.InvalidState, "the snapshot 'before'", () => layers.AddAsync(id, s_disk, null, Token));
        await RefusedAsync(ErrorCode.InvalidState, "the snapshot 'before'", () => moving.MoveAsync(id, s_disk, null, null, null, Token));
        Assert.Equal(["disk0.qcow2"], CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));

        static async Task RefusedAsync(ErrorCode code, string words, Func<Task<Operation<Instance>>> call)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(call);
            Assert.Equal(code, refused.Code);
            Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    [InlineData("commit one between", true)]
    [InlineData("move", true)]
    [InlineData("flatten", false)]
    public Task A_crash_at_any_point_leaves_the_disk_on_what_is_written_down_with_all_that_is_in_it(string what, bool isRunning) => CrashAsync(what, isRunning);

    [Theory(Timeout = 600_000)]
    [Speed(SpeedAttribute.Full)]
    [InlineData("add", true)]
    [InlineData("commit", true)]
    [InlineData("commit after a restart", true)]
    [InlineData("flatten", true)]
    [InlineData("move home", true)]
    [InlineData("add", false)]
    [InlineData("commit one between", false)]
    [InlineData("move", false)]
    [InlineData("move home", false)]
    public Task A_crash_at_any_point_of_the_other_ways_leaves_it_so_too(string what, bool isRunning) => CrashAsync(what, isRunning);

    private static async Task CrashAsync(string what, bool isRunning)
    {
        int points = await CrashPoints.RunAsync(
            $"{what} {(isRunning ? "while it runs" : "at rest")}",
            async (lab, backend) =>
            {
                MakeFile(lab["target.raw"], DiskBytes);
                var id = await MakeAsync(lab, backend, isRunning, linked: what == "flatten");
                for (int layer = 0; layer < (what.StartsWith("commit", StringComparison.Ordinal) ? 2 : 0); layer++)
                    await backend.Get<IDiskLayers>().AddAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
                if (what == "commit after a restart")
                    await backend.Get<IHypervisor>().RestartAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
                return id;
            },
            (lab, backend, id) => DoAsync(lab, backend, id!.Value),
            async (lab, backend, id, finished) =>
            {
                var (_, config) = backend.Table.Require(id!.Value);
                var disk = config.Disks[0];
                var files = disk.Backing.Select(below => below.File).Append(disk.File).OfType<string>().Order(StringComparer.Ordinal).ToList();
                if (isRunning)
                    await AssertAtAsync(lab, backend, id.Value, disk.NodeName, files);
                // What is left can be brought to the same end.
                bool isDone = finished || (what.StartsWith("move", StringComparison.Ordinal) ? disk.File != "disk0.qcow2" : what == "add" ? disk.Backing.Count == 1 : disk.Backing.Count == (what == "flatten" ? 0 : 1));
                if (!isDone)
                    await DoAsync(lab, backend, id.Value);
                await backend.Get<IHypervisor>().StopAsync(id.Value, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
                disk = backend.Table.Require(id.Value).Config.Disks[0];
                Assert.Equal(Content(), disk.File is { } own ? await ReadImageAsync(lab, id.Value, own) : await File.ReadAllBytesAsync(disk.ExternalPath!, Token));
            });
        Assert.True(points >= 4, $"{points} points");

        async Task DoAsync(QemuLab lab, QemuBackend backend, InstanceId id)
        {
            var layers = backend.Get<IDiskLayers>();
            var names = (await layers.ListAsync(id, s_disk, Token).ToListAsync(Token)).Select(layer => layer.Name).ToList();
            var begun = what switch
            {
                "add" => layers.AddAsync(id, s_disk, null, Token),
                "commit" or "commit after a restart" => layers.CommitAsync(id, s_disk, names[0], null, Token),
                "commit one between" => layers.CommitAsync(id, s_disk, names[1], null, Token),
                "flatten" => layers.FlattenAsync(id, s_disk, null, Token),
                "move" => backend.Get<IDiskMoving>().MoveAsync(id, s_disk, new VolumeAttachment.File(lab["target.raw"], "raw"), null, null, Token),
                _ => backend.Get<IDiskMoving>().MoveAsync(id, s_disk, null, null, null, Token),
            };
            await begun.WaitForCompletionAsync(Token);
        }
    }

    private static async Task WaitForAsync(Operation operation, Func<OperationProgress, bool> isThere)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!isThere(await operation.GetProgressAsync(Token)))
            Assert.True(await timer.WaitForNextTickAsync(Token));
    }

    private static byte[] Pattern(byte value, int length)
    {
        byte[] bytes = new byte[length];
        Array.Fill(bytes, value);
        return bytes;
    }

    /// <summary>What is on the disk of <see cref="MakeAsync"/>.</summary>
    private static byte[] Content()
    {
        byte[] bytes = new byte[DiskBytes];
        Array.Fill(bytes, (byte)0xA5, 1 << 20, 2 << 20);
        return bytes;
    }

    private static string MakeFile(string path, int bytes)
    {
        File.WriteAllBytes(path, new byte[bytes]);
        // QEMU's user writes to it.
        File.SetUnixFileMode(path, (UnixFileMode)438);
        return path;
    }

    /// <summary>A machine with nothing to boot and a disk with something on it.</summary>
    private static async Task<InstanceId> MakeAsync(QemuLab lab, QemuBackend backend, bool start, bool linked = false)
    {
        var hypervisor = backend.Get<IHypervisor>();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), Content(), Token);
        var spec = QemuLab.EmptySpec("web", spec =>
        {
            spec.Disks[0].Content = new DiskContent.FromImage("base.raw");
            spec.Extensions.Set(new QemuMachine { Graphics = false, CopyImages = !linked });
        });
        var id = (await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        if (start)
            await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        return id;
    }

    /// <summary>QEMU writes to that node, has no other, and works on nothing.</summary>
    private static async Task AssertAtAsync(QemuLab lab, QemuBackend backend, InstanceId id, string node, IReadOnlyList<string> files)
    {
        var (machine, config) = backend.Table.Require(id);
        Assert.Equal(node, config.Disks[0].NodeName);
        Assert.Equal(files, CrashPoints.Names(lab.StateDirectory, $"vms/{id}/disks"));
        var (drives, jobs, live, handed) = await backend.Table.AskAsync(
            machine, config, async client => (await client.QueryBlockAsync(Token), await client.QueryJobsAsync(Token), await LiveDevices.QueryAsync(client, Token), await client.QueryFdsetsAsync(Token)), Token);
        Assert.Equal(node, Assert.Single(drives, drive => drive.Inserted is not null).Inserted!.NodeName);
        Assert.Empty(jobs);
        Assert.Empty(handed.SelectMany(set => set.Fds));
        Assert.Equal(config.Disks[0].Backing.Select(below => below.Node).OfType<string>().Append(node).Order(StringComparer.Ordinal), live.Disks.Keys.Where(name => !name.EndsWith("-file", StringComparison.Ordinal) && !name.StartsWith('#')).Order(StringComparer.Ordinal));
    }

    /// <summary>What a guest would see in an image, read by its header alone.</summary>
    private static async Task<byte[]> ReadImageAsync(QemuLab lab, InstanceId id, string file)
    {
        string copy = lab[$"copy-{Guid.NewGuid():N}"];
        using var process = Process.Start(new ProcessStartInfo("qemu-img", ["convert", "-f", "qcow2", "-O", "raw", Path.Combine(lab.StateDirectory, "vms", id.ToString(), "disks", file), copy]))!;
        await process.WaitForExitAsync(Token);
        Assert.Equal(0, process.ExitCode);
        return await File.ReadAllBytesAsync(copy, Token);
    }

    private static async Task<string> RunAsync(QemuBackend backend, InstanceId id, string script, byte? prepare = null)
    {
        if (prepare is { } value)
            script = $"[ -e /tmp/{value} ] || head -c 65536 /dev/zero | tr '\\000' '\\{Convert.ToString(value, 8).PadLeft(3, '0')}' > /tmp/{value}; {script}";
        var result = await backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["/bin/sh", "-c", script] }, cancellationToken: Token);
        Assert.Equal(0, result.ExitCode);
        return Encoding.UTF8.GetString(result.Output.Span);
    }

    /// <summary>The hash of the disk as the guest reads it anew.</summary>
    private static async Task<byte[]> ReadGuestAsync(QemuBackend backend, InstanceId id) =>
        Convert.FromHexString((await RunAsync(backend, id, "sync; echo 3 > /proc/sys/vm/drop_caches; sha256sum /dev/vda")).Split(' ')[0]);
}
