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

    [Fact(Timeout = 180_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_guest_writes_to_a_file_a_device_a_server_and_an_encrypted_volume()
    {
        await using var lab = await QemuLab.CreateAsync();
        using var peers = new Peers();
        string file = MakeFile(lab["file.raw"]), behindDevice = MakeFile(lab["device.raw"]), behindServer = MakeFile(lab["server.raw"]), late = MakeFile(lab["late.raw"]);
        string encrypted = await MakeEncryptedAsync(lab["luks.raw"], "luks"), encryptedQcow2 = await MakeEncryptedAsync(lab["luks.qcow2"], "qcow2");
        string device = peers.Loop(behindDevice);
        var server = peers.Serve(behindServer, "vol 1");
        var secrets = new Secrets { ["disk-key"] = Passphrase };
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
        await lab.WaitForConsoleAsync(id, GuestImage.ReadyText);

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
        Assert.Contains("password", refused.Message, StringComparison.OrdinalIgnoreCase);
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

    /// <summary>No SAN and no Ceph here: what QEMU would be told is read by its own schema, member by member.</summary>
    [Fact]
    public void What_QEMU_is_told_of_iSCSI_and_Ceph_is_what_its_schema_says()
    {
        var iscsi = Read(RemoteReader.Read(new VolumeAttachment.Iscsi("iqn.2026-01.a:b", 7) { Portals = [new DnsEndPoint("fd00::1", 3260)], ChapUser = "me", ChapSecret = new SecretReference("chap") }, "x")!);
        Assert.Equal(("[fd00::1]:3260", "iqn.2026-01.a:b", 7L, "me", "hv-login-san", IscsiTransport.Tcp), (iscsi.Iscsi!.Portal, iscsi.Iscsi.Target, iscsi.Iscsi.Lun, iscsi.Iscsi.User, iscsi.Iscsi.PasswordSecret, iscsi.Iscsi.Transport));
        var rbd = Read(RemoteReader.Read(new VolumeAttachment.Rbd("pool", "image") { ConfigurationPath = "/etc/ceph/ceph.conf", Key = new SecretReference("ceph") }, "x")!);
        Assert.Equal(("pool", "image", "/etc/ceph/ceph.conf", "hv-login-san"), (rbd.Rbd!.Pool, rbd.Rbd.Image, rbd.Rbd.Conf, rbd.Rbd.KeySecret));

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

    private static string MakeFile(string path)
    {
        File.WriteAllBytes(path, new byte[Bytes]);
        File.SetUnixFileMode(path, (UnixFileMode)438);
        return path;
    }

    private static async Task<string> MakeEncryptedAsync(string path, string format)
    {
        string[] settings = format == "luks" ? ["key-secret=k,iter-time=10"] : ["encrypt.format=luks,encrypt.key-secret=k,encrypt.iter-time=10"];
        await RunAsync("qemu-img", ["create", "-q", "--object", $"secret,id=k,data={Passphrase}", "-f", format, "-o", settings[0], path, "4M"]);
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

    private sealed class Secrets : Dictionary<string, string>, ISecretProvider
    {
        public ValueTask<Secret> GetAsync(SecretReference reference, CancellationToken cancellationToken = default) => TryGetValue(reference.Name, out string? value)
            ? new(Secret.FromText(value))
            : throw new HypervisorException($"There is no secret '{reference.Name}'.", ErrorCode.NotFound, RequestOutcome.Rejected);
    }

    /// <summary>A loop device and an NBD server that the disks of a test come from.</summary>
    private sealed class Peers : IDisposable
    {
        private readonly List<string> _loops = [];
        private readonly List<int> _servers = [];
        private readonly string _directory = Directory.CreateTempSubdirectory("hv-nbd").FullName;

        /// <summary>A block device with what is in a file.</summary>
        public string Loop(string file)
        {
            var start = new ProcessStartInfo(RealPeer.Program("losetup"), ["-f", "--show", file]) { RedirectStandardOutput = true };
            using var process = Process.Start(start)!;
            string device = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            if (process.ExitCode != 0)
                RealPeer.Absent("a loop device takes root");
            _loops.Add(device);
            File.SetUnixFileMode(device, (UnixFileMode)438);
            return device;
        }

        /// <summary>An NBD server that the user whom QEMU runs as can reach.</summary>
        public Uri Serve(string file, string name)
        {
            File.SetUnixFileMode(_directory, (UnixFileMode)493);
            string socket = Path.Combine(_directory, "nbd.sock"), pid = Path.Combine(_directory, "pid");
            using var process = Process.Start(new ProcessStartInfo(RealPeer.Program("qemu-nbd"), ["--fork", "--persistent", "--pid-file", pid, "--socket", socket, "--export-name", name, "--format", "raw", file]))!;
            process.WaitForExit();
            Assert.Equal(0, process.ExitCode);
            _servers.Add(int.Parse(File.ReadAllText(pid), System.Globalization.CultureInfo.InvariantCulture));
            File.SetUnixFileMode(socket, (UnixFileMode)511);
            return new Uri($"nbd+unix:///{Uri.EscapeDataString(name)}?socket={socket}");
        }

        public void Dispose()
        {
            foreach (int server in _servers)
            {
                using var process = Process.GetProcessById(server);
                process.Kill();
            }

            foreach (string loop in _loops)
            {
                using var process = Process.Start(new ProcessStartInfo("losetup", ["-d", loop]))!;
                process.WaitForExit();
            }

            Directory.Delete(_directory, recursive: true);
        }
    }
}
