using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Hypervisor.Sdk.Qemu.Machines;
using Hypervisor.Sdk.Qemu.Processes;

namespace Hypervisor.Sdk.Qemu;

/// <summary>The architectures that a <see cref="QemuBackend"/> makes machines of, and what runs where. Got by <c>backend.TryGet&lt;QemuArchitectures&gt;</c>; thread-safe.</summary>
public sealed class QemuArchitectures
{
    /// <summary>What QEMU's translator makes code for (its directory <c>tcg</c>), by the kernel's words.</summary>
    private static readonly Architecture[] s_hosts = [Architecture.X64, Architecture.Arm64, Architecture.RiscV64, Architecture.Ppc64Le, Architecture.S390X, Architecture.Mips64];

    private readonly string? _kvmProblem;
    private readonly QemuArchitecture _pc;
    private ImmutableDictionary<Architecture, QemuArchitecture> _known;

    internal QemuArchitectures(string pcProgram, IEnumerable<QemuArchitecture> further, string? kvmProblem)
    {
        _kvmProblem = kvmProblem;
        _pc = BuiltIn[0] with { Program = pcProgram };
        _known = BuiltIn.Skip(1).Append(_pc).ToImmutableDictionary(architecture => architecture.Architecture);
        foreach (var architecture in further)
            Register(architecture);
    }

    /// <summary>The definitions that come with this package: x86_64, aarch64, riscv64, ppc64le, s390x and mips64, which is its little-endian form, the one that distributions are made for.</summary>
    public static IReadOnlyList<QemuArchitecture> BuiltIn { get; } =
    [
        new() { Name = "x86_64", Program = "qemu-system-x86_64", MachineType = "pc", MachineOptions = "hpet=off,vmport=off", CpuModel = "max", IsPc = true, Screen = "VGA", Package = "qemu-system-x86" },
        new()
        {
            Name = "aarch64", Program = "qemu-system-aarch64", MachineType = "virt", CpuModel = "cortex-a57", Bus = QemuBus.PciExpress, Screen = "virtio-gpu-pci", SerialConsole = "ttyAMA0", IsUefi = true,
            Firmware = ["/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", "/usr/share/edk2/aarch64/QEMU_EFI.fd", "/usr/share/qemu/edk2-aarch64-code.fd"], Package = "qemu-system-arm qemu-efi-aarch64",
        },
        new() { Name = "riscv64", Program = "qemu-system-riscv64", MachineType = "virt", CpuModel = "rv64", Bus = QemuBus.PciExpress, Screen = "virtio-gpu-pci", Package = "qemu-system-misc" },
        new()
        {
            Name = "ppc64le", Program = "qemu-system-ppc64", MachineType = "pseries", MachineOptions = "cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken,cap-ccf-assist=off", CpuModel = "power9", Screen = "VGA",
            SerialConsole = "hvc0", Package = "qemu-system-ppc",
        },
        new() { Name = "s390x", Program = "qemu-system-s390x", MachineType = "s390-ccw-virtio", CpuModel = "max", Bus = QemuBus.Ccw, Screen = "virtio-gpu-ccw", SerialConsole = "ttysclp0", Package = "qemu-system-misc" },
        new()
        {
            Name = "mips64", Program = "qemu-system-mips64el", MachineType = "malta", CpuModel = "5KEc", PciBus = "pci", FirstSlot = 18, LastSlot = 21, HasExtras = false, NeedsKernel = true, Package = "qemu-system-mips",
        },
    ];

    /// <summary>Those that are known now, by their names.</summary>
    public IReadOnlyList<QemuArchitecture> All => [.. _known.Values.OrderBy(architecture => architecture.Name, StringComparer.Ordinal)];

    /// <summary>The host's own.</summary>
    public static Architecture Host { get; } = RuntimeInformation.OSArchitecture switch
    {
        System.Runtime.InteropServices.Architecture.X64 => Architecture.X64,
        System.Runtime.InteropServices.Architecture.Arm64 => Architecture.Arm64,
        System.Runtime.InteropServices.Architecture.RiscV64 => Architecture.RiscV64,
        System.Runtime.InteropServices.Architecture.Ppc64le => Architecture.Ppc64Le,
        System.Runtime.InteropServices.Architecture.S390x => Architecture.S390X,
        var other => Architecture.Parse(other.ToString().ToLowerInvariant()),
    };

    /// <summary>How every kind of host runs every kind of guest that is known: the answers of <see cref="Ask"/> as a table.</summary>
    public IReadOnlyList<EmulationAnswer> Matrix => [.. s_hosts.SelectMany(host => All.Select(guest => Ask(host, guest.Architecture)))];

    /// <summary>Adds an architecture, or puts another definition in place of the one that is known. Machines that there are keep theirs.</summary>
    /// <exception cref="ArgumentException">A member is not acceptable.</exception>
    public void Register(QemuArchitecture architecture)
    {
        ArgumentNullException.ThrowIfNull(architecture);
        architecture.Validated();
        ImmutableInterlocked.AddOrUpdate(ref _known, architecture.Architecture, architecture, (_, _) => architecture);
    }

    /// <summary>How a host runs guests. Of this host's own architecture it is what was found here, installed programs and KVM included; of others it is what QEMU can do there.</summary>
    public EmulationAnswer Ask(Architecture host, Architecture guest)
    {
        if (!s_hosts.Contains(host))
            return Answer(EmulationMode.Impossible, $"QEMU has no translator for hosts of the architecture '{host}'.");
        if (!_known.TryGetValue(guest, out var known))
            return Answer(EmulationMode.Impossible, $"No machine of the architecture '{guest}' is defined; register it.");
        if (host == Host && ProgramPath.TryFind(known.Program) is null)
            return Answer(EmulationMode.Impossible, MissingProgram(known));
        if (host != guest)
            return Answer(EmulationMode.Emulated, $"QEMU translates {guest} code to {host} code.");
        if (host != Host)
            return Answer(EmulationMode.Accelerated, "KVM, where the host has it; else its code is translated.");
        return _kvmProblem is { } problem ? Answer(EmulationMode.Native, problem) : Answer(EmulationMode.Accelerated, "KVM works on this host.");

        EmulationAnswer Answer(EmulationMode mode, string reason) => new(host, guest) { Mode = mode, Reason = reason };
    }

    /// <summary>The definition of an architecture that this host can run.</summary>
    /// <exception cref="HypervisorException">It is not known, or its QEMU is not installed (<see cref="ErrorCode.Unsupported"/>).</exception>
    internal QemuArchitecture Require(Architecture guest) => Ask(Host, guest) switch
    {
        { Mode: EmulationMode.Impossible } answer => throw SpecProblem.Unsupported("architecture", answer.Reason.TrimEnd('.')),
        _ => _known[guest],
    };

    /// <summary>What is written down of a definition with a machine: nothing of a PC as it comes with this package.</summary>
    internal QemuArchitecture? ToKeep(QemuArchitecture known) => ReferenceEquals(known, _pc) ? null : known;

    internal static string MissingProgram(QemuArchitecture known) =>
        $"There is no program '{known.Program}' on this host{(known.Package is { } package ? $"; install it (Debian: {package})" : "")}.";
}
