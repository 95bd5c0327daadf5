#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>The machine's own disks, encrypted: whatever is done with them, nothing of what the guest wrote lies open, and neither does what opens it. Nothing is booted: what a guest would write, its device writes by QEMU's monitor.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class EncryptionTests
{
    private const string Passphrase = "correct horse battery staple 4711";
    private const int MiB = 1 << 20;

    private static readonly DeviceId s_disk = DeviceId.Parse("disk0");
    private static readonly SecretReference s_key = new("disk-key");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task An_encrypted_disk_grows_and_goes_into_snapshots_and_layers_and_is_closed_in_all_of_them()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await ConnectAsync(lab);
        var (hypervisor, snapshots, layers) = (backend.Get<IHypervisor>(), backend.Get<ISnapshots>(), backend.Get<IDiskLayers>());
        var id = await StartedAsync(lab, backend);
        var made = await hypervisor.GetAsync(id, Token);
        Assert.Equal([true, false], made.Disks.Select(disk => disk.IsEncrypted));
        await QemuLab.IoAsync(backend, id, "write -P 1 0 1M");

        // Plugged in while it runs: the secret comes with it.
        var change = new InstanceChange { ResizeDisks = { [s_disk] = ByteSize.FromMiB(12) } };
        change.AddDisks.Add(new DiskSpec { Id = DeviceId.Parse("late"), Content = new DiskContent.Blank(ByteSize.FromMiB(4)), Passphrase = s_key });
        Assert.Equal(ChangeEffects.Live, (await hypervisor.PlanAsync(id, change, Token)).Effects);
        await hypervisor.ChangeAsync(id, change, null, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "write -P 165 10M 1M");
        await QemuLab.IoAsync(backend, id, "write -P 165 0 1M", "late");

        // Running and at rest. Memory would lie open.
        var open = await Assert.ThrowsAsync<HypervisorException>(() => SnapshotAsync("with-memory", memory: true));
        Assert.Equal(ErrorCode.Unsupported, open.Code);
        Assert.Contains("'disk0'", open.Message, StringComparison.Ordinal);
        Assert.Equal(CapabilitySupport.No, (await backend.QueryAsync(Capability.MemorySnapshots, new CapabilityTarget { Instance = id }, Token)).Support);
        await SnapshotAsync("running", memory: false);
        await QemuLab.IoAsync(backend, id, "write -P 2 0 1M");
        await snapshots.RevertAsync(id, SnapshotName.Parse("running"), null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 1 0 1M");
        await StopAsync(hypervisor, id);
        await hypervisor.ChangeAsync(id, new InstanceChange { ResizeDisks = { [s_disk] = ByteSize.FromMiB(16) } }, null, null, Token).WaitForCompletionAsync(Token);
        await SnapshotAsync("at-rest", memory: false);
        await snapshots.RevertAsync(id, SnapshotName.Parse("running"), null, Token).WaitForCompletionAsync(Token);
        foreach (string name in (string[])["running", "at-rest"])
            await snapshots.DeleteAsync(id, SnapshotName.Parse(name), null, Token).WaitForCompletionAsync(Token);

        // Layers, at rest and running: each is encrypted, and a restart opens all of them.
        await layers.AddAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 165 10M 1M");
        await QemuLab.IoAsync(backend, id, "write -P 165 2M 1M");
        await layers.AddAsync(id, s_disk, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "write -P 165 4M 1M");
        await AssertClosedAsync(lab, backend, id);
        await StopAsync(hypervisor, id);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        var chain = await layers.ListAsync(id, s_disk, Token).ToListAsync(Token);
        Assert.Equal(3, chain.Count);
        await layers.CommitAsync(id, s_disk, chain[1].Name, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "write -P 165 6M 1M");
        await StopAsync(hypervisor, id);
        await layers.CommitAsync(id, s_disk, chain[0].Name, null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        foreach (int at in (int[])[2, 4, 6, 10])
            await QemuLab.IoAsync(backend, id, $"read -P 165 {at}M 1M");
        await QemuLab.IoAsync(backend, id, "read -P 1 0 1M");
        await AssertClosedAsync(lab, backend, id);

        async Task SnapshotAsync(string name, bool memory) =>
            await snapshots.CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse(name), IncludeMemory = memory }, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 240_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task Copies_clones_and_linked_clones_of_an_encrypted_disk_are_encrypted()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await ConnectAsync(lab);
        var (hypervisor, cloning) = (backend.Get<IHypervisor>(), backend.Get<ICloning>());
        byte[] image = new byte[8 * MiB];
        image.AsSpan(MiB, MiB).Fill(7);
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), image, Token);

        // Of an image: upon it, and copied.
        foreach (bool copies in (bool[])[false, true])
        {
            var spec = QemuLab.EmptySpec(copies ? "copied" : "upon", spec =>
            {
                spec.Extensions.Set(new QemuMachine { Graphics = false, CopyImages = copies });
                spec.Disks[0] = new DiskSpec { Content = new DiskContent.FromImage("base.raw", ByteSize.FromMiB(12)), Passphrase = s_key };
            });
            var vm = (await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
            await hypervisor.StartAsync(vm, null, Token).WaitForCompletionAsync(Token);
            await QemuLab.IoAsync(backend, vm, "read -P 7 1M 1M");
            await QemuLab.IoAsync(backend, vm, "write -P 165 4M 1M");
            await AssertClosedAsync(lab, backend, vm);
        }

        var id = await StartedAsync(lab, backend);
        await QemuLab.IoAsync(backend, id, "write -P 165 1M 1M");
        await backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("then") }, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "write -P 3 1M 1M");
        await StopAsync(hypervisor, id);
        await ReadsAsync(new CloneSpec { Name = InstanceName.Parse("full"), Mode = CloneMode.Full, ResizeDisks = { [s_disk] = ByteSize.FromMiB(16) } }, 3);
        await ReadsAsync(new CloneSpec { Name = InstanceName.Parse("then"), Mode = CloneMode.Full, Snapshot = SnapshotName.Parse("then") }, 165);
        await backend.Get<ITemplates>().ConvertToTemplateAsync(id, null, Token).WaitForCompletionAsync(Token);
        await ReadsAsync(new CloneSpec { Name = InstanceName.Parse("linked"), Mode = CloneMode.Linked }, 3);

        async Task ReadsAsync(CloneSpec spec, int value)
        {
            var clone = await cloning.CloneAsync(id, spec, null, Token).WaitForCompletionAsync(Token);
            Assert.True(clone.Disks[0].IsEncrypted);
            await hypervisor.StartAsync(clone.Id, null, Token).WaitForCompletionAsync(Token);
            await QemuLab.IoAsync(backend, clone.Id, $"read -P {value} 1M 1M");
            await QemuLab.IoAsync(backend, clone.Id, "write -P 165 4M 1M");
            await AssertClosedAsync(lab, backend, clone.Id);
        }
    }

    /// <summary>What a session reads is the guest's content, open; what it leaves on disk meanwhile is not.</summary>
    [Fact(Timeout = 180_000)]
    public async Task A_backup_of_an_encrypted_disk_reads_what_the_guest_wrote_and_keeps_what_is_overwritten_closed()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await ConnectAsync(lab);
        var source = backend.Get<IBackupSource>();
        var id = await StartedAsync(lab, backend);
        await QemuLab.IoAsync(backend, id, "write -P 165 1M 1M");
        var chain = new BackupChain();
        await using (var session = await source.BeginAsync(id, null, Token))
        {
            await QemuLab.IoAsync(backend, id, "write -P 3 1M 1M");
            await chain.TakeAsync(session, Token);
            await AssertClosedAsync(lab, backend, id);
            chain.Checkpoint = await session.CompleteAsync(Token);
        }

        Assert.NotNull(chain.Checkpoint);
        Assert.True(chain["disk0"].AsSpan(MiB, MiB).IndexOfAnyExcept((byte)165) < 0);
        await chain.TakeAsync(source, id, quiesce: false, Token);
        Assert.True(chain["disk0"].AsSpan(MiB, MiB).IndexOfAnyExcept((byte)3) < 0);
        Assert.Equal(MiB, chain.LastBytes);

        // Nothing of it is left in QEMU.
        var (machine, config) = backend.Table.Require(id);
        var objects = await backend.Table.AskAsync(machine, config, async client => await client.QomListAsync("/objects", Token), Token);
        Assert.DoesNotContain(objects, found => found.Name.Contains("backup", StringComparison.Ordinal));
    }

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_disk_moves_to_an_encrypted_volume_and_home_and_never_to_an_open_one()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await ConnectAsync(lab);
        var (hypervisor, moving) = (backend.Get<IHypervisor>(), backend.Get<IDiskMoving>());
        var id = await StartedAsync(lab, backend);
        await QemuLab.IoAsync(backend, id, "write -P 165 1M 1M");
        string luks = await MakeEncryptedAsync(lab["away.luks"], "luks"), qcow2 = await MakeEncryptedAsync(lab["away.qcow2"], "qcow2"), open = lab["open.raw"];
        await File.WriteAllBytesAsync(open, new byte[8 * MiB], Token);
        var other = new DiskMoveOptions { Passphrase = new SecretReference("other-key") };

        var refused = await Assert.ThrowsAsync<HypervisorException>(() => moving.MoveAsync(id, s_disk, new VolumeAttachment.File(open, "raw"), null, null, Token));
        Assert.Contains("options.passphrase", refused.FieldErrors!.Keys);
        refused = await Assert.ThrowsAsync<HypervisorException>(() => moving.MoveAsync(id, s_disk, new VolumeAttachment.File(luks, "raw"), new DiskMoveOptions { Passphrase = s_key }, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Denied, refused.Code);
        Assert.Contains("'disk-key'", refused.Message, StringComparison.Ordinal);
        string small = await MakeEncryptedAsync(lab["small.luks"], "luks", "4M");
        refused = await Assert.ThrowsAsync<HypervisorException>(() => moving.MoveAsync(id, s_disk, new VolumeAttachment.File(small, "raw"), other, null, Token).WaitForCompletionAsync(Token));
        Assert.Contains("exactly its size", refused.Message, StringComparison.Ordinal);

        await MoveAsync(new VolumeAttachment.File(luks, "raw"), other);
        await QemuLab.IoAsync(backend, id, "read -P 165 1M 1M");
        await StopAsync(hypervisor, id);
        await MoveAsync(new VolumeAttachment.File(qcow2, "qcow2"), other);
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 165 1M 1M");
        await MoveAsync(null, null);
        await QemuLab.IoAsync(backend, id, "read -P 165 1M 1M");
        await StopAsync(hypervisor, id);
        await MoveAsync(new VolumeAttachment.File(luks, "raw"), other);
        await MoveAsync(null, new DiskMoveOptions { Passphrase = s_key });
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(backend, id, "read -P 165 1M 1M");
        foreach (string file in (string[])[luks, qcow2])
            AssertNone(await File.ReadAllBytesAsync(file, Token), file);
        await AssertClosedAsync(lab, backend, id);

        async Task MoveAsync(VolumeAttachment? target, DiskMoveOptions? options)
        {
            var moved = await moving.MoveAsync(id, s_disk, target, options, null, Token).WaitForCompletionAsync(Token);
            Assert.Equal((true, ByteSize.FromMiB(8), target is null), (moved.Disks[0].IsEncrypted, moved.Disks[0].Size, moved.Disks[0].Disposal == DiskDisposal.DeletedWithInstance));
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task An_empty_passphrase_is_refused()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync(options => options.Secrets = new TestSecrets { [s_key.Name] = "" });
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("open", spec => spec.Disks[0].Passphrase = s_key), null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.InvalidArgument, refused.Code);
        Assert.Contains(s_key.Name, refused.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_secret_that_is_another_or_gone_is_said_by_its_name()
    {
        await using var lab = await QemuLab.CreateAsync();
        var secrets = Secrets();
        await using var backend = await ConnectAsync(lab, secrets);
        var hypervisor = backend.Get<IHypervisor>();
        var id = await StartedAsync(lab, backend);
        await StopAsync(hypervisor, id);
        secrets["disk-key"] = "another one";
        await WrongAsync(() => hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token), "'disk0' is not opened by the secret 'disk-key'");
        await WrongAsync(() => backend.Get<ISnapshots>().CreateAsync(id, new SnapshotSpec { Name = SnapshotName.Parse("s") }, null, Token).WaitForCompletionAsync(Token), "passphrase");
        secrets.Remove("disk-key");
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.NotFound, refused.Code);

        await using var poor = await lab.ConnectAsync();
        refused = await Assert.ThrowsAsync<HypervisorException>(() => poor.Get<IHypervisor>().CreateAsync(Spec("poor"), null, Token));
        Assert.Contains("disks[0].passphrase", refused.FieldErrors!.Keys);

        async Task WrongAsync<T>(Func<Task<T>> call, string words)
        {
            var wrong = await Assert.ThrowsAsync<HypervisorException>(call);
            Assert.Equal(ErrorCode.Denied, wrong.Code);
            Assert.Contains(words, wrong.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("another one", wrong.ToString(), StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task An_encrypted_disk_that_moves_with_its_machine_is_encrypted_at_the_target_by_what_that_one_knows_the_secret_as()
    {
        await using var lab = await MigrationLab.CreateAsync(source: options => Quick(options, Secrets()), target: options => Quick(options, new TestSecrets { ["disk-key"] = "as it is known there" }));
        var machine = await lab.StartAsync(Spec("closed"));
        await QemuLab.IoAsync(lab.Source, machine.Id, "write -P 165 1M 1M");
        await lab.Source.Get<IMigration>().MigrateAsync(machine.Id, MigrationLab.To, new MigrationOptions { WithStorage = true }, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(lab.Target, machine.Id, "read -P 165 1M 1M");
        string disk = Path.Combine(lab.Target.Services.State.Path, "vms", machine.Id.ToString(), "disks", "disk0.qcow2");
        await lab.Target.Get<IHypervisor>().StopAsync(machine.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        AssertNone(await File.ReadAllBytesAsync(disk, Token), disk);
        await lab.Target.Get<IHypervisor>().StartAsync(machine.Id, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.IoAsync(lab.Target, machine.Id, "read -P 165 1M 1M");
    }

    [Fact(Timeout = 120_000)]
    public async Task An_encrypted_disk_does_not_move_to_a_backend_without_secrets()
    {
        await using var lab = await MigrationLab.CreateAsync(source: options => Quick(options, Secrets()));
        var machine = await lab.StartAsync(Spec("closed"));
        var check = await lab.Source.Get<IMigration>().CheckAsync(machine.Id, MigrationLab.To, Token);
        Assert.Contains(check.Obstacles, obstacle => obstacle.Contains("'disk0'", StringComparison.Ordinal) && obstacle.Contains("Secrets", StringComparison.Ordinal));
    }

    private static TestSecrets Secrets() => new() { ["disk-key"] = Passphrase, ["other-key"] = "another passphrase 0815" };

    private static Task<QemuBackend> ConnectAsync(QemuLab lab, ISecretProvider? secrets = null) => lab.ConnectAsync(options => Quick(options, secrets ?? Secrets()));

    private static void Quick(QemuOptions options, ISecretProvider? secrets)
    {
        options.KeyDerivationTime = TimeSpan.FromMilliseconds(1);
        options.Secrets = secrets;
    }

    private static VirtualMachineSpec Spec(string name) => QemuLab.EmptySpec(name, spec => spec.Disks[0].Passphrase = s_key);

    private static async Task<InstanceId> StartedAsync(QemuLab lab, QemuBackend backend)
    {
        var spec = Spec("web");
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(1)) });
        var id = (await backend.Get<IHypervisor>().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        await backend.Get<IHypervisor>().StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        Assert.True(Directory.Exists(lab.StateDirectory));
        return id;
    }

    private static async Task StopAsync(IHypervisor hypervisor, InstanceId id) => await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero, ForceAfterGrace = true }, null, Token).WaitForCompletionAsync(Token);

    /// <summary>Reads or writes where the guest would, through its device.</summary>
    /// <summary>Looks that neither what was written (0xA5) nor the passphrase is in a file of the machine, has a name or not, nor among what QEMU was started with.</summary>
    private static async Task AssertClosedAsync(QemuLab lab, QemuBackend backend, InstanceId id)
    {
        int pid = backend.Services.State.ReadProcess(id.ToString())!.Pid;
        var files = Directory.EnumerateFiles(Path.Combine(lab.StateDirectory, "vms", id.ToString()), "*", SearchOption.AllDirectories)
            .Concat(Directory.EnumerateFiles($"/proc/{pid}/fd").Where(fd => new FileInfo(fd).LinkTarget is { } target && target.EndsWith(".qcow2 (deleted)", StringComparison.Ordinal)));
        foreach (string file in files.Concat([$"/proc/{pid}/cmdline", $"/proc/{pid}/environ"]))
        {
            byte[] bytes = await ReadAsync(file);
            AssertNone(bytes, file);
            Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Passphrase)) < 0, $"The passphrase is in {file}.");
        }
    }

    private static void AssertNone(byte[] bytes, string where) => Assert.True(bytes.AsSpan().IndexOf(Enumerable.Repeat((byte)0xA5, 512).ToArray()) < 0, $"What was written lies open in {where}.");

    /// <summary>Not by the framework's file stream, which asks for locks that QEMU holds.</summary>
    private static async Task<byte[]> ReadAsync(string path)
    {
        var start = new ProcessStartInfo("cat", [path]) { RedirectStandardOutput = true };
        using var process = Process.Start(start)!;
        using var bytes = new MemoryStream();
        await process.StandardOutput.BaseStream.CopyToAsync(bytes, Token);
        await process.WaitForExitAsync(Token);
        Assert.Equal(0, process.ExitCode);
        return bytes.ToArray();
    }

    private static async Task<string> MakeEncryptedAsync(string path, string format, string size = "8M")
    {
        string key = path + ".key";
        await File.WriteAllTextAsync(key, "another passphrase 0815", Token);
        string settings = format == "luks" ? "key-secret=k,iter-time=1" : "encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=1";
        await PlainQemuImg.RunAsync(null, "create", "-q", "--object", $"secret,id=k,file={key}", "-f", format, "-o", settings, path, size);
        File.SetUnixFileMode(path, (UnixFileMode)438);
        return path;
    }
}
