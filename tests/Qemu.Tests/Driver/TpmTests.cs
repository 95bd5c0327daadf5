using System.Runtime.Versioning;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu.Tests.Driver;

/// <summary>Machines with a TPM, which the guest speaks to by the commands of the TPM 2.0 library specification (part 3).</summary>
[SupportedOSPlatform("linux")]
[Peer("qemu")]
[Peer("swtpm")]
public sealed class TpmTests
{
    /// <summary>TPM2_NV_DefineSpace: the owner, without a password, makes the index 0x01500020 of 8 bytes.</summary>
    private const string Define = "80 02 00 00 00 2d 00 00 01 2a 40 00 00 01 00 00 00 09 40 00 00 09 00 00 01 00 00 00 00 00 0e 01 50 00 20 00 0b 00 06 00 06 00 00 00 08";

    /// <summary>TPM2_NV_ReadPublic of that index.</summary>
    private const string Look = "80 01 00 00 00 0e 00 00 01 69 01 50 00 20";

    /// <summary>TPM_RC_SUCCESS.</summary>
    private const string Success = "00000000";

    /// <summary>TPM_RC_HANDLE: there is no such index.</summary>
    private const string Unknown = "0000018b";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = 240_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_TPM_remembers_across_starts_and_goes_back_with_snapshots_and_along_with_clones()
    {
        await using var lab = await LabAsync();
        var backend = await lab.ConnectAsync();
        var hypervisor = backend.Get<IHypervisor>();
        var snapshots = backend.Get<ISnapshots>();
        Assert.Equal(CapabilitySupport.Yes, (await backend.QueryAsync(Capability.Tpm, default, Token)).Support);
        var vm = await hypervisor.CreateAsync(TpmSpec(lab), null, Token).WaitForCompletionAsync(Token);
        await BootAsync(lab, hypervisor, vm.Id);
        Assert.Equal("2", await QemuLab.ShellAsync(backend, vm.Id, "cat /sys/class/tpm/tpm0/tpm_version_major"));
        Assert.Equal(Unknown, await AskAsync(backend, vm.Id, Look));
        await SnapshotAsync("memory", withMemory: true);
        Assert.Equal(Success, await AskAsync(backend, vm.Id, Define));
        Assert.Equal(Success, await AskAsync(backend, vm.Id, Look));

        // In place: the TPM that runs goes back with the memory that speaks to it.
        await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("memory"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(Unknown, await AskAsync(backend, vm.Id, Look));
        Assert.Equal(Success, await AskAsync(backend, vm.Id, Define));

        await StopAsync();
        await SnapshotAsync("defined", withMemory: false);
        await BootAsync(lab, hypervisor, vm.Id);
        Assert.Equal(Success, await AskAsync(backend, vm.Id, Look));
        await StopAsync();
        var clone = await backend.Get<ICloning>().CloneAsync(vm.Id, new CloneSpec { Name = InstanceName.Parse("clone") }, null, Token).WaitForCompletionAsync(Token);

        // Switched off: a new QEMU and a new TPM are given what was kept.
        await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("memory"), null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(Unknown, await AskAsync(backend, vm.Id, Look));
        await StopAsync();
        await snapshots.RevertAsync(vm.Id, SnapshotName.Parse("defined"), null, Token).WaitForCompletionAsync(Token);
        await BootAsync(lab, hypervisor, vm.Id);
        Assert.Equal(Success, await AskAsync(backend, vm.Id, Look));
        await BootAsync(lab, hypervisor, clone.Id);
        Assert.Equal(Success, await AskAsync(backend, clone.Id, Look));

        async Task SnapshotAsync(string name, bool withMemory) =>
            await snapshots.CreateAsync(vm.Id, new SnapshotSpec { Name = SnapshotName.Parse(name), IncludeMemory = withMemory }, null, Token).WaitForCompletionAsync(Token);

        async Task StopAsync() => await hypervisor.StopAsync(vm.Id, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
    }

    [Fact(Timeout = 120_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_TPM_moves_with_its_guest()
    {
        RealPeer.Program("swtpm");
        await using var lab = await MigrationLab.CreateAsync();
        var spec = lab.Lab.Spec("moves", spec => WithTpm(lab.Lab, spec));
        var vm = await lab.StartAsync(spec);
        await lab.Lab.WaitForConsoleAsync(vm.Id, GuestImage.Prompt);
        Assert.Equal(Success, await AskAsync(lab.Source, vm.Id, Define));
        await lab.Source.Get<IMigration>().MigrateAsync(vm.Id, MigrationLab.To, new MigrationOptions { Live = true }, null, Token).WaitForCompletionAsync(Token);
        Assert.Equal(Success, await AskAsync(lab.Target, vm.Id, Look));
    }

    [Fact(Timeout = 300_000)]
    [Speed(SpeedAttribute.Slow)]
    public async Task A_crash_at_any_point_of_starting_leaves_no_TPM_behind()
    {
        RealPeer.Program("swtpm");
        int points = await CrashPoints.RunAsync(
            "start a machine with a TPM",
            async (_, backend) => (await backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("tpm", spec => spec.Tpm = true), null, Token).WaitForCompletionAsync(Token)).Id,
            (_, backend, id) => backend.Get<IHypervisor>().StartAsync(id!.Value, null, Token).WaitForCompletionAsync(Token),
            async (lab, backend, id, _) =>
            {
                await backend.Get<IHypervisor>().StopAsync(id!.Value, new StopOptions { GracePeriod = TimeSpan.Zero }, null, Token).WaitForCompletionAsync(Token);
                await NobodyHoldsAsync(Path.Combine(lab.StateDirectory, "vms", id.Value.ToString(), "tpm"));
            });
        Assert.True(points > 5, $"{points} points");
    }

    [Fact(Timeout = 120_000)]
    public async Task A_TPM_that_ends_at_once_fails_the_start_with_its_words_and_one_that_is_not_installed_is_refused()
    {
        await using var lab = await LabAsync();
        // A program that says what it was told and ends.
        var backend = await lab.ConnectAsync(options => options.Swtpm = "/bin/echo");
        var hypervisor = backend.Get<IHypervisor>();
        var vm = await hypervisor.CreateAsync(QemuLab.EmptySpec("tpm", spec => spec.Tpm = true), null, Token).WaitForCompletionAsync(Token);
        var failed = await Assert.ThrowsAsync<HypervisorException>(() => hypervisor.StartAsync(vm.Id, null, Token).WaitForCompletionAsync(Token));
        Assert.Contains("socket --tpm2", failed.Message, StringComparison.Ordinal);
        Assert.Equal(PowerState.Stopped, (await hypervisor.GetAsync(vm.Id, Token)).State);
        await lab.AbandonAsync(backend);

        backend = await lab.ConnectAsync(options => options.Swtpm = lab["absent"]);
        Assert.Equal(CapabilitySupport.No, (await backend.QueryAsync(Capability.Tpm, default, Token)).Support);
        var refused = await Assert.ThrowsAsync<HypervisorException>(() => backend.Get<IHypervisor>().CreateAsync(QemuLab.EmptySpec("second", spec => spec.Tpm = true), null, Token));
        Assert.Equal((ErrorCode.Unsupported, "tpm"), (refused.Code, Assert.Single(refused.FieldErrors!).Key));
        Assert.Contains("install it", refused.Message, StringComparison.Ordinal);
    }

    private static async Task<QemuLab> LabAsync()
    {
        RealPeer.Program("swtpm");
        return await QemuLab.CreateAsync();
    }

    private static VirtualMachineSpec TpmSpec(QemuLab lab) => lab.Spec("tpm", spec =>
    {
        WithTpm(lab, spec);
        spec.Disks.Add(new DiskSpec { Content = new DiskContent.Blank(ByteSize.FromMiB(32)) });
    });

    /// <summary>A kernel that QEMU starts as an ELF file is told of no ACPI tables, and so of no TPM.</summary>
    private static void WithTpm(QemuLab lab, VirtualMachineSpec spec)
    {
        spec.Tpm = true;
        spec.Sizing = new Sizing.Explicit(1, ByteSize.FromMiB(256));
        spec.Boot = new BootSource.Kernel(lab.Guest.ScreenKernelPath, lab.Guest.InitrdPath, GuestImage.CommandLine);
    }

    private static async Task BootAsync(QemuLab lab, IHypervisor hypervisor, InstanceId id)
    {
        await hypervisor.StartAsync(id, null, Token).WaitForCompletionAsync(Token);
        await lab.WaitForConsoleAsync(id, GuestImage.Prompt);
    }

    /// <summary>Waits until no process has a directory open: an emulator of a TPM ends when QEMU has, a moment later.</summary>
    private static async Task NobodyHoldsAsync(string directory)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (ProcessIdentity.WithArgument("socket", "--tpm2").Any(pid => Holds(pid, directory)))
            Assert.True(await timer.WaitForNextTickAsync(Token));
    }

    private static bool Holds(int pid, string directory)
    {
        try
        {
            return new DirectoryInfo($"/proc/{pid}/fd").EnumerateFileSystemInfos().Any(file => file.LinkTarget == directory);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // It is ending.
            return false;
        }
    }

    /// <summary>Sends a command to the TPM in the guest; what it answers first, after the length, is the response code.</summary>
    private static async Task<string> AskAsync(QemuBackend backend, InstanceId id, string command)
    {
        string bytes = string.Concat(command.Split(' ').Select(octet => "\\x" + octet));
        return await QemuLab.ShellAsync(backend, id, $"exec 3<>/dev/tpm0; printf '{bytes}' >&3; dd bs=4096 count=1 <&3 2>/dev/null | hexdump -v -e '1/1 \"%02x\"' | cut -c13-20");
    }
}
