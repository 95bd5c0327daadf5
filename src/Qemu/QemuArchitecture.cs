using System.Text.Json.Serialization;
using System.Text.RegularExpressions;

namespace Hypervisor.Sdk.Qemu;

/// <summary>
/// How machines of one processor architecture are made: the program, the machine type, the processor, the firmware and where devices sit. A machine keeps the definition that it was created with.
/// Six are known (<see cref="QemuArchitectures.BuiltIn"/>); further ones are registered with <see cref="QemuArchitectures.Register"/>.
/// </summary>
public sealed partial record QemuArchitecture
{
    /// <summary>Its word in <see cref="VirtualMachineSpec.Architecture"/>: <c>aarch64</c>.</summary>
    public required string Name { get; init; }

    /// <summary>QEMU for it: a path, or a name that is looked up in PATH. <see cref="QemuOptions.QemuSystem"/> goes before for x86_64.</summary>
    public required string Program { get; init; }

    /// <summary>The machine type where <see cref="QemuMachine.Type"/> says none: <c>virt</c>.</summary>
    public required string MachineType { get; init; }

    /// <summary>Further settings of the machine, as <c>-machine</c> takes them: <c>gic-version=3</c>. Default: none.</summary>
    public string? MachineOptions { get; init; }

    /// <summary>The processor where <see cref="VirtualMachineSpec.CpuModel"/> says none and KVM does not run it.</summary>
    public required string CpuModel { get; init; }

    /// <summary>Whether it is a PC: ISA serial ports, a keyboard, disks on IDE and SATA. Default false.</summary>
    public bool IsPc { get; init; }

    /// <summary>What devices sit on. A PC of the type q35 has PCI Express whatever is said here. Default: PCI.</summary>
    public QemuBus Bus { get; init; }

    /// <summary>The name of the PCI bus in QEMU. Default <c>pci.0</c>.</summary>
    public string PciBus { get; init; } = "pci.0";

    /// <summary>The first place on the PCI bus for disks and network devices. Default 8.</summary>
    public int FirstSlot { get; init; } = 8;

    /// <summary>The last place. Default 31.</summary>
    public int LastSlot { get; init; } = 31;

    /// <summary>Whether there is room for the random device, the agent's channel, the balloon and a SCSI controller, on the places below <see cref="FirstSlot"/>. Default true.</summary>
    public bool HasExtras { get; init; } = true;

    /// <summary>The device of the screen; null where there is none. Default: none.</summary>
    public string? Screen { get; init; }

    /// <summary>What Linux calls the first serial port: <c>console=ttyAMA0</c> on a kernel's command line. Default <c>ttyS0</c>.</summary>
    public string SerialConsole { get; init; } = "ttyS0";

    /// <summary>Where its firmware may be, the best first; QEMU has one of its own where the list is empty. Used to boot anything but a kernel.</summary>
    public IReadOnlyList<string> Firmware { get; init; } = [];

    /// <summary>Whether that firmware is UEFI. Default false.</summary>
    public bool IsUefi { get; init; }

    /// <summary>Whether nothing but a kernel can be booted, for lack of a firmware. Default false.</summary>
    public bool NeedsKernel { get; init; }

    /// <summary>What to install where the program or the firmware is missing. Default: nothing known.</summary>
    public string? Package { get; init; }

    /// <summary>The same as a word of the model.</summary>
    [JsonIgnore]
    public Architecture Architecture => Architecture.Parse(Name);

    /// <summary>Refuses what cannot stand in an argument of QEMU.</summary>
    /// <exception cref="ArgumentException">A member is not acceptable.</exception>
    internal QemuArchitecture Validated()
    {
        Require(Architecture.TryParse(Name, null, out _), nameof(Name), Name);
        Require(Program is { Length: > 0 } && !Program.Contains('\0'), nameof(Program), Program);
        Require(WordPattern().IsMatch(MachineType), nameof(MachineType), MachineType);
        Require(MachineOptions is null || OptionPattern().IsMatch(MachineOptions), nameof(MachineOptions), MachineOptions);
        Require(OptionPattern().IsMatch(CpuModel), nameof(CpuModel), CpuModel);
        Require(WordPattern().IsMatch(PciBus), nameof(PciBus), PciBus);
        Require(FirstSlot is > 0 and < 32 && LastSlot >= FirstSlot && LastSlot < 32, nameof(FirstSlot), $"{FirstSlot} to {LastSlot}");
        Require(Screen is null || WordPattern().IsMatch(Screen), nameof(Screen), Screen);
        Require(Firmware.All(Path.IsPathFullyQualified), nameof(Firmware), string.Join(", ", Firmware));
        return this;
    }

    private static void Require(bool holds, string name, string? value)
    {
        if (!holds)
            throw new ArgumentException($"{nameof(QemuArchitecture)}.{name} is '{value?.Replace('\0', '?')}', which cannot be.");
    }

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z")]
    private static partial Regex WordPattern();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9.,=+_-]{0,255}\z")]
    private static partial Regex OptionPattern();
}
