using System.Runtime.Versioning;
using System.Text;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.Machines;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Machines that boot by UEFI, with variables of their own and signatures checked.</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
public sealed class UefiTests
{
    private const string Variable = "/sys/firmware/efi/efivars/Kept-12345678-1234-1234-1234-123456789abc";

    private const string Later = "/sys/firmware/efi/efivars/Later-12345678-1234-1234-1234-123456789abc";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task Signed_code_boots_with_the_callers_keys_and_what_the_guest_writes_into_its_variables_stays()
    {
        await using var lab = await QemuLab.CreateAsync(withMedia: true);
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var vm = await hypervisor.CreateAsync(UefiSpec(new QemuMachine { Graphics = false, FirmwareVariables = GuestImage.UefiVariables }, Firmware.UefiSecureBoot), null, Token).WaitForCompletionAsync(Token);
        await BootAsync(lab, hypervisor, vm.Id);
        Assert.Contains("Secure boot enabled", await lab.ReadConsoleAsync(vm.Id), StringComparison.Ordinal);
        await QemuLab.ShellAsync(backend, vm.Id, $"modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars; printf '\\007\\000\\000\\000first' > {Variable}");

        // What the firmware remembers belongs to a snapshot as the disks do.
        var snapshots = backend.Get<ISnapshots>();
        var name = SnapshotName.Parse("first");
        await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = name, IncludeMemory = true }, null, Token).WaitForCompletionAsync(Token);
        await QemuLab.ShellAsync(backend, vm.Id, $"printf '\\007\\000\\000\\000second' > {Later}");
        Assert.Equal("first second", await ReadAsync(backend, vm.Id));
        await snapshots.RevertAsync(vm.Id, name, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal("first", await ReadAsync(backend, vm.Id));

        // Switched off and on: only what was written down can be there.
        await hypervisor.StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
        var clone = await backend.Get<ICloning>().CloneAsync(vm.Id, new CloneSpec { Name = InstanceName.Parse("clone") }, null, Token).WaitForCompletionAsync(Token);
        await BootAsync(lab, hypervisor, clone.Id);
        await QemuLab.ShellAsync(backend, clone.Id, "modprobe efivarfs; mount -t efivarfs efivarfs /sys/firmware/efi/efivars");
        Assert.Equal("first", await ReadAsync(backend, clone.Id));
    }

    [Fact(Timeout = 240_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task Code_that_is_signed_by_a_stranger_boots_only_where_nobody_asks()
    {
        await using var lab = await QemuLab.CreateAsync(withMedia: true);
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        Assert.Equal(CapabilitySupport.Yes, (await backend.QueryAsync(Capability.UefiFirmware, default, Token)).Support);
        // With Microsoft's keys, which come with the firmware, on the machine type that can keep them from the guest.
        var checks = await hypervisor.CreateAsync(UefiSpec(new QemuMachine { Graphics = false }, Firmware.UefiSecureBoot), null, Token).WaitForCompletionAsync(Token);
        await hypervisor.StartAsync(checks.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(checks.Id, "Access Denied");
        await hypervisor.DeleteAsync(checks.Id, new DeleteOptions { StopFirst = true }, null, Token).WaitForCompletionAsync(Token);

        var trusts = await hypervisor.CreateAsync(UefiSpec(new QemuMachine { Graphics = false }, Firmware.Uefi), null, Token).WaitForCompletionAsync(Token);
        await BootAsync(lab, hypervisor, trusts.Id);
        Assert.Contains("Secure boot disabled", await lab.ReadConsoleAsync(trusts.Id), StringComparison.Ordinal);
    }

    [Fact(Timeout = 240_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task What_the_firmware_remembers_moves_with_its_guest_unless_that_is_paused()
    {
        await using var lab = await MigrationLab.CreateAsync();
        var spec = lab.Shared("moves");
        spec.Firmware = Firmware.Uefi;
        spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(128));
        var vm = await lab.StartAsync(spec);
        // The firmware has found nothing to boot and noted what it found by now, and waits for somebody in its own shell.
        await lab.Lab.WaitForConsoleAsync(vm.Id, " to skip ");
        await lab.Source.Get<IPausing>().PauseAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        var check = await lab.Source.Get<IMigration>().CheckAsync(vm.Id, MigrationLab.To, Token);
        Assert.Contains(check.Obstacles, obstacle => obstacle.Contains("resume it first", StringComparison.Ordinal));
        await lab.Source.Get<IPausing>().ResumeAsync(vm.Id, null, Token).WaitForCompletionAsync(Token);
        await lab.Source.Get<IMigration>().MigrateAsync(vm.Id, MigrationLab.To, new MigrationOptions { Live = true }, null, Token).WaitForCompletionAsync(Token);
        await lab.Target.Get<IHypervisor>().StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);

        string image = Path.Combine(lab.Target.Services.State.Path, "vms", vm.Id.ToString(), "disks", NvramMaker.File);
        string raw = lab.Lab["variables.raw"];
        await lab.Target.Services.Images.ConvertAsync(DiskImage.At(image, ImageFormat.Qcow2), DiskImage.At(raw, ImageFormat.Raw), cancellationToken: Token);
        Assert.True((await File.ReadAllBytesAsync(raw, Token)).AsSpan().IndexOf(Encoding.Unicode.GetBytes("BootOrder\0")) > 0, "The variables that the firmware made before it moved are not there.");
        Assert.True((await File.ReadAllBytesAsync("/usr/share/OVMF/OVMF_VARS_4M.fd", Token)).AsSpan().IndexOf(Encoding.Unicode.GetBytes("BootOrder\0")) < 0);
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_crash_at_any_point_of_creating_leaves_a_machine_with_its_variables_or_nothing()
    {
        int points = await CrashPoints.RunAsync(
            "create a machine with UEFI",
            (_, _) => Task.FromResult<InstanceId?>(null),
            (_, backend, _) => backend.Get<IHypervisor>().CreateAsync(EmptyUefiSpec(), null, Token).WaitForCompletionAsync(Token),
            async (lab, backend, _, finished) =>
            {
                var machines = new List<Instance>();
                await foreach (var machine in backend.Get<IHypervisor>().List())
                    machines.Add(machine);
                Assert.True(machines.Count == 1 || !finished, "A machine that was reported as made is there.");
                if (machines.Count == 0)
                    return;
                string image = Path.Combine(lab.StateDirectory, "vms", machines[0].Id.ToString(), "disks", NvramMaker.File);
                using var file = File.OpenHandle(image);
                Assert.Equal(new FileInfo("/usr/share/OVMF/OVMF_VARS_4M.fd").Length, Qcow2Header.Read(file)!.Size.Bytes);
            });
        Assert.True(points > 5, $"{points} points");
    }

    [Fact(Timeout = 60_000)]
    public async Task What_UEFI_cannot_do_is_refused_with_its_field()
    {
        await using var lab = await QemuLab.CreateAsync(withMedia: true);
        var backend = await lab.ConnectAsync();
        await File.WriteAllBytesAsync(Path.Combine(lab.Images, "small.vars"), new byte[4096], Token);
        await RefusedAsync("extensions.qemu.type", ErrorCode.InvalidArgument, spec => Set(spec, Firmware.UefiSecureBoot, new QemuMachine { Type = "pc-i440fx-7.2" }), "system management mode");
        await RefusedAsync("boot", ErrorCode.InvalidArgument, spec =>
        {
            spec.Firmware = Firmware.UefiSecureBoot;
            spec.Boot = new BootSource.Kernel(lab.Guest.KernelPath, null, "");
        }, "signature");
        await RefusedAsync("extensions.qemu.firmwareVariables", ErrorCode.InvalidArgument, spec => Set(spec, Firmware.Default, new QemuMachine { FirmwareVariables = GuestImage.UefiVariables }), "only UEFI");
        await RefusedAsync("extensions.qemu.firmwareVariables", ErrorCode.InvalidArgument, spec => Set(spec, Firmware.Uefi, new QemuMachine { FirmwareVariables = "small.vars" }), "540672");
        await RefusedAsync("extensions.qemu.firmwareVariables", ErrorCode.NotFound, spec => Set(spec, Firmware.Uefi, new QemuMachine { FirmwareVariables = "/etc/passwd" }), "no image");

        async Task RefusedAsync(string field, ErrorCode code, Action<VirtualMachineSpec> configure, string why)
        {
            var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("odd", configure), null, Token));
            Assert.Equal((code, field), (refused.Code, Assert.Single(refused.FieldErrors!).Key));
            Assert.Contains(why, refused.Message, StringComparison.Ordinal);
        }

        static void Set(VirtualMachineSpec spec, Firmware firmware, QemuMachine machine)
        {
            spec.Firmware = firmware;
            spec.Extensions.Set(machine);
        }
    }

    [Fact(Timeout = 60_000)]
    public async Task Firmware_is_found_by_its_descriptors_and_the_first_directory_decides()
    {
        using var directory = new TempDirectory();
        Directory.CreateDirectory(directory["firmware"]);
        await File.WriteAllBytesAsync(directory["code.fd"], new byte[4096], Token);
        await File.WriteAllBytesAsync(directory["vars.fd"], new byte[512], Token);
        string descriptor = $$"""
            {
              "interface-types": [ "uefi" ],
              "mapping": {
                "device": "flash",
                "executable": { "filename": "{{directory["code.fd"]}}", "format": "raw" },
                "nvram-template": { "filename": "{{directory["vars.fd"]}}", "format": "raw" }
              },
              "targets": [ { "architecture": "x86_64", "machines": [ "pc-q35-*" ] } ],
              "features": [ "secure-boot", "enrolled-keys", "requires-smm" ]
            }
            """;
        await File.WriteAllTextAsync(directory["firmware/10-ours.json"], descriptor, Token);
        await File.WriteAllTextAsync(directory["firmware/05-broken.json"], "{\"interface-types\":[\"uefi\"]", Token);
        await File.WriteAllTextAsync(directory["firmware/06-odd.json"], "[]", Token);
        var options = new QemuOptions();
        options.FirmwareDirectories.Add(directory.Path);
        Assert.Equal(directory["code.fd"], Find("q35", isSecure: true)?.Executable);
        Assert.Equal(directory["code.fd"], Find("pc-q35-7.2", isSecure: true)?.Executable);
        Assert.NotEqual(directory["code.fd"], Find("pc", isSecure: true)?.Executable);
        Assert.NotEqual(directory["code.fd"], Find("q35", isSecure: false)?.Executable);
        File.Delete(directory["vars.fd"]);
        Assert.NotEqual(directory["code.fd"], Find("q35", isSecure: true)?.Executable);

        UefiFirmware? Find(string type, bool isSecure) => UefiFirmware.Find(options, "x86_64", type, isSecure, withKeys: true);
    }

    private static VirtualMachineSpec EmptyUefiSpec() => QemuLab.EmptySpec("uefi", spec => spec.Firmware = Firmware.Uefi);

    private static VirtualMachineSpec UefiSpec(QemuMachine machine, Firmware firmware)
    {
        var spec = new VirtualMachineSpec { Name = InstanceName.Parse("uefi"), Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256)), Firmware = firmware };
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.FromImage(GuestImage.UefiDisk) });
        spec.Extensions.Set(machine);
        return spec;
    }

    private static async Task BootAsync(QemuLab lab, IHypervisor hypervisor, InstanceId id)
    {
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(id, GuestImage.Prompt);
    }

    private static Task<string> ReadAsync(QemuBackend backend, InstanceId id) => QemuLab.ShellAsync(backend, id, $"for file in {Variable} {Later}; do [ ! -e $file ] || echo $(tail -c +5 $file); done | xargs");
}
