using System.Runtime.Versioning;
using Hypervisor.Sdk.DiskImages;
using Hypervisor.Sdk.Qemu.State;

namespace Hypervisor.Sdk.Qemu.Machines;

/// <summary>Plans and makes what a machine's UEFI firmware remembers: its variables, in a qcow2 image beside the disks, so that snapshots hold them too.</summary>
[SupportedOSPlatform("linux")]
internal static class NvramMaker
{
    /// <summary>The name of the image among the machine's disks; no disk can have it, for ids do not begin so.</summary>
    public const string File = "hv-nvram.qcow2";

    /// <summary>The node of the image in QEMU.</summary>
    public const string Node = "hv-nvram";

    private const string MachineTypeField = "extensions.qemu.type";
    private const string VariablesField = "extensions.qemu.firmwareVariables";

    /// <summary>The machine type that a machine with this firmware gets: a PC's plain one has no system management mode, which checked signatures need.</summary>
    public static QemuMachine MachineFor(QemuMachine machine, Firmware firmware, QemuArchitecture platform) =>
        firmware == Firmware.UefiSecureBoot && platform.IsPc && machine.Type == "pc" ? machine with { Type = "q35" } : machine;

    /// <summary>What was asked for, checked; null for a machine without variables. Nothing is made yet.</summary>
    public static NvramConfig? Plan(VirtualMachineSpec spec, QemuMachine machine, QemuArchitecture platform, QemuOptions options, DiskMaker disks)
    {
        bool isSecure = spec.Firmware == Firmware.UefiSecureBoot;
        if (!isSecure && spec.Firmware != Firmware.Uefi)
            return machine.FirmwareVariables is null ? null : throw SpecProblem.Invalid(VariablesField, "only UEFI has variables; ask for it (firmware)");
        if (!platform.IsPc && !platform.IsUefi)
            throw SpecProblem.Unsupported("firmware", $"{platform.Name} machines boot by a firmware of their own here");
        if (isSecure && spec.Boot is BootSource.Kernel)
            throw SpecProblem.Invalid("boot", "a kernel that QEMU hands to the firmware is started whatever its signature: with secure boot, boot from a disk or a CD");
        if (isSecure && platform.IsPc && !machine.Type.Contains("q35", StringComparison.Ordinal))
            throw SpecProblem.Invalid(MachineTypeField, $"'{machine.Type}' has no system management mode, without which a guest could change what secure boot trusts; take q35");
        string? own = machine.FirmwareVariables is { } name ? disks.PathOfImage(name, VariablesField) : null;
        if (UefiFirmware.Find(options, platform.Name, machine.Type, isSecure, withKeys: own is null) is not { } firmware)
        {
            // The firmware of such a machine is UEFI by itself; without a descriptor it remembers nothing.
            if (!isSecure && platform.IsUefi && own is null)
                return null;
            throw SpecProblem.Unsupported("firmware", MissingFirmware(platform, isSecure));
        }

        long size = new FileInfo(firmware.Variables).Length;
        if (own is not null && new FileInfo(own).Length != size)
            throw SpecProblem.Invalid(VariablesField, $"'{DiskMaker.Echo(own)}' has {new FileInfo(own).Length} bytes, and the firmware '{firmware.Executable}' wants {size}: raw, made for it");
        return new NvramConfig { Firmware = firmware.Executable, Template = own ?? firmware.Variables, SizeBytes = size, NeedsSmm = firmware.NeedsSmm };
    }

    /// <summary>Why there is no UEFI here; null when there is.</summary>
    public static string? WhyNot(QemuOptions options) =>
        UefiFirmware.Find(options, "x86_64", "pc", isSecure: false, withKeys: false) is null ? MissingFirmware(QemuArchitectures.BuiltIn[0], false) + "." : null;

    /// <summary>Makes the variables of a new machine.</summary>
    public static async Task MakeAsync(MachineChange change, MachineConfig config, CancellationToken cancellationToken)
    {
        if (config.Nvram is not { } nvram)
            return;
        change.Progress.Say("making the firmware's variables");
        string path = StateDirectory.Disk(change.Id, File);
        using var file = change.Root.CreateFile(path);
        using var template = Open(nvram.Template);
        await change.Root.EffectAsync($"copy image {path}", () => change.Services.Images.ConvertAsync(DiskImage.InFile(template, ImageFormat.Raw), DiskImage.InFile(file, ImageFormat.Qcow2), cancellationToken: cancellationToken)).ConfigureAwait(false);
        change.Root.FlushFile(file, path);
    }

    /// <summary>Makes room for variables that come with a guest.</summary>
    public static async Task MakeBlankAsync(MachineChange change, MachineConfig config, CancellationToken cancellationToken)
    {
        if (config.Nvram is not { } nvram)
            return;
        string path = StateDirectory.Disk(change.Id, File);
        using var file = change.Root.CreateFile(path);
        await change.Root.EffectAsync($"make image {path}", () => change.Services.Images.CreateAsync(DiskImage.InFile(file, ImageFormat.Qcow2), new ByteSize(nvram.SizeBytes), null, cancellationToken)).ConfigureAwait(false);
        change.Root.FlushFile(file, path);
    }

    /// <summary>Makes the variables of a clone: those of its source, as they are or were at a snapshot.</summary>
    public static async Task MakeCloneAsync(MachineChange change, MachineConfig config, string sourceId, string? tag, CancellationToken cancellationToken)
    {
        if (config.Nvram is null)
            return;
        string path = StateDirectory.Disk(change.Id, File);
        using var file = change.Root.CreateFile(path);
        using var opened = change.Root.OpenFile(StateDirectory.Disk(sourceId, File));
        var (source, target) = (DiskImage.InFile(opened, ImageFormat.Qcow2), DiskImage.InFile(file, ImageFormat.Qcow2));
        await change.Root.EffectAsync($"copy image {path}", () => tag is null
            ? change.Services.Images.ConvertAsync(source, target, cancellationToken: cancellationToken)
            : change.Services.Images.ConvertSnapshotAsync(source, tag, target, cancellationToken: cancellationToken)).ConfigureAwait(false);
        change.Root.FlushFile(file, path);
    }

    private static Microsoft.Win32.SafeHandles.SafeFileHandle Open(string path)
    {
        try
        {
            return System.IO.File.OpenHandle(path);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new HypervisorException($"The firmware's variables '{path}' cannot be read: {error.Message}", ErrorCode.Unavailable, RequestOutcome.Rejected, error);
        }
    }

    private static string MissingFirmware(QemuArchitecture platform, bool isSecure) =>
        $"this host has no UEFI firmware {(isSecure ? "that checks signatures " : "")}for {platform.Name} machines{(platform.IsPc ? "; install it (Debian: ovmf)" : platform.Package is { } package ? $"; install it (Debian: {package})" : "")}";
}
