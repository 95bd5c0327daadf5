using System.Diagnostics;
using System.Runtime.Versioning;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Machines of other architectures: what each prints is its own firmware's or kernel's.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class ArchitectureTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory(Timeout = 180_000)]
    [Feature("CMP-23")]
    [Feature("CLU-15")]
    [Feature("CLU-16")]
    [InlineData("x86_64")]
    [InlineData("aarch64")]
    public async Task A_machine_boots_to_a_shell_of_its_architecture(string name)
    {
        var architecture = Architecture.Parse(name);
        await using var lab = await LabAsync(architecture);
        string directory = lab.Images;
        var spec = lab.Spec("shell", spec => spec.Architecture = architecture);
        if (architecture != Architecture.X64)
        {
            directory = await GuestImage.GetKernelAsync(name, Token);
            spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256));
            spec.Boot = new BootSource.Kernel(Path.Combine(directory, "vmlinuz"), Path.Combine(directory, "initrd"), "console=ttyAMA0 quiet audit=0");
            spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(8)) });
            spec.Networks.Add(new NetworkSpec { Network = "user" });
        }

        await using var backend = await lab.ConnectAsync(options => options.ImageDirectories.Add(directory));
        var machine = await StartedAsync(backend, spec);
        Assert.Equal(architecture, machine.Architecture);
        await lab.WaitForConsoleAsync(machine.Id, GuestImage.ReadyText);
        // What is typed before the shell reads can be lost.
        await lab.WaitForConsoleAsync(machine.Id, architecture == Architecture.X64 ? GuestImage.Prompt : "# ");
        await using var session = await backend.Get<ISerialConsole>().OpenAsync(machine.Id, null, Token);
        await BootedMachine.TypeAsync(session, "echo this-is-$(uname -m)");
        await BootedMachine.ReadUntilAsync(session, "this-is-" + name);
    }

    [Theory(Timeout = 120_000)]
    [Feature("CMP-23")]
    [Feature("CLU-17")]
    [Feature("CLU-18")]
    [Feature("CLU-19")]
    [InlineData("riscv64", "OpenSBI")]
    [InlineData("ppc64le", "SLOF")]
    [InlineData("s390x", "LOADPARM")]
    [InlineData("aarch64", "UEFI firmware")]
    public async Task A_machine_prints_what_its_firmware_says(string name, string text)
    {
        var architecture = Architecture.Parse(name);
        await using var lab = await LabAsync(architecture);
        await using var backend = await lab.ConnectAsync();
        var spec = QemuLab.EmptySpec("firmware", spec =>
        {
            spec.Architecture = architecture;
            spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256));
            spec.Networks.Add(new NetworkSpec { Network = "user" });
        });
        var machine = await StartedAsync(backend, spec);
        Assert.Equal(architecture, machine.Architecture);
        await lab.WaitForConsoleAsync(machine.Id, text);
    }

    [Fact(Timeout = 120_000)]
    [Feature("CLU-20")]
    public async Task A_mips64_machine_runs_a_kernel_and_is_refused_without_one()
    {
        await using var lab = await LabAsync(Architecture.Mips64);
        string directory = await GuestImage.GetKernelAsync("mips64", Token);
        await using var backend = await lab.ConnectAsync(options => options.ImageDirectories.Add(directory));
        var empty = QemuLab.EmptySpec("empty", spec => spec.Architecture = Architecture.Mips64);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(empty, null, Token));
        Assert.Equal(ErrorCode.Unsupported, refused.Code);
        Assert.Contains("no firmware", refused.Message, StringComparison.Ordinal);

        var machine = await StartedAsync(backend, lab.Spec("malta", spec =>
        {
            spec.Architecture = Architecture.Mips64;
            spec.Boot = new BootSource.Kernel(Path.Combine(directory, "vmlinuz"), Path.Combine(directory, "initrd"), "console=ttyS0");
            spec.Networks.Add(new NetworkSpec { Network = "user" });
        }));
        await lab.WaitForConsoleAsync(machine.Id, "MIPS: machine is mti,malta");
    }

    [Fact(Timeout = 120_000)]
    [Feature("CLU-14")]
    public async Task An_architecture_that_is_registered_at_run_time_makes_machines_which_outlive_the_registration()
    {
        await using var lab = await LabAsync(Architecture.X64);
        var spec = QemuLab.EmptySpec("old", spec => spec.Architecture = Architecture.Parse("i686"));
        InstanceId id;
        await using (var backend = await lab.ConnectAsync())
        {
            var architectures = backend.Get<QemuArchitectures>();
            var unknown = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(spec, null, Token));
            Assert.Equal(ErrorCode.Unsupported, unknown.Code);
            Assert.Contains("register it", unknown.Message, StringComparison.Ordinal);
            Assert.Throws<ArgumentException>(() => architectures.Register(I686() with { CpuModel = "x -S" }));

            architectures.Register(I686());
            Assert.Equal(EmulationMode.Emulated, architectures.Ask(QemuArchitectures.Host, Architecture.Parse("i686")).Mode);
            await foreach (var node in backend.Get<INodes>().ListAsync(Token))
                Assert.Contains(Architecture.Parse("i686"), node.Emulated);
            id = (await backend.Get<IHypervisor>().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token)).Id;
        }

        await using var next = await lab.ConnectAsync();
        var started = await next.Get<IHypervisor>().StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(Architecture.Parse("i686"), started.Architecture);
        var (machine, config) = next.Table.Require(id);
        Assert.Equal("i386", (await next.Table.AskAsync(machine, config, async client => await client.QueryTargetAsync(Token), Token)).Arch.Text);

        static QemuArchitecture I686() => new() { Name = "i686", Program = "qemu-system-i386", MachineType = "pc", MachineOptions = "hpet=off", CpuModel = "qemu32", IsPc = true, Screen = "VGA" };
    }

    [Fact(Timeout = 60_000)]
    [Feature("CLU-12")]
    [Feature("CLU-21")]
    public async Task The_matrix_says_what_runs_where_and_why_not()
    {
        await using var lab = await LabAsync(Architecture.X64);
        await using var backend = await lab.ConnectAsync(options => options.Architectures.Add(new QemuArchitecture { Name = "vax", Program = "qemu-system-vax", MachineType = "vax", CpuModel = "vax" }));
        var architectures = backend.Get<QemuArchitectures>();
        var matrix = architectures.Matrix;
        Assert.Equal(6 * 7, matrix.Count);
        Assert.All(matrix, answer => Assert.NotEmpty(answer.Reason));
        // What the processor is, asked from somebody else.
        using var uname = Process.Start(new ProcessStartInfo("uname", ["-m"]) { RedirectStandardOutput = true })!;
        Assert.Equal((await uname.StandardOutput.ReadToEndAsync(Token)).Trim(), QemuArchitectures.Host.ToString());
        Assert.Equal(EmulationMode.Native, architectures.Ask(QemuArchitectures.Host, QemuArchitectures.Host).Mode);
        Assert.Contains("TCG", architectures.Ask(QemuArchitectures.Host, QemuArchitectures.Host).Reason, StringComparison.Ordinal);
        Assert.Equal(EmulationMode.Emulated, architectures.Ask(Architecture.Arm64, Architecture.X64).Mode);
        Assert.Equal(EmulationMode.Accelerated, architectures.Ask(Architecture.S390X, Architecture.S390X).Mode);
        var missing = architectures.Ask(QemuArchitectures.Host, Architecture.Parse("vax"));
        Assert.Equal((EmulationMode.Impossible, true), (missing.Mode, missing.Reason.Contains("qemu-system-vax", StringComparison.Ordinal)));
        Assert.Equal(EmulationMode.Impossible, architectures.Ask(Architecture.Parse("z80"), Architecture.X64).Mode);
        Assert.Equal(EmulationMode.Impossible, architectures.Ask(QemuArchitectures.Host, Architecture.Parse("z80")).Mode);
    }

    [Fact(Timeout = 60_000)]
    public async Task What_an_architecture_does_not_have_is_refused_with_its_field()
    {
        await using var lab = await LabAsync(Architecture.Arm64);
        await using var backend = await lab.ConnectAsync();
        foreach (var (wrong, field) in new (Action<VirtualMachineSpec>, string)[]
        {
            (spec => spec.Disks[0].Bus = "ide", "disks[0].bus"),
            (spec => spec.Firmware = Firmware.Bios, "firmware"),
            (spec => spec.Extensions.Set(new QemuMachine { SerialPorts = 2 }), "extensions.qemu.serialPorts"),
        })
        {
            var spec = QemuLab.EmptySpec("odd", spec => spec.Architecture = Architecture.Arm64);
            wrong(spec);
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(spec, null, Token));
            Assert.Equal((ErrorCode.Unsupported, field), (refused.Code, Assert.Single(refused.FieldErrors!).Key));
        }
    }

    private static async Task<QemuLab> LabAsync(Architecture architecture)
    {
        RealPeer.Program(QemuArchitectures.BuiltIn.Single(known => known.Architecture == architecture).Program);
        return await QemuLab.CreateAsync();
    }

    private static async Task<Instance> StartedAsync(QemuBackend backend, VirtualMachineSpec spec)
    {
        var created = await backend.Get<IHypervisor>().CreateAsync(spec, null, Token).WaitForCompletionAsync(Token);
        return await backend.Get<IHypervisor>().StartAsync(created.Id, null, Token).WaitForCompletionAsync(Token);
    }
}
