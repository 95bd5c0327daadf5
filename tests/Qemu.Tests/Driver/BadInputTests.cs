using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class BadInputTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 60_000)]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("../x")]
    [InlineData("-rf")]
    [InlineData("a,b")]
    [InlineData("a,,mac=1")]
    [InlineData("$(id)")]
    [InlineData("`id`")]
    [InlineData("a b")]
    [InlineData("line\nfeed")]
    [InlineData("nul\0byte")]
    [InlineData("\u202Eright-to-left")]
    [InlineData("web\u200F")]
    [InlineData("Großbuchstaben")]
    [InlineData("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")]
    public async Task A_bad_name_is_refused_before_anything_is_done(string name)
    {
        await using var lab = await QemuLab.CreateAsync();
        var seam = new CrashSeam();
        var backend = await lab.ConnectAsync(null, seam);
        seam.Arm(1);

        Assert.NotEqual(ParseAndAccept(name), backend.Info.Naming.Accepts(name, out _) ? "" : "refused by neither");
        if (InstanceName.TryParse(name, null, out var parsed))
        {
            var spec = QemuLab.EmptySpec("x");
            spec.Name = parsed;
            var error = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(spec, null, Token));
            Assert.Equal(ErrorCode.InvalidArgument, error.Code);
            Assert.Equal(RequestOutcome.NotSent, error.Outcome);
            Assert.True(error.FieldErrors!.ContainsKey("name"));
            Assert.DoesNotContain('\u202E', error.Message);
        }

        Assert.Empty(seam.Effects);

        static string ParseAndAccept(string name) => InstanceName.TryParse(name, null, out _) ? "accepted by the type" : "refused by the type";
    }

    [Feature("CMP-24")]
    [Fact(Timeout = 60_000)]
    public async Task What_a_spec_cannot_have_is_refused_with_the_field_before_anything_is_done()
    {
        await using var lab = await QemuLab.CreateAsync();
        var seam = new CrashSeam();
        var backend = await lab.ConnectAsync(null, seam);
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "base.raw"), new byte[1 << 20], Token);
        seam.Arm(1);

        await RefusedAsync("sizing.cpus", ErrorCode.InvalidArgument, spec => spec.Sizing = new Sizing.Explicit(0, ByteSize.FromMiB(64)));
        await RefusedAsync("sizing.memory", ErrorCode.InvalidArgument, spec => spec.Sizing = new Sizing.Explicit(1, new ByteSize(1000)));
        await RefusedAsync("sizing.maxMemory", ErrorCode.InvalidArgument, spec => spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(64)) { MaxMemory = ByteSize.FromMiB(32) });
        await RefusedAsync("sizing", ErrorCode.Unsupported, spec => spec.Sizing = new Sizing.Type("t3.micro"));
        await RefusedAsync("architecture", ErrorCode.Unsupported, spec => spec.Architecture = Architecture.Parse("vax"));
        await RefusedAsync("cpuModel", ErrorCode.InvalidArgument, spec => spec.CpuModel = "host,+vmx");
        await RefusedAsync("boot", ErrorCode.InvalidArgument, spec => spec.Disks.Clear());
        await RefusedAsync("boot.kernelPath", ErrorCode.NotFound, spec => spec.Boot = new BootSource.Kernel("/etc/passwd", null, ""));
        await RefusedAsync("boot.image", ErrorCode.NotFound, spec => spec.Boot = new BootSource.Iso(VolumeId.Parse("../../etc/passwd")), ErrorCode.Denied);
        await RefusedAsync("disks[0].bus", ErrorCode.InvalidArgument, spec => spec.Disks[0].Bus = "floppy");
        await RefusedAsync("disks[0].id", ErrorCode.InvalidArgument, spec => spec.Disks[0].Id = DeviceId.Parse("a,b=c"));
        await RefusedAsync("disks[0].content.size", ErrorCode.InvalidArgument, spec => spec.Disks[0].Content = new DiskContent.FromImage("base.raw", ByteSize.FromKiB(64)));
        await RefusedAsync("disks[0].content.volume", ErrorCode.NotFound, spec => spec.Disks[0].Content = new DiskContent.Existing(VolumeId.Parse("x")));
        await RefusedAsync("disks[0].disposal", ErrorCode.InvalidArgument, spec =>
        {
            spec.Disks[0].Content = new DiskContent.Attached(new VolumeAttachment.File(Path.Combine(lab.Images, "base.raw"), "raw"));
            spec.Disks[0].Disposal = DiskDisposal.DeletedWithInstance;
        });
        await RefusedAsync("networks[0].network", ErrorCode.InvalidArgument, spec => spec.Networks.Add(new NetworkSpec { Network = "user,hostfwd=tcp::22-:22" }));
        await RefusedAsync("networks[0].mac", ErrorCode.InvalidArgument, spec => spec.Networks.Add(new NetworkSpec { Network = "user", Mac = MacAddress.Parse("01:00:5e:00:00:01") }));
        await RefusedAsync("labels", ErrorCode.InvalidArgument, spec => spec.Labels["hvsdk.owner"] = "me");
        await RefusedAsync("extensions.qemu.type", ErrorCode.InvalidArgument, spec => spec.Extensions.Set(new QemuMachine { Type = "pc,accel=kvm" }));
        Assert.Empty(seam.Effects);

        async Task RefusedAsync(string field, ErrorCode code, Action<VirtualMachineSpec> configure, ErrorCode? orCode = null)
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("web", configure), null, Token));
            Assert.True(error.Code == code || error.Code == orCode, $"{field}: {error.Code}, {error.Message}");
            Assert.NotEqual(RequestOutcome.Unknown, error.Outcome);
            if (error.Code == code)
                Assert.Contains(field, error.FieldErrors?.Keys ?? []);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task A_refusal_says_the_value()
    {
        await using var lab = await QemuLab.CreateAsync();
        var hypervisor = (await lab.ConnectAsync()).Get<IHypervisor>();
        await SaysAsync("sizing.cpus", "777", spec => spec.Sizing = new Sizing.Explicit(777, ByteSize.FromMiB(64)));
        await SaysAsync("sizing.memory", "1000", spec => spec.Sizing = new Sizing.Explicit(1, new ByteSize(1000)));
        await SaysAsync("labels", "too-long", spec => spec.Labels["a"] = "too-long" + new string('x', 5000));
        await SaysAsync("extensions.qemu.serialPorts", "17", spec => spec.Extensions.Set(new QemuMachine { SerialPorts = 17 }));
        await SaysAsync("extensions.qemu.numaNodes", "99", spec => spec.Extensions.Set(new QemuMachine { NumaNodes = 99 }));
        await SaysAsync("extensions.qemu.translationCache", "64GiB", spec => spec.Extensions.Set(new QemuMachine { TranslationCache = ByteSize.FromGiB(64) }));
        await SaysAsync("disks[0].serial", "a b", spec => spec.Disks[0].Serial = "a b");
        await SaysAsync("disks[0].content.size", "513", spec => spec.Disks[0].Content = new DiskContent.Blank(new ByteSize(513)));
        await SaysAsync("boot.commandLine", "quiet", spec => spec.Boot = new BootSource.Kernel(lab.Guest.KernelPath, null, "quiet\n"));

        async Task SaysAsync(string field, string value, Action<VirtualMachineSpec> configure)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.CreateAsync(QemuLab.EmptySpec("web", configure), null, Token));
            Assert.Contains(value, refused.FieldErrors![field], StringComparison.Ordinal);
        }
    }

    [Feature("CMP-24")]
    [Fact(Timeout = 60_000)]
    public async Task A_transition_that_the_state_does_not_allow_is_refused()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var created = await hypervisor.CreateAsync(QemuLab.EmptySpec("web"), null, Token).WaitForCompletionAsync(Token);

        await RefusedAsync(() => backend.Get<IPausing>().PauseAsync(created.Id, null, Token));
        await RefusedAsync(() => backend.Get<IPausing>().ResumeAsync(created.Id, null, Token));
        await RefusedAsync(() => backend.Get<IReset>().ResetAsync(created.Id, null, Token));
        Assert.Equal(PowerState.Stopped, (await hypervisor.StopAsync(created.Id, null, null, Token).WaitForCompletionAsync(Token)).State);

        await hypervisor.StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(async () => await hypervisor.DeleteAsync(created.Id, null, null, Token));
        await backend.Get<IPausing>().PauseAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
        await RefusedAsync(() => hypervisor.StartAsync(created.Id, null, Token));

        static async Task RefusedAsync<T>(Func<Task<T>> call)
        {
            var error = await Assert.ThrowsAsync<HypervisorException>(call);
            Assert.Equal(ErrorCode.InvalidState, error.Code);
            Assert.Equal(RequestOutcome.Rejected, error.Outcome);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task What_addresses_no_machine_is_not_found_and_never_becomes_a_path()
    {
        await using var lab = await QemuLab.CreateAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        foreach (string id in (string[])["../../etc", "vm-aaaaaaaaaaaaa", "vm-../../etc/pas", "-rf", "x"])
        {
            Assert.Null(await hypervisor.FindAsync(InstanceId.Parse(id), Token));
            Assert.Equal(ErrorCode.NotFound, (await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(InstanceId.Parse(id), null, Token))).Code);
        }

        await Assert.ThrowsAsync<ArgumentException>(() => hypervisor.StartAsync(default, null, Token));
        await Assert.ThrowsAsync<ArgumentException>(() => hypervisor.List().GetPageAsync("../x", 1, Token));
    }
}
