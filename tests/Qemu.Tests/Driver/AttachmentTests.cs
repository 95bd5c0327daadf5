#pragma warning disable HVSDK004 // Experimental: this is its first driver.
using System.Diagnostics;
using System.Net;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Qapi;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Volumes of somebody else's, by every way that QEMU takes.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class AttachmentTests
{
    private const string Passphrase = "correct horse battery staple 4711";
    private const int Bytes = 4 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task What_a_link_leads_to_and_what_is_no_file_is_not_attached()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var peers = new DiskPeers();
        string pool = lab["pool"], secret = MakeFile(lab["secret.raw"]), device = peers.Loop(MakeFile(lab["device.raw"]));
        Directory.CreateDirectory(Path.Combine(pool, "directory"));
        File.CreateSymbolicLink(Path.Combine(pool, "link"), secret);
        File.CreateSymbolicLink(Path.Combine(pool, "way"), lab[""]);
        File.CreateSymbolicLink(Path.Combine(pool, "device"), device);
        using (var made = Process.Start("mkfifo", [Path.Combine(pool, "pipe")]))
            await made.WaitForExitAsync(Token);
        var backend = await lab.ConnectAsync(options => options.AttachDirectories = [pool, Path.GetDirectoryName(device)!]);
        var hypervisor = backend.Get<IHypervisor>();
        foreach (bool isReadOnly in (bool[])[false, true])
        {
            foreach (string name in (string[])["link", "way/secret.raw", "directory", "pipe"])
                await RefusedAsync(Path.Combine(pool, name), new VolumeAttachment.File(Path.Combine(pool, name), "raw"), isReadOnly);
            await RefusedAsync(Path.Combine(pool, "device"), new VolumeAttachment.BlockDevice(Path.Combine(pool, "device")), isReadOnly);
            await RefusedAsync(secret, new VolumeAttachment.File(secret, "raw"), isReadOnly);
        }

        await hypervisor.CreateAsync(Spec("device", new VolumeAttachment.BlockDevice(device), false), null, Token).WaitForCompletionAsync(Token);

        // What is exchanged for a link once the machine is made is not opened either.
        string plain = MakeFile(Path.Combine(pool, "plain.raw"));
        var exchanged = await hypervisor.CreateAsync(Spec("exchanged", new VolumeAttachment.File(plain, "raw"), false), null, Token).WaitForCompletionAsync(Token);
        File.Delete(plain);
        File.CreateSymbolicLink(plain, secret);
        var late = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(exchanged.Id, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Denied, late.Code);
        Assert.Contains(plain, late.Message, StringComparison.Ordinal);

        async Task RefusedAsync(string path, VolumeAttachment attachment, bool isReadOnly)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(Spec("web", attachment, isReadOnly), null, Token).WaitAsync(TimeSpan.FromSeconds(30), Token));
            Assert.Equal(ErrorCode.Denied, refused.Code);
            Assert.Contains(Path.GetFileName(path), refused.FieldErrors!["disks[0].content.path"], StringComparison.Ordinal);
        }

        static VirtualMachineSpec Spec(string name, VolumeAttachment attachment, bool isReadOnly) => QemuLab.EmptySpec(name, spec => spec.Disks[0] = new DiskSpec { ReadOnly = isReadOnly, Content = new DiskContent.Attached(attachment) });
    }

    [Fact(Timeout = 120_000)]
    public async Task A_raw_file_that_ends_within_a_sector_is_a_disk_of_whole_sectors_and_moves()
    {
        await using var lab = await QemuLab.CreateAsync();
        string path = lab["odd.raw"];
        byte[] content = new byte[1_000_001];
        new Random(7).NextBytes(content);
        await File.WriteAllBytesAsync(path, content, Token);
        File.SetUnixFileMode(path, (UnixFileMode)0b110_110_110);
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var disk = DeviceId.Parse("disk0");
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("odd", spec => spec.Disks[0] = new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(path, "raw")) }), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(new ByteSize(1_000_448), created.Disks[0].Size);
        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await backend.Get<IDiskMoving>().MoveAsync(created.Id, disk, null, null, null, Token).WaitForCompletionAsync(Token);
        await using var session = await backend.Get<IBackupSource>().BeginAsync(created.Id, null, Token);
        byte[] moved = new byte[1_000_448];
        await session.ReadAsync(disk, 0, moved, Token);
        Assert.True(moved.AsSpan(0, content.Length).SequenceEqual(content));
        Assert.Equal(-1, moved.AsSpan(content.Length).IndexOfAnyExcept((byte)0));
    }

    [Fact(Timeout = 120_000)]
    public async Task A_file_is_not_two_disks_and_one_in_use_is_named()
    {
        await using var lab = await QemuLab.CreateAsync();
        string path = MakeFile(lab["one.raw"]);
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var twice = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(Spec("twice", false, true), null, Token));
        Assert.Contains(Path.GetFileName(path), twice.FieldErrors!["disks[1].content.path"], StringComparison.Ordinal);
        await hypervisor.CreateAsync(Spec("readers", true, true), null, Token).WaitForCompletionAsync(Token);

        var one = await hypervisor.CreateAsync(Spec("one", false), null, Token).WaitForCompletionAsync(Token);
        var other = await hypervisor.CreateAsync(Spec("other", false), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(one.Id, null, Token).WaitForCompletionAsync(Token);
        var inUse = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(other.Id, null, Token).WaitForCompletionAsync(Token));
        Assert.Contains(path, inUse.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("/proc/self/fd/2", inUse.Message, StringComparison.Ordinal);

        DiskSpec Disk(bool isReadOnly) => new() { ReadOnly = isReadOnly, Content = new DiskContent.Attached(new VolumeAttachment.File(path, "raw")) };

        VirtualMachineSpec Spec(string name, params bool[] areReadOnly) => QemuLab.EmptySpec(name, spec =>
        {
            spec.Disks.Clear();
            foreach (bool isReadOnly in areReadOnly)
                spec.Disks.Add(Disk(isReadOnly));
        });
    }

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_guest_writes_to_a_file_a_device_a_server_and_an_encrypted_volume()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var peers = new DiskPeers();
        string file = MakeFile(lab["file.raw"]), behindDevice = MakeFile(lab["device.raw"]), behindServer = MakeFile(lab["server.raw"]), late = MakeFile(lab["late.raw"]);
        string encrypted = await MakeEncryptedAsync(lab["luks.raw"], "luks"), encryptedQcow2 = await MakeEncryptedAsync(lab["luks.qcow2"], "qcow2");
        string device = peers.Loop(behindDevice);
        var server = peers.Serve(behindServer, "vol 1");
        var secrets = new TestSecrets { ["disk-key"] = Passphrase };
        await using var backend = await lab.ConnectAsync(options => options.Secrets = secrets);
        var hypervisor = backend.Get<IHypervisor>();
        var key = new SecretReference("disk-key");
        var spec = lab.Spec("web", spec =>
        {
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(file, "raw")) });
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.Nbd(server)) });
            spec.Disks.Add(new DiskSpec { Passphrase = key, Content = new DiskContent.Attached(new VolumeAttachment.File(encrypted, "raw")) });
            spec.Disks.Add(new DiskSpec { Passphrase = key, Content = new DiskContent.Attached(new VolumeAttachment.File(encryptedQcow2, "qcow2")) });
        });
        var created = await hypervisor.CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        var id = created.Id;
        Assert.All(created.Disks, disk => Assert.Equal(DiskDisposal.Kept, disk.Disposal));
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForGuestAsync(backend, id);

        // Two more while it runs: what is outside the machine's directory comes as an open file.
        var change = new InstanceChange();
        change.AddDisks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.BlockDevice(device)) });
        change.AddDisks.Add(new DiskSpec { Content = new DiskContent.Attached(new VolumeAttachment.File(late, "raw")) });
        var plan = await hypervisor.PlanAsync(id, change, Token);
        Assert.Equal(ChangeEffects.Live, plan.Effects);
        var changed = await hypervisor.ApplyAsync(plan, null, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(new ByteSize(Bytes), changed.Disks[4].Size);

        string script = "for i in a b c d e f; do n=0; while [ ! -b /dev/vd$i ]; do usleep 50000; done; (echo -n \"I am vd$i\"; head -c 500 /dev/zero) | dd of=/dev/vd$i bs=512 count=1 seek=2048 conv=notrunc 2>/dev/null; done; sync; dd if=/dev/vdc bs=512 skip=2048 count=1 2>/dev/null | head -c 8";
        var result = await backend.Get<ICommands>().RunAsync(id, new CommandSpec { Command = ["/bin/sh", "-c", script] }, cancellationToken: Token);
        Assert.Equal("I am vdc", Encoding.UTF8.GetString(result.Output.Span));

        // The passphrase is with QEMU and nowhere that one could read it.
        var record = backend.Services.State.ReadProcess(id.ToString())!;
        AssertNotIn(Passphrase, File.ReadAllBytes($"/proc/{record.Pid}/cmdline"), "the arguments");
        AssertNotIn(Passphrase, File.ReadAllBytes($"/proc/{record.Pid}/environ"), "the environment");
        foreach (string written in Directory.EnumerateFiles(Path.Combine(lab.StateDirectory, "vms", id.ToString()), "*", SearchOption.AllDirectories))
        {
            // Not by the framework, which asks for the lock that QEMU holds on its log.
            using var opened = backend.Services.State.Root.OpenFile(Path.GetRelativePath(lab.StateDirectory, written));
            byte[] bytes = new byte[RandomAccess.GetLength(opened)];
            AssertNotIn(Passphrase, bytes[..RandomAccess.Read(opened, bytes, 0)], written);
        }

        await hypervisor.StopAsync(id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);

        AssertSays("I am vda", await File.ReadAllBytesAsync(file, Token));
        AssertSays("I am vdb", await File.ReadAllBytesAsync(behindServer, Token));
        AssertSays("I am vdc", await DecryptAsync(lab, encrypted, "driver=luks,key-secret=k"));
        AssertSays("I am vdd", await DecryptAsync(lab, encryptedQcow2, "driver=qcow2,encrypt.key-secret=k"));
        AssertSays("I am vde", await File.ReadAllBytesAsync(behindDevice, Token));
        AssertSays("I am vdf", await File.ReadAllBytesAsync(late, Token));
        AssertNotIn("I am vdc", await File.ReadAllBytesAsync(encrypted, Token), encrypted);

        // Asked for at each start: another is noticed, and no message tells either.
        secrets["disk-key"] = "wrong";
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.Denied, refused.Code);
        Assert.Contains("'disk-key'", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Passphrase, refused.ToString(), StringComparison.Ordinal);
        secrets.Clear();
        refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token));
        Assert.Equal(ErrorCode.NotFound, refused.Code);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_attachment_that_cannot_be_is_refused_with_its_field_and_value()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync();
        await RefusedAsync(ErrorCode.InvalidArgument, "export", "http://", new VolumeAttachment.Nbd(new Uri("http://host/x")));
        await RefusedAsync(ErrorCode.InvalidArgument, "export", "'relative'", new VolumeAttachment.Nbd(new Uri("nbd+unix:///x?socket=relative")));
        await RefusedAsync(ErrorCode.InvalidArgument, "portals", "none", new VolumeAttachment.Iscsi("iqn.2026-01.a:b", 1) { Portals = [] });
        await RefusedAsync(ErrorCode.InvalidArgument, "lun", "-1", new VolumeAttachment.Iscsi("iqn.2026-01.a:b", -1) { Portals = [new DnsEndPoint("san", 3260)] });
        await RefusedAsync(ErrorCode.InvalidArgument, "chapSecret", "go together", new VolumeAttachment.Iscsi("iqn.2026-01.a:b", 1) { Portals = [new DnsEndPoint("san", 3260)], ChapUser = "me" });
        await RefusedAsync(ErrorCode.InvalidArgument, "configurationPath", "'ceph.conf'", new VolumeAttachment.Rbd("pool", "image") { ConfigurationPath = "ceph.conf", Key = new SecretReference("ceph") });
        await RefusedAsync(ErrorCode.InvalidArgument, "user", "''", new VolumeAttachment.Rbd("pool", "image") { ConfigurationPath = "/etc/ceph.conf", Key = new SecretReference("ceph"), User = "" });
        await RefusedAsync(ErrorCode.InvalidArgument, "namespace", "is not a name", new VolumeAttachment.Rbd("pool", "image") { ConfigurationPath = "/etc/ceph.conf", Key = new SecretReference("ceph"), Namespace = "a\nb" });
        await RefusedAsync(ErrorCode.Unsupported, "", "Secrets", new VolumeAttachment.Rbd("pool", "image") { ConfigurationPath = "/etc/ceph.conf", Key = new SecretReference("ceph") });
        await RefusedAsync(ErrorCode.Unsupported, "", "managed", new VolumeAttachment.Managed(VolumeId.Parse("a")));
        Assert.Equal(CapabilitySupport.No, (await backend.QueryAsync(Capability.Parse("encrypted-disks"), default, Token)).Support);

        async Task RefusedAsync(ErrorCode code, string member, string words, VolumeAttachment attachment)
        {
            var spec = QemuLab.EmptySpec("web", spec => spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(attachment) }));
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(spec, null, Token));
            Assert.Equal((code, RequestOutcome.NotSent), (refused.Code, refused.Outcome));
            Assert.Contains(member.Length == 0 ? "disks[1].content" : $"disks[1].content.{member}", refused.FieldErrors!.Keys);
            Assert.Contains(words, refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Who_keeps_secrets_and_fails_in_his_own_way_leaves_nothing_behind_and_is_named()
    {
        await using var lab = await QemuLab.CreateAsync();
        await using var backend = await lab.ConnectAsync(options => options.Secrets = new BrokenSecrets());
        var hypervisor = backend.Get<IHypervisor>();
        var unit = new VolumeAttachment.Iscsi("iqn.2026-01.a:b", 1) { Portals = [new DnsEndPoint("127.0.0.1", 1)], ChapUser = "me", ChapSecret = new SecretReference("chap") };
        var id = (await hypervisor.CreateAsync(QemuLab.EmptySpec("web", spec =>
        {
            spec.Tpm = true;
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Attached(unit) });
        }), null, Token).WaitForCompletionAsync(Token)).Id;
        var starting = await hypervisor.StartAsync(id, null, Token);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => starting.WaitAsync(Token));
        Assert.Equal(ErrorCode.Unavailable, refused.Code);
        Assert.Contains("'chap'", refused.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", refused.Message, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.Unavailable, (await starting.GetProgressAsync(Token)).Error!.Code);
        Assert.Empty(backend.Services.State.ReadJournal(id.ToString()).Open);
        Assert.Empty(CrashPoints.Names(backend.Services.Runtime.Path, ""));
    }

    /// <summary>Addresses that no server here has: what QEMU would be told is read by its own schema, member by member.</summary>
    [Fact]
    public void What_QEMU_is_told_of_iSCSI_and_Ceph_is_what_its_schema_says()
    {
        var iscsi = Read(RemoteReader.Read(new VolumeAttachment.Iscsi("iqn.2026-01.a:b", 7) { Portals = [new DnsEndPoint("fd00::1", 3260)], ChapUser = "me", ChapSecret = new SecretReference("chap") }, "x")!);
        Assert.Equal(("[fd00::1]:3260", "iqn.2026-01.a:b", 7L, "me", "hv-login-san", IscsiTransport.Tcp), (iscsi.Iscsi!.Portal, iscsi.Iscsi.Target, iscsi.Iscsi.Lun, iscsi.Iscsi.User, iscsi.Iscsi.PasswordSecret, iscsi.Iscsi.Transport));
        var rbd = Read(RemoteReader.Read(new VolumeAttachment.Rbd("pool", "image") { ConfigurationPath = "/etc/ceph/ceph.conf", Key = new SecretReference("ceph") }, "x")!);
        Assert.Equal(("pool", null, "image", "/etc/ceph/ceph.conf", "admin", "hv-login-san"), (rbd.Rbd!.Pool, rbd.Rbd.Namespace, rbd.Rbd.Image, rbd.Rbd.Conf, rbd.Rbd.User, rbd.Rbd.KeySecret));

        static BlockdevOptions Read(RemoteConfig remote)
        {
            string json = BlockNode.ToJson(new DiskConfig { Id = "san", Bus = "virtio", Format = "raw", Remote = remote }, (_, _) => throw new InvalidOperationException("No file is asked for."));
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(json));
            reader.Read();
            var options = new BlockdevOptions(ref reader);
            Assert.Equal((BlockdevDriver.Raw, "san"), (options.Driver, options.NodeName));
            return options.Raw!.File.Definition!;
        }
    }

    private static void AssertSays(string text, byte[] disk) => Assert.Equal(text, Encoding.ASCII.GetString(disk, 1 << 20, text.Length));

    private static void AssertNotIn(string text, byte[] bytes, string where) => Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(text)) < 0, $"'{text}' is in {where}.");

    private sealed class BrokenSecrets : ISecretProvider
    {
        public ValueTask<Secret> GetAsync(SecretReference reference, CancellationToken cancellationToken = default) => throw new InvalidOperationException("The vault's token 'hunter2' has expired.");
    }

    private static string MakeFile(string path)
    {
        File.WriteAllBytes(path, new byte[Bytes]);
        File.SetUnixFileMode(path, (UnixFileMode)438);
        return path;
    }

    private static async Task<string> MakeEncryptedAsync(string path, string format)
    {
        string settings = format == "luks" ? "key-secret=k,iter-time=10" : "encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=10";
        await PlainQemuImg.RunAsync(null, "create", "-q", "--object", $"secret,id=k,data={Passphrase}", "-f", format, "-o", settings, path, "4M");
        File.SetUnixFileMode(path, (UnixFileMode)438);
        return path;
    }

    private static async Task<byte[]> DecryptAsync(QemuLab lab, string path, string how)
    {
        string copy = lab[$"plain-{Guid.NewGuid():N}"];
        await RunAsync("qemu-img", ["convert", "--object", $"secret,id=k,data={Passphrase}", "--image-opts", $"{how},file.filename={path}", "-O", "raw", copy]);
        return await File.ReadAllBytesAsync(copy, Token);
    }

    private static async Task RunAsync(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments))!;
        await process.WaitForExitAsync(Token);
        Assert.Equal(0, process.ExitCode);
    }
}
